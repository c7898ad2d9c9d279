//! Recovery over HTTP.

use axum::extract::{Request, State};

use super::flow::{self, ResetOutcome, Wanted};
use crate::account::{AuthUser, Role};
use crate::authority::{Authority, client, engine};
use crate::crypto::link::Token;
use crate::http::issue::Issue;
use crate::http::json::Fields;
use crate::http::problem::Problem;
use crate::http::request::{
    Answer, confirmed, detail, json, limited, new_password, refusal, token,
};
use crate::policy::Limit;

/// `POST /email/verify-request`. Sends a link that proves what the account is recovered by.
pub(super) async fn verify_request<A: Authority>(
    State(auth): State<A>,
    request: Request,
) -> Answer {
    let limit = A::POLICY.rate_limit.email_verify_request;
    let sent = if <A::User as AuthUser>::TABLE.recovers_by_email() {
        "If an account exists, a verification email has been sent."
    } else {
        "If an account exists, a verification message has been sent."
    };
    let limit = ("email_verify_request", limit);
    ask(&auth, request, limit, Wanted::Verify, sent).await
}

/// `POST /password/reset-request`. Sends a link to a new password.
pub(super) async fn reset_request<A: Authority>(State(auth): State<A>, request: Request) -> Answer {
    let limit = A::POLICY.rate_limit.password_reset_request;
    let sent = if <A::User as AuthUser>::TABLE.recovers_by_email() {
        "If an account exists, a password reset email has been sent."
    } else {
        "If an account exists, a password reset message has been sent."
    };
    let limit = ("password_reset_request", limit);
    ask(&auth, request, limit, Wanted::Reset, sent).await
}

async fn ask<A: Authority>(
    auth: &A,
    request: Request,
    limit: (&str, Limit),
    wanted: Wanted,
    sent: &'static str,
) -> Answer {
    let (parts, body) = request.into_parts();
    let client = client::<A>(&parts);
    let work = async {
        let factor = <A::User as AuthUser>::TABLE
            .factor()
            .ok_or(Problem::NotFound)?;
        let name = if factor.role == Role::Email {
            "email"
        } else {
            factor.field
        };
        let mut fields = json(&parts, body, &[name, "redirect_to"]).await?;
        let target = if factor.role == Role::Email {
            fields.email(name)
        } else {
            value(&mut fields, name, factor.max_length)
        };
        let redirect_to = fields.redirect_to();
        fields.finish()?;
        let target = target.ok_or(Problem::Internal)?;
        flow::request(engine(auth), wanted, target, redirect_to).await?;
        detail(sent)
    };
    limited(engine(auth), limit, &client.group, work).await
}

/// What an account is recovered by where that is no address: compared exactly as typed (contract §2.3).
fn value(fields: &mut Fields, name: &str, max: Option<usize>) -> Option<String> {
    let text = fields.text(name)?;
    let most = max.unwrap_or(LONGEST);
    if text.chars().count() > most {
        fields.push(Issue::string_too_long(name, most));
        return None;
    }
    Some(text)
}

/// `POST /email/verify-confirm`. Proves what the account is recovered by, with the token of the link.
pub(super) async fn verify_confirm<A: Authority>(
    State(auth): State<A>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let client = client::<A>(&parts);
    let token = token(&parts, body).await?;
    let confirmation = flow::verify(engine(&auth), token, &client).await?;
    confirmed(confirmation, "Verified successfully.")
}

/// `POST /password/reset-confirm`. Sets a new password with the token of the link, and ends every session.
pub(super) async fn reset_confirm<A: Authority>(State(auth): State<A>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let client = client::<A>(&parts);
    let mut fields = json(&parts, body, &["token", "new_password"]).await?;
    let (token, password) = (fields.secret("token"), fields.secret("new_password"));
    let password = password.and_then(|text| {
        new_password(&text, "new_password", A::POLICY.password.max)
            .map_err(|issue| fields.push(issue))
            .ok()
    });
    fields.finish()?;
    let token = token.and_then(|text| Token::parse(text.expose()));
    let password = password.ok_or(Problem::Internal)?;
    match flow::reset(engine(&auth), token, &password, &client).await? {
        ResetOutcome::Confirmed(confirmation) => {
            confirmed(confirmation, "Password reset successfully.")
        }
        ResetOutcome::Password(bad) => Err(refusal("new_password", bad)),
    }
}

/// Longest value, in characters, where the account's column says nothing.
const LONGEST: usize = 320;
