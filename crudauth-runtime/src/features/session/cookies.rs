//! The three cookies of the session transport.

use axum::http::HeaderValue;

use super::HasSession;
use super::flow::Opened;
use crate::clock::Timestamp;
pub(super) use crate::http::cookie::one as value;
use crate::http::cookie::{Cookie, DEVICE_AGE};

fn cookie<A: HasSession>(name: &'static str) -> Cookie<'static> {
    Cookie::new(name)
        .path(A::SESSION.path)
        .same_site(A::SESSION.same_site)
        .secure(A::SESSION.secure)
}

/// The cookies of a session that has just been opened.
pub(crate) fn opened<A: HasSession>(opened: &Opened<A::User>) -> Vec<HeaderValue> {
    let policy = A::SESSION;
    let mut cookies = session::<A>(&opened.id, &opened.csrf, opened.remember);
    cookies.push(cookie::<A>(policy.device_cookie).set(&opened.device, Some(DEVICE_AGE)));
    cookies
}

/// The session cookie, and the CSRF cookie where there is a token. They outlive the browser only for `remember_me`.
pub(crate) fn session<A: HasSession>(id: &str, token: &str, remember: bool) -> Vec<HeaderValue> {
    let age = remember.then_some(A::SESSION.remember_me);
    let mut cookies = vec![cookie::<A>(A::SESSION.cookie).set(id, age)];
    if A::SESSION.csrf {
        cookies.push(csrf::<A>(token, remember));
    }
    cookies
}

/// The CSRF cookie, which scripts may read: only the header counts.
pub(crate) fn csrf<A: HasSession>(token: &str, remember: bool) -> HeaderValue {
    let age = remember.then_some(A::SESSION.remember_me);
    cookie::<A>(A::SESSION.csrf_cookie)
        .readable()
        .set(token, age)
}

/// Clears the session and CSRF cookies, with the attributes they were set with. The device cookie stays: it
/// authenticates nobody, and without it strangers could lock the owner out.
pub(crate) fn cleared<A: HasSession>(now: Timestamp) -> Vec<HeaderValue> {
    let mut cookies = vec![cookie::<A>(A::SESSION.cookie).delete(now)];
    if A::SESSION.csrf {
        cookies.push(cookie::<A>(A::SESSION.csrf_cookie).readable().delete(now));
    }
    cookies
}
