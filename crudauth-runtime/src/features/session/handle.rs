//! What routes that the application writes itself do with sessions.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;

use super::flow::{Live, Opening, Refreshed, open_and_tell, refresh_csrf};
use super::transport::live;
use super::{HasSession, cookies};
use crate::authority::engine;
use crate::engine::detached;
use crate::error::Result;
use crate::handles::SessionsHandle;
use crate::http::problem::Problem;
use crate::http::request::set_cookies;
use crate::toolbox::SignedIn;

/// A session that has just been opened. Its cookies go into the answer.
pub struct OpenedSession {
    cookies: Vec<HeaderValue>,
    csrf_token: String,
}

impl std::fmt::Debug for OpenedSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenedSession([redacted])")
    }
}

impl OpenedSession {
    /// The CSRF token, for the page's scripts; empty where CSRF is off.
    #[must_use]
    pub fn csrf_token(&self) -> &str {
        &self.csrf_token
    }

    /// Sets the session's cookies on an answer, and keeps caches away from it.
    pub fn set_cookies(self, response: &mut axum::response::Response) {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        set_cookies(headers, self.cookies);
    }
}

impl<A: HasSession> SessionsHandle<'_, A> {
    /// Opens a session for somebody who has just signed in
    /// ([`authenticate_password`](crate::toolbox::authenticate_password)), and ends the one whose cookie came with the request.
    /// `None` when the account was disabled, deleted or given another password meanwhile.
    ///
    /// # Errors
    /// When the database or the random source fails.
    pub async fn open(
        &self,
        signed_in: SignedIn<A::User>,
        parts: &Parts,
        remember: bool,
    ) -> Result<Option<OpenedSession>> {
        let (proven, client) = signed_in.into_parts();
        let opening = Opening {
            remember,
            presented: cookies::value(&parts.headers, A::SESSION.cookie).map(str::to_owned),
            device: proven.device,
            client,
            attempt: Some(proven.attempt),
        };
        let engine = Arc::clone(engine(self.authority()));
        let opened = detached(open_and_tell(engine, A::SESSION, proven.proof, opening));
        Ok(opened.await?.map(|opened| OpenedSession {
            cookies: cookies::opened::<A>(&opened),
            csrf_token: opened.csrf,
        }))
    }

    /// The account of the live session whose cookie a request carries, without CSRF and without recording the use.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn validate(&self, parts: &Parts) -> std::result::Result<Option<A::User>, Problem> {
        let live = live(self.authority(), &parts.headers).await?;
        Ok(live.map(|Live { user, .. }| user))
    }

    /// A new CSRF token for that session, in place of the present one; `None` without a live session. The cookie that carries it
    /// goes into the answer.
    ///
    /// # Errors
    /// When the database cannot be asked, or the random source fails.
    pub async fn regenerate_csrf(
        &self,
        parts: &Parts,
    ) -> std::result::Result<Option<(String, HeaderValue)>, Problem> {
        let Some(Live { session, .. }) = live(self.authority(), &parts.headers).await? else {
            return Ok(None);
        };
        match refresh_csrf(engine(self.authority()), &session, None).await? {
            Refreshed::Kept(token) | Refreshed::Replaced(token) => {
                let cookie = cookies::csrf::<A>(&token, session.remember);
                Ok(Some((token, cookie)))
            }
            Refreshed::Gone => Ok(None),
        }
    }

    /// The cookies that clear a browser's session, for an answer that signs out.
    #[must_use]
    pub fn clear_cookies(&self) -> Vec<HeaderValue> {
        cookies::cleared::<A>(engine(self.authority()).now())
    }
}
