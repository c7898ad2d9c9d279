//! Whether a session has lately proven once more who its owner is: what `#[require(sudo)]` asks, and routes that guard a way
//! into the account.

use std::time::Duration;

use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Result;
use crate::store::Digest;
use crate::store::elevations::{Elevation, Method};

/// The clocks of two processes may differ by as much. A proof of later than that was given under a clock that has been set
/// back since, and counts no more.
const SKEW: Duration = Duration::from_mins(1);

/// Whether the session has proven itself within that time, by one of the ways in the set `by`.
pub(crate) async fn is_elevated<U: AuthUser>(
    engine: &Engine<U>,
    session: &Digest,
    within: Duration,
    by: u32,
) -> Result<bool> {
    let now = engine.now();
    let proofs = engine.store.elevations(session).await?;
    if proofs.iter().any(|proof| proof.expires_at <= now)
        && let Err(error) = engine.store.bury_elevations(session, now).await
    {
        tracing::warn!(%error, "an elevation that is over is left to the sweeper");
    }
    Ok(proofs
        .iter()
        .any(|proof| is_good(proof, now, within) && is_by(proof, by)))
}

/// Whether it has at all, and that is not over.
pub(crate) async fn is_elevated_at_all<U: AuthUser>(
    engine: &Engine<U>,
    session: &Digest,
) -> Result<bool> {
    is_elevated(engine, session, Duration::MAX, u32::MAX).await
}

fn is_good(proof: &Elevation, now: Timestamp, within: Duration) -> bool {
    proof.expires_at > now
        && proof.proven_at <= now.plus(SKEW)
        && now.since(proof.proven_at) < within
}

/// A way that this version does not know is none.
fn is_by(proof: &Elevation, by: u32) -> bool {
    Method::ALL
        .iter()
        .any(|method| method.name() == proof.method && method.bit() & by != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: u32 = u32::MAX;

    fn proof(proven_at: i64, expires_at: i64) -> Elevation {
        Elevation {
            method: "password".to_owned(),
            proven_at: Timestamp::from_micros(proven_at * 1_000_000),
            expires_at: Timestamp::from_micros(expires_at * 1_000_000),
        }
    }

    fn good(at: i64, within: u64) -> bool {
        let now = Timestamp::from_micros(at * 1_000_000);
        is_good(&proof(1000, 1300), now, Duration::from_secs(within))
    }

    #[test]
    fn a_proof_is_good_until_its_end_and_no_longer() {
        assert!(good(1000, 600) && good(1299, 600));
        assert!(!good(1300, 600) && !good(9999, 600));
    }

    #[test]
    fn a_proof_ages_whatever_its_end() {
        assert!(good(1119, 120));
        assert!(!good(1120, 120));
    }

    #[test]
    fn a_proof_of_the_future_counts_only_as_far_as_clocks_differ() {
        assert!(good(940, 600));
        assert!(!good(939, 600));
    }

    #[test]
    fn a_way_that_is_not_asked_for_or_not_known_is_none() {
        assert!(is_by(&proof(0, 1), Method::Password.bit()) && is_by(&proof(0, 1), ANY));
        assert!(!is_by(&proof(0, 1), 2));
        let other = Elevation {
            method: "telepathy".to_owned(),
            ..proof(0, 1)
        };
        assert!(!is_by(&other, ANY));
    }
}
