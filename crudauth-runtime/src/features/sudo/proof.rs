//! The proofs of `#[require(sudo)]` and `#[require(sudo(within = "…", by(…)))]`.

use std::time::Duration;

use axum::response::IntoResponse;
use futures_util::future::Either;

use super::HasSudo;
use crate::authority::{Authority, engine};
use crate::elevated::is_elevated;
use crate::guard::{Checked, Proof, Proves};
use crate::http::problem::Problem;
use crate::principal::Principal;
use crate::store::elevations::Method;

/// Any time, as long as the elevation lasts.
pub const EVER: u64 = u64::MAX;
/// Any way.
pub const ANY: u32 = u32::MAX;
/// By the password.
pub const PASSWORD: u32 = Method::Password.bit();

/// The session's owner has proven once more who it is, and that is not over. For an authority without `#[sudo]` it never
/// holds; the macro says so at the word.
#[derive(Debug)]
pub struct Sudo;

/// The same, no longer than `SECS` ago and by one of the ways in the set `BY`.
#[derive(Debug)]
pub struct SudoWithin<const SECS: u64, const BY: u32>;

/// Follows from a stricter proof at the head of the list.
#[derive(Debug)]
pub struct Implied;

impl<const SECS: u64, const BY: u32, Rest> Proves<Sudo, Implied> for (SudoWithin<SECS, BY>, Rest) {}

impl<A: Authority> Proof<A> for Sudo {
    fn label() -> String {
        "sudo".to_owned()
    }
    fn check<'a>(auth: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        check(auth, principal, EVER, ANY)
    }
}

impl<A: Authority, const SECS: u64, const BY: u32> Proof<A> for SudoWithin<SECS, BY> {
    fn label() -> String {
        let mut words = Vec::new();
        words.extend((SECS != EVER).then(|| format!("within = \"{SECS}s\"")));
        if BY != ANY {
            let ways = Method::ALL.iter().filter(|way| way.bit() & BY != 0);
            let names: Vec<_> = ways.map(|way| way.name()).collect();
            words.push(format!("by({})", names.join(", ")));
        }
        format!("sudo({})", words.join(", "))
    }
    fn check<'a>(auth: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        check(auth, principal, SECS, BY)
    }
}

/// Nothing but the row says that a session is elevated: a fresh sign-in does not, and a caller without a session has none
/// (SEC-123).
fn check<'a, A: Authority>(
    auth: &'a A,
    principal: &'a Principal<A>,
    secs: u64,
    by: u32,
) -> Checked<'a> {
    Either::Right(Box::pin(async move {
        let elevated = match principal.session() {
            Some(session) => {
                let within = Duration::from_secs(secs);
                is_elevated(engine(auth), &session.key, within, by)
                    .await
                    .map_err(|error| Problem::from(error).into_response())?
            }
            None => false,
        };
        if elevated {
            Ok(())
        } else {
            Err(Problem::SudoRequired.into_response())
        }
    }))
}

/// Fails to compile where a `within` of `#[require]` is longer than any elevation lasts.
///
/// # Panics
/// When the compiler evaluates it for such a one.
pub const fn within<A: HasSudo>(secs: u64) {
    assert!(
        secs <= A::SUDO.ttl.as_secs(),
        "`within` is longer than the `ttl` of `#[sudo]`: every elevation is over by then, so it would ask for nothing"
    );
}
