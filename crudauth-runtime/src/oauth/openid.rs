//! Providers of OpenID Connect: who signed in is what a signed `id_token` says.

use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::cache::Cache;
use super::claims::{self, Word};
use super::discovery::Metadata;
use super::exchange::{self, Proof};
use super::http::Caller;
use super::id_token::Expected;
use super::issuer::Issuer;
use super::secret::Prover;
use super::{Answer, Ask, Failure, Identified, Profile, apple};
use crate::clock::Timestamp;
use crate::crypto::jws::{ForeignKeys, ForeignToken, Judgement, Verified};
use crate::policy::ProviderKind;

/// One OpenID provider.
pub(super) struct OpenId {
    pub(super) issuer: Issuer,
    pub(super) kind: ProviderKind,
    pub(super) metadata: Cache<Metadata>,
    pub(super) keys: Cache<ForeignKeys>,
}

impl OpenId {
    pub(super) fn new(issuer: Issuer, kind: ProviderKind) -> Self {
        Self {
            issuer,
            kind,
            metadata: Cache::new(),
            keys: Cache::new(),
        }
    }

    pub(super) async fn authorize(
        &self,
        caller: &Caller,
        (prover, scopes): (&Prover, &[String]),
        now: Timestamp,
        ask: &Ask<'_>,
    ) -> Result<String, Failure> {
        let metadata = self.metadata(caller, now).await?;
        let mut more = vec![("nonce", ask.nonce)];
        if self.kind == ProviderKind::Apple {
            more.push(("response_mode", "form_post")); // Apple's condition for giving names and addresses
        }
        exchange::url(&metadata.authorize, prover.client_id(), scopes, ask, &more)
    }

    pub(super) async fn identify(
        &self,
        caller: &Caller,
        prover: &Prover,
        now: Timestamp,
        answer: &Answer<'_>,
    ) -> Result<Identified, Failure> {
        // RFC 9207 §2.4: before the code goes anywhere.
        if answer
            .issuer
            .is_some_and(|issuer| !self.issuer.admits(issuer))
        {
            return Err(Failure::new("the answer is of another issuer"));
        }
        let metadata = self.metadata(caller, now).await?;
        if metadata.names_itself && answer.issuer.is_none() {
            return Err(Failure::new(
                "the answer does not say of which issuer it is",
            ));
        }
        let proof = Proof {
            client_id: prover.client_id(),
            secret: prover.secret(now)?,
            basic: metadata.basic,
        };
        let tokens = exchange::exchange(caller, &metadata.token, proof, answer).await?;
        let id_token = tokens.id_token.as_ref();
        let id_token = id_token.ok_or(Failure::new("the provider gave no id_token"))?;
        let token = ForeignToken::read(id_token.expose())
            .filter(|token| metadata.algs.iter().any(|alg| alg == token.alg().name()))
            .ok_or(Failure::new(
                "the id_token has another form or algorithm than the provider announced",
            ))?;
        let (verified, signers) = self.verify(caller, &metadata.jwks, &token, now).await?;
        let expected = Expected {
            issuer: &self.issuer,
            signers: &signers,
            client_id: prover.client_id(),
            nonce: answer.nonce,
            access_token: tokens.access.expose(),
            now,
        };
        let mut claims = expected.check(verified.json(), token.alg())?;
        let mut word = self.word(&claims);
        if !claims::has_email(&claims, word)
            && let Some(url) = &metadata.userinfo
        {
            let more = userinfo(caller, url, tokens.access.expose(), &claims).await?;
            // What Microsoft says of an address it says in the id_token.
            if word == Word::Proven {
                word = Word::Unproven;
            }
            claims::complete(&mut claims, more);
        }
        let mut profile: Profile = claims::profile(claims, word)?;
        if self.kind == ProviderKind::Apple {
            apple::add_name(&mut profile, answer.user);
        }
        Ok(Identified { profile, tokens })
    }

    async fn metadata(&self, caller: &Caller, now: Timestamp) -> Result<Arc<Metadata>, Failure> {
        self.metadata
            .get(now, Metadata::fetch(caller, &self.issuer))
            .await
    }

    async fn verify(
        &self,
        caller: &Caller,
        url: &Url,
        token: &ForeignToken<'_>,
        now: Timestamp,
    ) -> Result<(Verified, Vec<Option<Value>>), Failure> {
        let keys = self.keys.get(now, fetch_keys(caller, url)).await?;
        let judgement = match keys.judge(token) {
            Judgement::Unknown => {
                let renewed = self.keys.renew(keys, now, fetch_keys(caller, url)).await?;
                renewed.judge(token)
            }
            judged => judged,
        };
        match judgement {
            Judgement::Signed(verified, signers) => Ok((verified, signers)),
            Judgement::Forged => Err(Failure::new(
                "the signature of the id_token is not the provider's",
            )),
            Judgement::Unknown => Err(Failure::new("no key of the provider signed the id_token")),
        }
    }

    /// How far the provider's word for an address goes.
    fn word(&self, claims: &Map<String, Value>) -> Word {
        match self.kind {
            ProviderKind::Microsoft => claims::microsoft(claims),
            ProviderKind::Apple => Word::BooleanOrText,
            _ => Word::Boolean,
        }
    }
}

async fn fetch_keys(caller: &Caller, url: &Url) -> Result<ForeignKeys, Failure> {
    let set = caller.json(url, None).await;
    set.and_then(|set| ForeignKeys::read(&set).ok_or(Failure::new("it is no JWK set")))
        .map_err(|failure| Failure::of(format!("keys: {failure}")))
}

/// What the provider says at its userinfo endpoint of whom the `id_token` names (OpenID Connect Core §5.3).
async fn userinfo(
    caller: &Caller,
    url: &Url,
    token: &str,
    claims: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let found = caller.json(url, Some(token)).await;
    let found = found.map_err(|failure| Failure::of(format!("userinfo: {failure}")))?;
    match found {
        // §5.3.2: an access token may have been swapped for somebody else's.
        Value::Object(found)
            if found.contains_key("sub") && found.get("sub") == claims.get("sub") =>
        {
            Ok(found)
        }
        _ => Err(Failure::new("userinfo: it is about somebody else")),
    }
}
