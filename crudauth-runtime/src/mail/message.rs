//! One message.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a message is about. Its name on the wire is the contract's (`verify_email`, …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// The link that confirms another address; to the new one.
    ChangeEmail,
    /// Somebody changed the address; to the former one, with the link that takes the change back.
    EmailChanged,
    /// Somebody tried to register the address of an account; to its owner.
    ExistingAccount,
    /// An account at a provider was linked, and opens the account from now on.
    IdentityLinked,
    /// Somebody set or changed the password.
    PasswordChanged,
    /// The link to a new password.
    ResetPassword,
    /// The link that proves an e-mail address.
    VerifyEmail,
    /// The token that proves what else an account is recovered by.
    VerifyRecovery,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::ChangeEmail,
        Self::EmailChanged,
        Self::ExistingAccount,
        Self::IdentityLinked,
        Self::PasswordChanged,
        Self::ResetPassword,
        Self::VerifyEmail,
        Self::VerifyRecovery,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChangeEmail => "change_email",
            Self::EmailChanged => "email_changed",
            Self::ExistingAccount => "existing_account",
            Self::IdentityLinked => "identity_linked",
            Self::PasswordChanged => "password_changed",
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
            Self::VerifyRecovery => "verify_recovery",
        }
    }
}

impl Serialize for MessageKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What a template may say: no text that a user chose is in it.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct MessageContext {
    /// What it is about.
    pub kind: MessageKind,
    /// The link, with its single-use secret. `None` for a notice that has none.
    pub link: Option<String>,
    /// The mailbox.
    pub recipient: String,
    /// Whole seconds for which the link is good; 0 for notices.
    pub expires_in: u64,
    /// Where the application's pages are.
    #[serde(skip)]
    pub frontend_url: String,
}

impl fmt::Debug for MessageContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageContext")
            .field("kind", &self.kind)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same as HTML, where there is such a version.
    pub html: Option<String>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// A message, ready to go.
#[derive(Clone)]
#[non_exhaustive]
pub struct Message {
    /// The same for every attempt at this message: 32 lower-case hexadecimal characters.
    pub id: String,
    /// The mailbox: a bare address in the form in which the account's row holds it.
    pub to: String,
    /// Subject and bodies.
    pub content: Content,
    /// What it was made from.
    pub context: MessageContext,
}

impl Message {
    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.context.kind
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("kind", &self.context.kind)
            .finish_non_exhaustive()
    }
}
