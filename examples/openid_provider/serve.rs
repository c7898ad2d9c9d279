//! Which request is for whom.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::misbehaviour::{Misbehaviour, Outcome, put};
use super::{Broken, Desk, held};

/// Who a request is for, whatever stands before its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/.well-known/openid-configuration`
    Discovery,
    /// `/jwks.json`
    Jwks,
    /// `/authorize`: the page, and what is sent from it.
    Authorize,
    /// `/token`
    Token,
    /// `/userinfo`
    Userinfo,
    /// GitHub's `/user`.
    User,
    /// GitHub's `/user/emails`.
    Emails,
    /// Discord's `/users/@me`.
    Me,
    /// Where [`Fault::Redirects`](super::Fault::Redirects) leads, and where nobody should arrive.
    Elsewhere,
    /// Everything else.
    Unknown,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub endpoint: Endpoint,
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Endpoint {
    fn of(path: &str) -> Self {
        const ENDS: [(&str, Endpoint); 10] = [
            ("/.well-known/openid-configuration", Endpoint::Discovery),
            ("/jwks.json", Endpoint::Jwks),
            ("/authorize", Endpoint::Authorize),
            ("/token", Endpoint::Token),
            ("/access_token", Endpoint::Token),
            ("/userinfo", Endpoint::Userinfo),
            ("/user/emails", Endpoint::Emails),
            ("/user", Endpoint::User),
            ("/users/@me", Endpoint::Me),
            ("/elsewhere", Endpoint::Elsewhere),
        ];
        let found = ENDS.iter().find(|(end, _)| path.ends_with(end));
        found.map_or(Self::Unknown, |(_, endpoint)| *endpoint)
    }
}

pub(super) fn count(seen: &[Seen], endpoint: Endpoint) -> usize {
    seen.iter().filter(|seen| seen.endpoint == endpoint).count()
}

/// Every connection ends with this future.
pub(super) async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let desk = Arc::clone(&desk);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&desk), request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away, and one that was hung up on, are as it should be.
            let _ = connection.await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// An error here closes the connection without an answer.
async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> io::Result<Response> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), MOST).await;
    let seen = Seen {
        endpoint: Endpoint::of(parts.uri.path()),
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: body.map_err(io::Error::other)?,
    };
    desk.seen.send_modify(|all| all.push(seen.clone()));
    let outcome = desk.outcome(seen.endpoint).await;
    let padding = match outcome.map_err(io::Error::other)? {
        Outcome::Closed => return Err(io::ErrorKind::ConnectionAborted.into()),
        Outcome::Wrong(response) => return Ok(response),
        Outcome::Right(padding) => padding,
    };
    let response = desk.respond(&seen).unwrap_or_else(|error| {
        (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
    });
    if padding == 0 {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MOST).await.map_err(io::Error::other)?;
    let mut padded = vec![b' '; padding];
    padded.extend_from_slice(&body);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(padded)))
}

impl Desk {
    fn respond(&self, request: &Seen) -> Result<Response, Broken> {
        Ok(match (&request.method, request.endpoint) {
            (&Method::GET, Endpoint::Discovery) => Json(self.metadata()).into_response(),
            (&Method::GET, Endpoint::Jwks) => Json(self.jwks()).into_response(),
            (&Method::GET, Endpoint::Authorize) => self.page(request),
            (&Method::POST, Endpoint::Authorize) => self.chosen(request)?,
            (&Method::POST, Endpoint::Token) => self.exchange(request)?,
            (_, Endpoint::Userinfo) => self.userinfo(request),
            (&Method::GET, Endpoint::User) => self.github_user(request),
            (&Method::GET, Endpoint::Emails) => self.github_emails(request),
            (&Method::GET, Endpoint::Me) => self.discord_user(request),
            (_, Endpoint::Elsewhere) => "nobody should be here".into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        })
    }

    /// OpenID Connect Discovery §3, RFC 8414, RFC 9207.
    fn metadata(&self) -> Value {
        let issuer = self.issuer();
        let auth_methods = if self.does(&Misbehaviour::BasicOnly) {
            json!(["client_secret_basic"])
        } else if self.does(&Misbehaviour::PostOnly) {
            json!(["client_secret_post"])
        } else {
            json!(["client_secret_post", "client_secret_basic", "none"])
        };
        let mut metadata = Map::new();
        let members = [
            ("issuer", json!(issuer)),
            (
                "authorization_endpoint",
                json!(format!("{issuer}/authorize")),
            ),
            ("token_endpoint", json!(format!("{issuer}/token"))),
            ("userinfo_endpoint", json!(format!("{issuer}/userinfo"))),
            ("jwks_uri", json!(format!("{issuer}/jwks.json"))),
            (
                "scopes_supported",
                json!(["openid", "email", "profile", "offline_access"]),
            ),
            ("response_types_supported", json!(["code"])),
            ("response_modes_supported", json!(["query", "form_post"])),
            ("grant_types_supported", json!(["authorization_code"])),
            ("subject_types_supported", json!(["public"])),
            (
                "id_token_signing_alg_values_supported",
                json!([held(&self.keys).alg()]),
            ),
            ("token_endpoint_auth_methods_supported", auth_methods),
            ("code_challenge_methods_supported", json!(["S256"])),
            (
                "authorization_response_iss_parameter_supported",
                json!(true),
            ),
        ];
        for (name, value) in &members {
            put(&mut metadata, name, value);
        }
        for (name, value) in self.wrongs(|wrong| match wrong {
            Misbehaviour::Metadata(name, value) => Some((*name, value.clone())),
            _ => None,
        }) {
            put(&mut metadata, name, &value);
        }
        Value::Object(metadata)
    }

    fn jwks(&self) -> Value {
        let wrong = self.wrongs(|wrong| match wrong {
            Misbehaviour::Jwks(jwks) => Some(jwks.clone()),
            _ => None,
        });
        let wrong = wrong.into_iter().next_back();
        wrong.unwrap_or_else(|| json!({ "keys": [held(&self.keys).jwk()] }))
    }
}

/// Most bytes of a request, and of an answer before it is padded.
const MOST: usize = 64 * 1024;
