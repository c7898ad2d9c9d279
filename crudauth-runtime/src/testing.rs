//! For the tests of applications: a signed-in client without a browser, a clock that a test moves, cheap hashing.
//!
//! Nothing here can be reached from an `auth!` block or from the environment, so none of it is a production setting.

use std::sync::Arc;

use crate::account::AuthUser;
use crate::authenticate::Authenticated;
use crate::authority::{Authority, engine};
use crate::builder::Builder;
use crate::crypto::Random;
use crate::engine::Client;
use crate::error::Result;
use crate::features::session::HasSession;
use crate::features::session::flow::{Opening, open};
use crate::guard::Proofs;
use crate::mail::{Message, MessageContext, MessageKind, Templates, render};
use crate::principal::{Principal, Resolved};

pub use crate::clock::Clock;
pub use crate::mail::CaptureMailer;

/// Settings of a builder for tests. `use crudauth::testing::TestBuilder;` brings them in.
pub trait TestBuilder: Sized {
    /// Hashes with parameters that protect nothing, so that a suite of hundreds of sign-ins takes seconds. The stored
    /// hashes are upgraded at the next sign-in by an authority with real ones.
    #[must_use]
    fn cheap_hashing(self) -> Self;
    /// Starts no background work: a test calls [`sweep`](crate::handles::SessionsHandle::sweep) itself.
    #[must_use]
    fn manual_workers(self) -> Self;
    /// Makes the operating system's random source fail.
    #[must_use]
    fn failing_random(self) -> Self;
}

impl<A: Authority, W> TestBuilder for Builder<A, W> {
    fn cheap_hashing(self) -> Self {
        Self::cheap_hashing(self)
    }

    fn manual_workers(self) -> Self {
        Self::manual_workers(self)
    }

    fn failing_random(self) -> Self {
        self.random(Random::failing())
    }
}

/// What a signed-in browser sends.
#[derive(Clone)]
pub struct SignedIn {
    /// Value of the `Cookie` header.
    pub cookie: String,
    /// Value of the `X-CSRF-Token` header.
    pub csrf_token: String,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedIn([redacted])")
    }
}

/// Opens a session for an account, without its password.
///
/// # Errors
/// When the account does not exist, or the database cannot be written.
pub async fn sign_in<A: HasSession>(auth: &A, id: &<A::User as AuthUser>::Id) -> Result<SignedIn> {
    let engine = engine(auth);
    let user = engine
        .store
        .by_id(id)
        .await?
        .ok_or_else(|| crate::Error::config("there is no such account"))?;
    let client = Client {
        ip: None,
        group: "test".to_owned(),
        user_agent: None,
    };
    let opening = Opening {
        remember: false,
        presented: None,
        device: None,
        client,
        attempt: None,
    };
    let opened = open(engine, &A::SESSION, Authenticated { user }, opening)
        .await?
        .ok_or_else(|| crate::Error::config("the account is disabled"))?;
    let mut cookie = format!("{}={}", A::SESSION.cookie, opened.id);
    if A::SESSION.csrf {
        cookie = format!("{cookie}; {}={}", A::SESSION.csrf_cookie, opened.csrf);
    }
    Ok(SignedIn {
        cookie,
        csrf_token: opened.csrf,
    })
}

/// A principal that proves whatever the handler under test asks for, to call the handler directly.
#[must_use]
pub fn principal<A: Authority, P: Proofs<A>>(user: A::User) -> Principal<A, P> {
    Principal::of(Arc::new(Resolved {
        user,
        transport: "test",
        session: None,
        scopes: Vec::new(),
        claims: serde_json::Map::new(),
    }))
}

/// Argon2 computations since the authority started: what a test of uniform cost counts.
#[must_use]
pub fn hashes_done<A: Authority>(auth: &A) -> u64 {
    engine(auth).passwords.hashes_done()
}

/// Hashes that run now, and requests that wait for their turn.
#[must_use]
pub fn hashing<A: Authority>(auth: &A) -> (usize, usize) {
    (
        engine(auth).passwords.running(),
        engine(auth).passwords.waiting(),
    )
}

/// A message as it would go to `recipient`, with a link that opens nothing: what a test of your own mailer hands over.
#[must_use]
pub fn message(kind: MessageKind, recipient: &str) -> Message {
    message_by(kind, recipient, None)
}

/// The same with your texts: what a test of your templates looks at.
#[must_use]
pub fn message_by(
    kind: MessageKind,
    recipient: &str,
    templates: Option<&dyn Templates>,
) -> Message {
    const FRONTEND: &str = "https://app.example.com";
    let (page, expires_in) = match kind {
        MessageKind::VerifyEmail | MessageKind::VerifyRecovery => (Some("verify-email"), 86400),
        MessageKind::ResetPassword => (Some("reset-password"), 3600),
        MessageKind::ChangeEmail => (Some("confirm-email-change"), 86400),
        MessageKind::EmailChanged => (Some("undo-email-change"), 0),
        MessageKind::ExistingAccount
        | MessageKind::IdentityLinked
        | MessageKind::PasswordChanged => (None, 0),
    };
    let context = MessageContext {
        kind,
        link: page.map(|page| format!("{FRONTEND}/{page}?token={}", "A".repeat(64))),
        recipient: recipient.to_owned(),
        expires_in,
        frontend_url: FRONTEND.to_owned(),
    };
    Message {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        to: recipient.to_owned(),
        content: render(&context, templates),
        context,
    }
}
