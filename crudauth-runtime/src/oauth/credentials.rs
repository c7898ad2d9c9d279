//! What the application is to a provider.

use std::fmt;

use crate::secret::SecretText;

/// What a provider gave the application when it was registered there.
pub struct Credentials {
    pub(crate) client_id: String,
    pub(crate) secret: ClientSecret,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) issuer: Option<String>,
}

/// How the application proves to a provider who it is.
pub(crate) enum ClientSecret {
    /// Not at all: a public client, protected by PKCE alone (RFC 6749 §2.1).
    Public,
    /// By a secret that both know.
    Shared(SecretText),
    /// By a token that it signs (Sign in with Apple).
    Apple(AppleKey),
}

/// The key of Sign in with Apple, from which a client secret is made for each exchange.
pub struct AppleKey {
    pub(crate) team_id: String,
    pub(crate) key_id: String,
    pub(crate) pem: SecretText,
}

impl Credentials {
    /// The client id and the secret. An empty secret says that there is none: a public client, protected by PKCE alone.
    #[must_use]
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretText>) -> Self {
        let secret = client_secret.into();
        let secret = if secret.expose().is_empty() {
            ClientSecret::Public
        } else {
            ClientSecret::Shared(secret)
        };
        Self::with(client_id.into(), secret)
    }

    /// Sign in with Apple: the services id, the team id, the id of the key, and the key as Apple's `.p8` file has it.
    #[must_use]
    pub fn apple(
        client_id: impl Into<String>,
        team_id: impl Into<String>,
        key_id: impl Into<String>,
        private_key: impl Into<SecretText>,
    ) -> Self {
        let key = AppleKey {
            team_id: team_id.into(),
            key_id: key_id.into(),
            pem: private_key.into(),
        };
        Self::with(client_id.into(), ClientSecret::Apple(key))
    }

    fn with(client_id: String, secret: ClientSecret) -> Self {
        Self {
            client_id,
            secret,
            scopes: None,
            issuer: None,
        }
    }

    /// Asks for these scopes in place of the provider's usual ones. Without `openid` an OpenID provider gives no `id_token`, so it
    /// is asked for in any case.
    #[must_use]
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// The issuer of an OpenID provider: an `https` URL under which its metadata is published (`http` on loopback only). Needed
    /// for `oidc("…")`. For the others it names an installation of one's own (`gitlab`, `github`), a tenant (`microsoft`:
    /// `https://login.microsoftonline.com/{tenant}/v2.0`), or a stand-in in a test. Identities belong to their issuer: with
    /// another one, everybody is somebody else.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AppleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppleKey([redacted])")
    }
}
