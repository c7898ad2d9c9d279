//! The two steps of the code grant with PKCE (RFC 6749 §4.1, RFC 7636).

use std::borrow::Cow;

use axum::http::StatusCode;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse,
    TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::http::{Caller, HttpError};
use super::{Answer, Ask, BoxFuture, Failure, ProviderTokens};
use crate::crypto::json;
use crate::secret::SecretText;

/// How the application proves to the provider who it is.
pub(super) struct Proof<'a> {
    pub(super) client_id: &'a str,
    pub(super) secret: Option<Cow<'a, str>>,
    /// In the header, not in the form.
    pub(super) basic: bool,
}

/// What an answer of the token endpoint has besides the fields of OAuth.
#[derive(Debug, Serialize, Deserialize)]
struct OpenIdFields {
    id_token: Option<String>,
}

impl ExtraTokenFields for OpenIdFields {}

type Tokens = StandardTokenResponse<OpenIdFields, BasicTokenType>;
type Grant = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
>;

/// Where the browser goes; `more` are parameters that OAuth does not know.
pub(super) fn url(
    endpoint: &Url,
    client_id: &str,
    scopes: &[String],
    ask: &Ask<'_>,
    more: &[(&'static str, &str)],
) -> Result<String, Failure> {
    let client = Grant::new(ClientId::new(client_id.to_owned()))
        .set_auth_uri(AuthUrl::from_url(endpoint.clone()))
        .set_redirect_uri(redirect(ask.redirect_uri)?);
    let mut request = client
        .authorize_url(|| CsrfToken::new(ask.state.to_owned()))
        .add_scopes(scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier(
            ask.verifier,
        )?));
    for (name, value) in more {
        request = request.add_extra_param(*name, *value);
    }
    Ok(request.url().0.into())
}

/// What the provider gives for the code.
pub(super) async fn exchange(
    caller: &Caller,
    endpoint: &Url,
    proof: Proof<'_>,
    answer: &Answer<'_>,
) -> Result<ProviderTokens, Failure> {
    let mut client = Grant::new(ClientId::new(proof.client_id.to_owned()))
        .set_token_uri(TokenUrl::from_url(endpoint.clone()))
        .set_redirect_uri(redirect(answer.redirect_uri)?)
        .set_auth_type(if proof.basic {
            AuthType::BasicAuth
        } else {
            AuthType::RequestBody
        });
    if let Some(secret) = proof.secret {
        client = client.set_client_secret(oauth2::ClientSecret::new(secret.into_owned()));
    }
    let tokens = client
        .exchange_code(AuthorizationCode::new(answer.code.to_owned()))
        .set_pkce_verifier(verifier(answer.verifier)?)
        .request_async(caller)
        .await
        .map_err(|error| refusal(&error))?;
    if *tokens.token_type() != BasicTokenType::Bearer {
        return Err(Failure::new(
            "exchange: the token is not of the type Bearer",
        ));
    }
    let id_token = tokens.extra_fields().id_token.as_deref();
    Ok(ProviderTokens {
        access: tokens.access_token().secret().as_str().into(),
        refresh: tokens
            .refresh_token()
            .map(|token| token.secret().as_str().into()),
        expires_in: tokens.expires_in(),
        id_token: id_token.map(SecretText::from),
    })
}

impl<'c> AsyncHttpClient<'c> for Caller {
    type Error = HttpError;
    type Future = BoxFuture<'c, Result<HttpResponse, HttpError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.send(request).await?;
            // Which of two equal members `oauth2` reads depends on the member.
            if answer.status() == StatusCode::OK && json::parse(answer.body()).is_none() {
                return Err(HttpError::new("its answer is not one JSON text"));
            }
            Ok(answer)
        })
    }
}

fn redirect(uri: &str) -> Result<RedirectUrl, Failure> {
    RedirectUrl::new(uri.to_owned()).map_err(|_| Failure::new("the redirect URI is no URL"))
}

fn verifier(text: &str) -> Result<PkceCodeVerifier, Failure> {
    // `oauth2` ends the program over any other length (RFC 7636 §4.1).
    if (43..=128).contains(&text.len()) {
        Ok(PkceCodeVerifier::new(text.to_owned()))
    } else {
        Err(Failure::new(
            "the PKCE verifier has another length than 43 to 128",
        ))
    }
}

/// Why there is no token, less what the provider wrote: it may quote what it was sent.
fn refusal(error: &RequestTokenError<HttpError, BasicErrorResponse>) -> Failure {
    use BasicErrorResponseType as Type;
    let why = match error {
        RequestTokenError::Request(error) => return Failure::of(format!("exchange: {error}")),
        RequestTokenError::ServerResponse(refused) => match refused.error() {
            Type::Extension(_) => "an error of the provider's own",
            known => return Failure::of(format!("exchange: refused as `{}`", known.as_ref())),
        },
        RequestTokenError::Parse(..) => "the answer has not the form of RFC 6749",
        RequestTokenError::Other(_) => "the answer is no JSON of a token endpoint",
    };
    Failure::of(format!("exchange: {why}"))
}
