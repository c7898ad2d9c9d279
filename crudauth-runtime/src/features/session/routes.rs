//! Signing in and out over HTTP.

use axum::extract::{Request, State};
use serde::Serialize;

use super::flow::{self, SignIn, SignInOutcome};
use super::transport::{check_csrf, live};
use super::{HasSession, cookies};
use crate::account::{AccountKey, AuthUser};
use crate::authenticate::Credentials;
use crate::authority::{client, engine, sign_out_of_others};
use crate::crypto::Normalized;
use crate::http::problem::Problem;
use crate::http::request::{Answer, detail, ok, set_cookies, sign_in_form};
use crate::toolbox::refuse_cross_site;

/// `POST /login`. Signs in with identifier and password, and opens a session.
pub(super) async fn login<A: HasSession>(State(auth): State<A>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    // Login CSRF: a foreign page would sign its visitor in as the attacker.
    refuse_cross_site(&auth, &parts)?;
    let (identifier, password, remember) =
        sign_in_form(&parts, body, |form| form.flag("remember_me")).await?;
    let client = client::<A>(&parts);
    let sign_in = SignIn {
        credentials: Credentials {
            identifier: &identifier,
            password: Normalized::new(password.expose(), A::POLICY.password.max).ok(),
            device: cookies::value(&parts.headers, A::SESSION.device_cookie),
            client: &client,
            transport: "session",
        },
        remember,
        presented: cookies::value(&parts.headers, A::SESSION.cookie),
    };
    match flow::sign_in(engine(&auth), &A::SESSION, &sign_in).await? {
        SignInOutcome::SignedIn(opened) => {
            let account = opened.user.account();
            let id = opened.user.id().as_inner();
            let mut response = ok(&LoggedIn {
                id,
                username: account.username,
                csrf_token: &opened.csrf,
            })?;
            set_cookies(response.headers_mut(), cookies::opened::<A>(&opened));
            Ok(response)
        }
        SignInOutcome::Locked(retry_after) => Err(Problem::LockedOut { retry_after }),
        SignInOutcome::Refused => Err(Problem::IncorrectCredentials),
    }
}

/// `POST /logout`. Ends the session and clears the cookies; without a live session it only clears them.
pub(super) async fn logout<A: HasSession>(State(auth): State<A>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    if let Some(live) = live(&auth, &parts.headers).await? {
        check_csrf(&auth, &parts, &live.session, false)?;
        flow::sign_out(engine(&auth), &live, &client::<A>(&parts)).await?;
    }
    let mut cookies = cookies::cleared::<A>(engine(&auth).now());
    cookies.extend(sign_out_of_others(&auth, &parts, "session").await?);
    let mut response = detail("Logged out")?;
    set_cookies(response.headers_mut(), cookies);
    Ok(response)
}

#[derive(Serialize)]
struct LoggedIn<'a, K> {
    id: &'a K,
    username: Option<&'a str>,
    csrf_token: &'a str,
}
