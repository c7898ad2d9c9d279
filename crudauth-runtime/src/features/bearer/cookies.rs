//! The cookies of refresh tokens.

use std::time::Duration;

use axum::http::HeaderValue;

use super::flow::Issued;
use crate::clock::Timestamp;
pub(super) use crate::http::cookie::one as value;
use crate::http::cookie::{Cookie, DEVICE_AGE};
use crate::policy::RefreshPolicy;

fn cookie(policy: &RefreshPolicy, name: &'static str) -> Cookie<'static> {
    Cookie::new(name)
        .path(policy.path)
        .same_site(policy.same_site)
        .secure(policy.secure)
}

/// The cookies of tokens that have just been issued. The refresh cookie lives as long as its family does.
pub(super) fn issued<U>(policy: &RefreshPolicy, issued: &Issued<U>) -> Vec<HeaderValue> {
    let mut cookies = Vec::new();
    if let Some((token, left)) = &issued.refresh {
        let age = Some(Duration::from_secs(left.as_secs()));
        cookies.push(cookie(policy, policy.cookie).set(token.expose(), age));
    }
    if let Some(device) = &issued.device {
        cookies.push(cookie(policy, policy.device_cookie).set(device, Some(DEVICE_AGE)));
    }
    cookies
}

/// Clears the refresh cookie, with the attributes it was set with.
pub(super) fn cleared(policy: &RefreshPolicy, now: Timestamp) -> HeaderValue {
    cookie(policy, policy.cookie).delete(now)
}
