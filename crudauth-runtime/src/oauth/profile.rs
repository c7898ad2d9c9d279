//! What a provider says of somebody.

use serde_json::{Map, Value};

/// Who signed in at a provider, as the provider says. Nothing of it is the application's word for anything.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Profile {
    /// Who vouches: the issuer of an OpenID provider, the origin of any other.
    pub issuer: String,
    /// Whom the issuer means; the same for ever, whatever else changes (OpenID Connect Core §2, `sub`).
    pub subject: String,
    /// The address, as the provider writes it.
    pub email: Option<String>,
    /// Whether the provider says, as a boolean, that the address was proven.
    pub email_verified: bool,
    /// The name that they sign in with there.
    pub username: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The whole name.
    pub name: Option<String>,
    /// Everything else that the provider said.
    pub claims: Map<String, Value>,
}

impl Profile {
    /// A profile that says no more than who it is.
    #[must_use]
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: subject.into(),
            email: None,
            email_verified: false,
            username: None,
            given_name: None,
            name: None,
            claims: Map::new(),
        }
    }
}
