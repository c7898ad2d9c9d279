//! What the provider can be told to do wrong.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Map, Value};
use tokio::time::sleep;

use super::{Broken, Desk, Endpoint};

/// Something wrong. Where a member has a value, null takes it away.
#[derive(Debug, Clone, PartialEq)]
pub enum Misbehaviour {
    /// An endpoint does not answer as it should.
    At(Endpoint, Fault),
    /// The metadata has this member: another `issuer`, an endpoint somewhere else, other algorithms.
    Metadata(&'static str, Value),
    /// The JWKS is this.
    Jwks(Value),
    /// The callback has this parameter: another `iss`, for instance.
    Callback(&'static str, Value),
    /// The answer to a code has this member: no `id_token`, another `token_type`.
    Token(&'static str, Value),
    /// The `id_token` has this claim.
    Claim(&'static str, Value),
    /// The `id_token` has this claim once more, after all others.
    SecondClaim(&'static str, Value),
    /// Userinfo has this claim.
    Userinfo(&'static str, Value),
    /// The `id_token` is signed like this.
    Signed(Signed),
    /// Clients may send their secret in the form only.
    PostOnly,
    /// Clients may send their secret by HTTP Basic only.
    BasicOnly,
}

/// How an endpoint fails.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// No answer until the provider behaves.
    Hangs,
    /// An answer that comes a space at a time and has no end.
    Trickles,
    /// An answer that comes as fast as it is read and has no end.
    Endless,
    /// The right answer, behind this many spaces.
    Padded(usize),
    /// The connection is closed in place of an answer.
    Closes,
    /// The connection is closed in the middle of an answer.
    ClosesMidway,
    /// A redirection, by this status, to [`Endpoint::Elsewhere`].
    Redirects(u16),
    /// This status, and this text as JSON.
    Answers(u16, String),
}

/// How an `id_token` is signed that should not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// `alg` is `none`, and there is no signature.
    None,
    /// `alg` is `none`, and the signature is right.
    NoneAndYet,
    /// The header is right, and there is no signature.
    Empty,
    /// One bit of the signature is another.
    Flipped,
    /// HS256 under the client secret.
    WithClientSecret,
    /// HS256 under the text of the published key: RS256 read as HS256.
    WithPublicKey,
    /// By a key of somebody else, under the name of the published one.
    ByAnother,
    /// By a key of somebody else that the header brings along.
    ByAnotherInHeader,
    /// By the published key, under a name that nobody published.
    UnknownKid,
    /// By the published key, and nothing says by which; this is right where one key is published.
    WithoutKid,
    /// By the published key, and the header names an algorithm of another kind.
    WrongAlg,
}

/// What a fault makes of a request.
pub(super) enum Outcome {
    /// The answer to the question, behind as many spaces.
    Right(usize),
    Wrong(Response),
    Closed,
}

impl Desk {
    pub(super) fn does(&self, misbehaviour: &Misbehaviour) -> bool {
        self.misbehaviour.borrow().contains(misbehaviour)
    }

    /// What `of` finds in everything that is done wrong, oldest first.
    pub(super) fn wrongs<T>(&self, of: impl Fn(&Misbehaviour) -> Option<T>) -> Vec<T> {
        self.misbehaviour.borrow().iter().filter_map(of).collect()
    }

    pub(super) async fn outcome(&self, endpoint: Endpoint) -> Result<Outcome, Broken> {
        let fault = self.wrongs(|wrong| match wrong {
            Misbehaviour::At(at, fault) if *at == endpoint => Some(fault.clone()),
            _ => None,
        });
        Ok(match fault.into_iter().next_back() {
            None => Outcome::Right(0),
            Some(Fault::Hangs) => {
                let hangs = Misbehaviour::At(endpoint, Fault::Hangs);
                let mut told = self.misbehaviour.subscribe();
                told.wait_for(|all| !all.contains(&hangs)).await?;
                Outcome::Right(0)
            }
            Some(Fault::Padded(spaces)) => Outcome::Right(spaces),
            Some(Fault::Closes) => Outcome::Closed,
            Some(Fault::Trickles) => Outcome::Wrong(spaces(Duration::from_millis(100))),
            Some(Fault::Endless) => Outcome::Wrong(spaces(Duration::ZERO)),
            Some(Fault::ClosesMidway) => Outcome::Wrong(midway()),
            Some(Fault::Redirects(status)) => {
                let elsewhere = format!("{}/elsewhere", self.url);
                let location = [(header::LOCATION, elsewhere)];
                Outcome::Wrong((StatusCode::from_u16(status)?, location).into_response())
            }
            Some(Fault::Answers(status, text)) => {
                let kind = [(header::CONTENT_TYPE, "application/json")];
                Outcome::Wrong((StatusCode::from_u16(status)?, kind, text).into_response())
            }
        })
    }
}

/// Sets a member, or takes it away if it is null.
pub(super) fn put(members: &mut Map<String, Value>, name: &str, value: &Value) {
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value.clone());
    }
}

/// Spaces without end, where JSON may have them.
fn spaces(pause: Duration) -> Response {
    let size = if pause.is_zero() { 16 * 1024 } else { 1 };
    let chunk = Bytes::from(vec![b' '; size]);
    let spaces = stream::unfold(chunk, move |chunk| async move {
        sleep(pause).await;
        Some((Ok::<_, Infallible>(chunk.clone()), chunk))
    });
    as_json(Body::from_stream(spaces))
}

fn midway() -> Response {
    let parts = [
        Ok(Bytes::from_static(b"{")),
        Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
    ];
    as_json(Body::from_stream(stream::iter(parts)))
}

fn as_json(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
