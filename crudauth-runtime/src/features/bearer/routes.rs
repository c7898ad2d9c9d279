//! Tokens over HTTP.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::flow::{self, GrantOutcome, Renewed, SignIn};
use super::transport::own_page;
use super::{HasBearer, Tokens, cookies, extra};
use crate::account::{AccountKey, AuthUser};
use crate::authenticate::Credentials;
use crate::authority::{client, engine, sign_out_of_others};
use crate::crypto::Normalized;
use crate::engine::Client;
use crate::http::problem::Problem;
use crate::http::request::{Answer, detail, form, json, oauth, ok, set_cookies, sign_in_form};
use crate::policy::RefreshPolicy;
use crate::principal::{Principal, authenticate, challenge};
use crate::secret::SecretText;
use crate::toolbox::refuse_cross_site;

/// `POST /token`. Signs in with identifier and password, and answers with tokens.
pub(super) async fn token<A: HasBearer>(State(auth): State<A>, request: Request) -> Response {
    oauth(sign_in(&auth, request).await)
}

async fn sign_in<A: HasBearer>(auth: &A, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let in_cookie = A::BEARER.refresh.filter(|refresh| !refresh.body);
    if in_cookie.is_some() {
        // Login CSRF: a foreign page would sign its visitor in as the attacker.
        refuse_cross_site(auth, &parts)?;
    }
    let (identifier, password, scope) =
        sign_in_form(&parts, body, |form| form.optional_text("scope")).await?;
    let client = client::<A>(&parts);
    let sign_in = SignIn {
        credentials: Credentials {
            identifier: &identifier,
            password: Normalized::new(password.expose(), A::POLICY.password.max).ok(),
            device: in_cookie
                .and_then(|policy| cookies::value(&parts.headers, policy.device_cookie)),
            client: &client,
            transport: "bearer",
        },
        scope: scope.as_deref(),
        extra: extra::<A>,
    };
    match flow::sign_in(engine(auth), &A::BEARER, &sign_in).await? {
        GrantOutcome::Granted(issued) => Ok(Tokens::of::<A>(*issued).into_response()),
        GrantOutcome::Locked(retry_after) => Err(Problem::LockedOut { retry_after }),
        GrantOutcome::Refused => Err(Problem::IncorrectCredentials),
    }
}

/// `POST /refresh`. Renews the access token by the refresh token.
pub(super) async fn refresh<A: HasBearer>(State(auth): State<A>, request: Request) -> Response {
    oauth(renew(&auth, request).await)
}

async fn renew<A: HasBearer>(auth: &A, request: Request) -> Answer {
    let policy = A::BEARER.refresh.ok_or(Problem::NotFound)?;
    let (parts, body) = request.into_parts();
    let token = presented(auth, &parts, body, &policy).await?;
    let token = token.ok_or(Problem::RefreshTokenMissing)?;
    let (token, client) = (token.expose(), || client::<A>(&parts));
    match flow::renew(engine(auth), &A::BEARER, token, client, extra::<A>).await? {
        Renewed::Issued(issued) => Ok(Tokens::of::<A>(*issued).into_response()),
        Renewed::Dead => Err(Problem::RefreshTokenInvalid),
    }
}

/// The refresh token of a request: the cookie's, else the body's where tokens travel there.
async fn presented<A: HasBearer>(
    auth: &A,
    parts: &Parts,
    body: Body,
    policy: &RefreshPolicy,
) -> Result<Option<SecretText>, Problem> {
    if let Some(token) = cookies::value(&parts.headers, policy.cookie) {
        own_page(auth, parts, policy)?;
        return Ok(Some(SecretText::from(token)));
    }
    if !policy.body {
        return Ok(None);
    }
    let mut fields = json(parts, body, &["refresh_token"]).await?;
    if !fields.contains("refresh_token") {
        return Ok(None);
    }
    let token = fields.secret("refresh_token");
    fields.finish()?;
    Ok(token)
}

/// `POST /logout`, where no session has one. Ends the family and clears the cookie.
pub(super) async fn logout<A: HasBearer>(State(auth): State<A>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    let cookies = sign_out_of_others(&auth, &parts, "").await?;
    let mut response = detail("Logged out")?;
    set_cookies(response.headers_mut(), cookies);
    Ok(response)
}

/// `POST /token/revoke` (RFC 7009). 200 for whatever is no token of the caller's.
pub(super) async fn revoke<A: HasBearer>(State(auth): State<A>, request: Request) -> Response {
    let answer = async {
        let (principal, client, token) = asked(&auth, request).await?;
        let (owner, token) = (principal.user(), token.expose());
        flow::revoke(engine(&auth), &A::BEARER, owner, token, &client).await?;
        Ok(StatusCode::OK.into_response())
    };
    oauth_for::<A>(answer.await)
}

/// `POST /token/introspect` (RFC 7662). One body for everything that is not live and the caller's to know of.
pub(super) async fn introspect<A: HasBearer>(State(auth): State<A>, request: Request) -> Response {
    let answer = async {
        let (principal, _, token) = asked(&auth, request).await?;
        let engine = engine(&auth);
        let described =
            flow::describe(engine, &A::BEARER, principal.user(), token.expose()).await?;
        let Some(mut described) = described else {
            return ok(&serde_json::json!({ "active": false }));
        };
        // What the application calls a claim must not be read as what we say.
        let claims = &mut described.claims;
        claims.retain(|name, _| !MEMBERS.contains(&name.as_str()));
        ok(&Described {
            active: true,
            scope: described.scopes.join(" "),
            username: described.user.account().username,
            token_type: if described.refresh {
                "refresh_token"
            } else {
                "bearer"
            },
            exp: described.exp,
            iat: described.iat,
            sub: described.user.id().as_inner().to_string(),
            aud: A::BEARER.audience,
            iss: A::BEARER.issuer,
            extra: &described.claims,
        })
    };
    oauth_for::<A>(answer.await)
}

/// Who asks about which token.
async fn asked<A: HasBearer>(
    auth: &A,
    request: Request,
) -> Result<(Principal<A>, Client, SecretText), Problem> {
    let (mut parts, body) = request.into_parts();
    let client = client::<A>(&parts);
    let principal = authenticate(auth, &mut parts, None).await?;
    let principal = principal.ok_or(Problem::NotAuthenticated)?;
    let mut form = form(&parts, body, &["token"]).await?;
    let token = form.secret("token");
    form.finish()?;
    Ok((principal, client, token.ok_or(Problem::Internal)?))
}

/// `GET /.well-known/jwks.json`. The public keys by which anybody verifies an access token. Clients keep it for five minutes.
pub(super) async fn jwks<A: HasBearer>(State(auth): State<A>) -> Answer {
    let engine = engine(&auth);
    let mut response = Response::new(Body::from(engine.tokens.jwks(engine.now())));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/jwk-set+json"),
    );
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    Ok(response)
}

fn oauth_for<A: HasBearer>(answer: Answer) -> Response {
    let mut response = oauth(answer);
    challenge::<A>(&mut response);
    response
}

/// Members of introspection (RFC 7662 §2.2) that are not reserved as claims.
const MEMBERS: [&str; 4] = ["active", "scope", "client_id", "username"];

#[derive(Serialize)]
struct Described<'a> {
    active: bool,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'static str>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}
