//! `POST /sudo`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use serde::Serialize;

use super::HasSudo;
use super::flow::{self, Caller, Outcome, Proof};
use crate::authority::{client, engine};
use crate::crypto::Normalized;
use crate::http::issue::Issue;
use crate::http::problem::Problem;
use crate::http::request::{Answer, json, ok};
use crate::principal::Principal;

/// `POST /sudo`. Proves once more who one is.
pub(super) async fn sudo<A: HasSudo>(
    principal: Principal<A>,
    State(auth): State<A>,
    request: Request,
) -> Answer {
    let Some(session) = principal.session() else {
        return Err(Problem::SessionRequired);
    };
    let (parts, body) = request.into_parts();
    let client = client::<A>(&parts);
    let password = password::<A>(&parts, body).await?;
    let (proof, wrong) = match &password {
        Shown::Code => (Proof::Code, Problem::InvalidCode),
        Shown::Password(password) => (
            Proof::Password(password.as_ref()),
            Problem::SudoPasswordIncorrect,
        ),
    };
    let caller = Caller {
        session: &session.key,
        transport: principal.transport(),
        client: &client,
    };
    match flow::elevate(engine(&auth), A::SUDO, principal.user(), proof, caller).await? {
        Outcome::Elevated(until) => ok(&Elevated {
            elevated_until: until.to_rfc3339(),
        }),
        Outcome::Gone => Err(Problem::SessionGone),
        Outcome::Locked(retry_after) => Err(Problem::SudoLocked { retry_after }),
        Outcome::Wrong => Err(wrong),
    }
}

/// What a body shows.
enum Shown {
    Code,
    /// `None` is longer than any password can be.
    Password(Option<Normalized>),
}

/// Exactly one of a password and a code.
async fn password<A: HasSudo>(parts: &Parts, body: Body) -> Result<Shown, Problem> {
    let mut fields = json(parts, body, &["password", "code"]).await?;
    let code = !fields.is_absent("code");
    if code && !fields.is_absent("password") {
        fields.push(Issue::value_error(
            "code",
            "Either a password or a code, not both",
        ));
    }
    let text = fields.secret(if code { "code" } else { "password" });
    fields.finish()?;
    let text = text.ok_or(Problem::Internal)?;
    if code {
        return Ok(Shown::Code);
    }
    let password = Normalized::new(text.expose(), A::POLICY.password.max);
    Ok(Shown::Password(password.ok()))
}

#[derive(Serialize)]
struct Elevated {
    elevated_until: String,
}
