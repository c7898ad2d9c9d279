//! How the application proves who it is.

use std::borrow::Cow;

use super::Failure;
use super::apple::AppleSigner;
use crate::clock::Timestamp;
use crate::secret::SecretText;

/// The client id, and what goes with it.
pub(super) struct Prover {
    client_id: String,
    kind: ProofKind,
}

pub(super) enum ProofKind {
    Public,
    Shared(SecretText),
    Apple(Box<AppleSigner>),
}

impl Prover {
    pub(super) const fn new(client_id: String, kind: ProofKind) -> Self {
        Self { client_id, kind }
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn secret(&self, now: Timestamp) -> Result<Option<Cow<'_, str>>, Failure> {
        match &self.kind {
            ProofKind::Public => Ok(None),
            ProofKind::Shared(secret) => Ok(Some(Cow::Borrowed(secret.expose()))),
            ProofKind::Apple(signer) => match signer.sign(&self.client_id, now) {
                Ok(secret) => Ok(Some(Cow::Owned(secret))),
                Err(_) => Err(Failure::new("the client secret for Apple cannot be signed")),
            },
        }
    }
}
