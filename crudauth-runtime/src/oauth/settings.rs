//! What the builder collects of the providers.

use std::fmt;
use std::sync::Arc;

use super::{Credentials, HttpClient, OAuthProvider};
use crate::policy::ProviderKind;

/// What the application says of itself and of the providers that its block declares. Checked by
/// [`Clients::new`](super::Clients::new).
#[derive(Default)]
pub struct Settings {
    pub(super) public_url: String,
    pub(super) registered: Vec<Registered>,
    pub(super) http: Option<Arc<dyn HttpClient>>,
}

/// One provider that the application is registered with.
pub(super) struct Registered {
    pub(super) kind: ProviderKind,
    pub(super) name: String,
    pub(super) credentials: Credentials,
    /// For [`ProviderKind::Own`].
    pub(super) own: Option<Box<dyn OAuthProvider>>,
}

impl Settings {
    /// The URL under which the router is mounted, as browsers see it.
    pub fn public_url(&mut self, url: impl Into<String>) {
        self.public_url = url.into();
    }

    /// Credentials at a provider of a `kind` that is known. `name` is that of the block: `google`, or `sso` of
    /// `oidc("sso")`.
    pub fn register(
        &mut self,
        kind: ProviderKind,
        name: impl Into<String>,
        credentials: Credentials,
    ) {
        self.registered.push(Registered {
            kind,
            name: name.into(),
            credentials,
            own: None,
        });
    }

    /// Credentials at a provider that the application describes itself.
    pub fn register_own(
        &mut self,
        name: impl Into<String>,
        provider: impl OAuthProvider,
        credentials: Credentials,
    ) {
        self.registered.push(Registered {
            kind: ProviderKind::Own,
            name: name.into(),
            credentials,
            own: Some(Box::new(provider)),
        });
    }

    /// Makes the calls to providers in place of the client that is built in.
    pub fn http_client(&mut self, client: impl HttpClient) {
        self.http = Some(Arc::new(client));
    }
}

impl Registered {
    /// As the application writes it.
    pub(super) fn call(kind: ProviderKind, name: &str) -> String {
        match kind {
            ProviderKind::Oidc => format!("`.oidc(\"{name}\", …)`"),
            ProviderKind::Own => format!("`.provider(\"{name}\", …)`"),
            _ => format!("`.{name}(…)`"),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .registered
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        f.debug_struct("Settings")
            .field("public_url", &self.public_url)
            .field("providers", &names)
            .finish_non_exhaustive()
    }
}
