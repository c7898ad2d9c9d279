//! What an OpenID provider publishes of itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).

use serde_json::Value;
use url::Url;

use super::Failure;
use super::addresses::{Reach, endpoint};
use super::http::Caller;
use super::issuer::Issuer;

/// The part of the metadata that matters to us.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorize: Url,
    pub(super) token: Url,
    pub(super) userinfo: Option<Url>,
    pub(super) jwks: Url,
    /// The algorithms that its `id_token`s may be signed with.
    pub(super) algs: Vec<String>,
    /// Whether a secret can be told in the header only.
    pub(super) basic: bool,
    /// Whether its answers name it (RFC 9207 §3).
    pub(super) names_itself: bool,
}

impl Metadata {
    pub(super) async fn fetch(caller: &Caller, issuer: &Issuer) -> Result<Self, Failure> {
        let found = caller.json(issuer.metadata_url(), None).await;
        found
            .and_then(|document| Self::read(&document, issuer, caller.reach()))
            .map_err(|failure| Failure::of(format!("discovery: {failure}")))
    }

    fn read(document: &Value, issuer: &Issuer, reach: Reach) -> Result<Self, Failure> {
        let text = |name| document.get(name).and_then(Value::as_str);
        // RFC 8414 §3.3, OpenID Connect Discovery §4.3: otherwise one provider could have us take another's answers for its own.
        if text("issuer") != Some(issuer.declared()) {
            return Err(Failure::new(
                "the document declares another issuer than the one it was asked for",
            ));
        }
        let optional = |name: &'static str| match text(name) {
            None => Ok(None),
            Some(text) => endpoint(text, reach)
                .map(Some)
                .ok_or_else(|| Failure::of(format!("its `{name}` is not an https URL"))),
        };
        let required = |name: &'static str| {
            optional(name)?.ok_or_else(|| Failure::of(format!("it has no `{name}`")))
        };
        let list = |name| -> Option<Vec<String>> {
            let list = document.get(name)?.as_array()?;
            Some(
                list.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        };
        // Where nothing is said, RS256 must be supported (OpenID Connect Discovery §3). Of the two ways to send a secret everybody
        // reads the form, but for those who say that they read the header alone.
        let algs = list("id_token_signing_alg_values_supported");
        let methods = list("token_endpoint_auth_methods_supported");
        Ok(Self {
            authorize: required("authorization_endpoint")?,
            token: required("token_endpoint")?,
            userinfo: optional("userinfo_endpoint")?,
            jwks: required("jwks_uri")?,
            algs: algs.unwrap_or_else(|| vec!["RS256".to_owned()]),
            basic: methods.is_some_and(|all| {
                let offers = |name: &str| all.iter().any(|one| one == name);
                offers("client_secret_basic") && !offers("client_secret_post")
            }),
            names_itself: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
        })
    }
}
