//! Changes of address over HTTP.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;

use super::flow::{self, Asked, Requested};
use crate::account::AccountKey;
use crate::authority::{Authority, client, engine};
use crate::crypto::Normalized;
use crate::http::problem::Problem;
use crate::http::request::{Answer, confirmed, detail, json, limited, token};
use crate::principal::Principal;

/// `POST /email/change-request`. Sends a link to another address, which moves the account to it.
pub(super) async fn request<A: Authority>(
    principal: Principal<A>,
    State(auth): State<A>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let limit = A::POLICY.rate_limit.email_change_request;
    let who = principal.user_id().as_inner().to_string();
    let work = ask(&auth, &principal, parts, body);
    limited(engine(&auth), ("email_change_request", limit), &who, work).await
}

async fn ask<A: Authority>(auth: &A, principal: &Principal<A>, parts: Parts, body: Body) -> Answer {
    let names = ["new_email", "password", "redirect_to"];
    let mut fields = json(&parts, body, &names).await?;
    let (address, password) = (fields.email("new_email"), fields.secret("password"));
    let redirect_to = fields.redirect_to();
    fields.finish()?;
    let (Some(address), Some(password)) = (address, password) else {
        return Err(Problem::Internal);
    };
    let password = Normalized::new(password.expose(), A::POLICY.password.max).ok();
    let asked = Asked {
        address,
        password: password.as_ref(),
        redirect_to,
    };
    let client = client::<A>(&parts);
    match flow::request(engine(auth), principal.user(), asked, &client).await? {
        Requested::Sent => {
            detail("If the address is available, a confirmation email has been sent.")
        }
        Requested::Incorrect => Err(Problem::PasswordIncorrect),
        Requested::Same => Err(Problem::SameEmail),
        Requested::Locked(retry_after) => Err(Problem::LockedOut { retry_after }),
    }
}

/// `POST /email/change-confirm`. Moves the account to the address that the link was sent to.
pub(super) async fn confirm<A: Authority>(State(auth): State<A>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let token = token(&parts, body).await?;
    let client = client::<A>(&parts);
    let confirmation = flow::confirm(engine(&auth), token, &client).await?;
    confirmed(confirmation, "Email changed successfully.")
}

/// `POST /email/change-undo`. Moves the account back to its former address, and ends every session.
pub(super) async fn undo<A: Authority>(State(auth): State<A>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let token = token(&parts, body).await?;
    let client = client::<A>(&parts);
    let confirmation = flow::undo(engine(&auth), token, &client).await?;
    confirmed(confirmation, "Email change undone.")
}
