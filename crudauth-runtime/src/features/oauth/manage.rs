//! One's own accounts at providers, over HTTP.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use serde::Serialize;

use super::HasOAuth;
use super::flow::Departure;
use super::routes::{clients, depart, provider, redirect_uri};
use crate::account::AuthUser;
use crate::authority::{client, engine};
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::elevated::is_elevated_at_all;
use crate::engine::{hex, unhex};
use crate::http::problem::Problem;
use crate::http::redirect::safe_redirect_path;
use crate::http::request::{Answer, detail, json, limited, ok};
use crate::principal::{Principal, signed_in_recently};
use crate::store::Digest;
use crate::store::identities::{Detached, IdentityRow, Removal};
use crate::store::journeys::Journey;

/// `POST /oauth/{provider}/link`. Sends the browser to a provider, to link an account there.
pub(super) async fn link<A: HasOAuth>(
    principal: Principal<A>,
    State(auth): State<A>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let clients = clients(&auth)?;
    let provider = provider(clients, path)?;
    let mut fields = json(&parts, body, &["redirect_to"]).await?;
    let redirect_to = fields.optional_text("redirect_to");
    fields.finish()?;
    let session = principal.session().ok_or(Problem::SessionRequired)?;
    if !signed_in_recently(&auth, &principal) && !has_sudo(&auth, &principal).await? {
        return Err(Problem::RecentSignInRequired);
    }
    let limit = ("oauth_authorize", A::POLICY.rate_limit.oauth_authorize);
    let who = client::<A>(&parts).group;
    let work = async {
        let departure = Departure {
            journey: Journey::Link,
            owner: Some((principal.user_id(), &session.key)),
            redirect_to: redirect_to.as_deref().and_then(safe_redirect_path),
            remember: false,
            wish: None,
            redirect_uri: &redirect_uri::<A>(clients, provider),
        };
        // Asked for by a page's script, which sends the browser there.
        depart(&auth, provider, departure, true).await
    };
    limited(engine(&auth), limit, &who, work).await
}

/// `GET /oauth/identities`. Lists one's own accounts at providers, the oldest first.
pub(super) async fn list<A: HasOAuth>(principal: Principal<A>, State(auth): State<A>) -> Answer {
    let rows = engine(&auth).store.identities(principal.user_id()).await?;
    ok(&rows.iter().map(Listed::of).collect::<Vec<_>>())
}

/// `DELETE /oauth/identities/{id}`. Unlinks one, unless nobody could sign in without it. Somebody else's and none at all answer
/// alike.
pub(super) async fn unlink<A: HasOAuth>(
    principal: Principal<A>,
    State(auth): State<A>,
    path: Result<Path<String>, PathRejection>,
) -> Answer {
    let id = path
        .ok()
        .and_then(|Path(text)| unhex(&text))
        .ok_or(Problem::IdentityNotFound)?;
    let password = principal.user().account().password_hash;
    let can_elevate = declares_sudo::<A>() && password.is_some_and(PasswordHash::is_usable);
    if !has_sudo(&auth, &principal).await? {
        if can_elevate {
            return Err(Problem::SudoRequired);
        }
        // Who has no password cannot prove by one who they are.
        if !signed_in_recently(&auth, &principal) {
            return Err(Problem::RecentSignInRequired);
        }
    }
    match detach(&auth, principal.user_id(), &id).await? {
        Detached::Done => detail("Identity unlinked."),
        Detached::Missing => Err(Problem::IdentityNotFound),
        Detached::Last => Err(Problem::LastWayIn),
    }
}

/// Removes an identity, unless nobody could sign in without it.
pub(super) async fn detach<A: HasOAuth>(
    auth: &A,
    user: &<A::User as AuthUser>::Id,
    id: &Digest,
) -> crate::Result<Detached> {
    let clients = engine(auth).oauth.iter().flat_map(|clients| clients.iter());
    let declared: Vec<_> = clients.map(|one| (one.name(), one.issuer())).collect();
    let removal = Removal {
        id,
        declared: &declared,
        now: engine(auth).now(),
    };
    engine(auth).store.detach(user, removal).await
}

fn declares_sudo<A: HasOAuth>() -> bool {
    A::FEATURES
        .iter()
        .any(|feature| feature.spec.name == "sudo")
}

async fn has_sudo<A: HasOAuth>(auth: &A, principal: &Principal<A>) -> Result<bool, Problem> {
    match principal.session().filter(|_| declares_sudo::<A>()) {
        Some(session) => Ok(is_elevated_at_all(engine(auth), &session.key).await?),
        None => Ok(false),
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    id: String,
    provider: &'a str,
    email: Option<&'a str>,
    created_at: Option<String>,
    last_used_at: Option<String>,
}

impl<'a> Listed<'a> {
    fn of(row: &'a IdentityRow) -> Self {
        Self {
            id: hex(&row.id),
            provider: &row.provider,
            email: row.email.as_deref(),
            created_at: row.created_at.map(Timestamp::to_rfc3339),
            last_used_at: row.last_used_at.map(Timestamp::to_rfc3339),
        }
    }
}
