//! The code grant with a provider of plain OAuth 2.0.

use url::Url;

use super::addresses::{Reach, endpoint};
use super::exchange::{self, Proof};
use super::http::Caller;
use super::secret::Prover;
use super::{Answer, Api, Ask, Failure, Identified, OAuthProvider, Profile, claims};
use crate::clock::Timestamp;

/// One provider of plain OAuth 2.0.
pub(super) struct Plain {
    provider: Box<dyn OAuthProvider>,
    authorize: Url,
    token: Url,
    userinfo: Url,
    /// The issuer of its profiles.
    issuer: String,
    /// What its answers may also name as their issuer.
    alias: Option<String>,
}

impl Plain {
    /// # Errors
    /// What is wrong with its endpoints, as ends of sentences.
    pub(super) fn new(provider: Box<dyn OAuthProvider>) -> Result<Self, Vec<String>> {
        let endpoints = provider.endpoints();
        let reach = Url::parse(&endpoints.token).map_or(Reach::Public, |url| Reach::of(&url));
        let mut wrong = Vec::new();
        let mut read = |name: &str, text: &str| {
            let url = endpoint(text, reach);
            if url.is_none() {
                wrong.push(format!(
                    "its endpoint `{name}` is not an https URL without user and fragment (http on loopback only)"
                ));
            }
            url
        };
        let authorize = read("authorize", &endpoints.authorize);
        let token = read("token", &endpoints.token);
        let userinfo = read("userinfo", &endpoints.userinfo);
        let (Some(authorize), Some(token), Some(userinfo)) = (authorize, token, userinfo) else {
            return Err(wrong);
        };
        let origin = || authorize.origin().ascii_serialization();
        let issuer = provider.issuer().unwrap_or_else(origin);
        if issuer.is_empty() {
            return Err(vec!["its issuer is empty".to_owned()]);
        }
        Ok(Self {
            issuer,
            alias: None,
            provider,
            authorize,
            token,
            userinfo,
        })
    }

    /// Its answers may also name `issuer` as theirs.
    pub(super) fn alias(mut self, issuer: String) -> Self {
        self.alias = Some(issuer);
        self
    }

    /// How far calls to it reach.
    pub(super) fn reach(&self) -> Reach {
        Reach::of(&self.token)
    }

    pub(super) fn scopes(&self) -> &[&str] {
        self.provider.scopes()
    }

    pub(super) fn authorize(
        &self,
        (prover, scopes): (&Prover, &[String]),
        ask: &Ask<'_>,
    ) -> Result<String, Failure> {
        exchange::url(&self.authorize, prover.client_id(), scopes, ask, &[])
    }

    pub(super) async fn identify(
        &self,
        caller: &Caller,
        prover: &Prover,
        now: Timestamp,
        answer: &Answer<'_>,
    ) -> Result<Identified, Failure> {
        if answer.issuer.is_some_and(|issuer| !self.admits(issuer)) {
            return Err(Failure::new("the answer is of another issuer"));
        }
        let proof = Proof {
            client_id: prover.client_id(),
            secret: prover.secret(now)?,
            basic: self.provider.authenticates_by_basic(),
        };
        let tokens = exchange::exchange(caller, &self.token, proof, answer).await?;
        let profile = self.profile(caller, tokens.access.expose()).await;
        let profile = profile.map_err(|failure| Failure::of(format!("userinfo: {failure}")))?;
        Ok(Identified { profile, tokens })
    }

    /// The issuer of its profiles.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether an answer that names `issuer` is from here (RFC 9207 §2.4).
    fn admits(&self, issuer: &str) -> bool {
        issuer == self.issuer || self.alias.as_deref() == Some(issuer)
    }

    async fn profile(&self, caller: &Caller, token: &str) -> Result<Profile, Failure> {
        let issuer = &self.issuer;
        let api = Api {
            caller,
            token,
            issuer,
        };
        let userinfo = caller.json(&self.userinfo, Some(token)).await?;
        claims::check(self.provider.profile(userinfo, &api).await?)
    }
}
