//! When an attempt to sign in may go on to the password: the rule, apart from where the counters are kept.

use super::{Buckets, Digest, Lock, Reservation};
use crate::clock::Timestamp;
use crate::policy::LockoutPolicy;

/// Failures of the run that are kept back for browsers which this account has used before: strangers who exhaust
/// theirs cannot spend these, so the owner still gets in (SEC-036) and the total stays bounded (SEC-037).
const KEPT_FOR_DEVICES: u32 = 10;

/// One counter, this attempt already counted in `pending`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counter {
    /// Wrong passwords in the present window.
    pub(crate) failures: u32,
    /// Attempts under way, this one included.
    pub(crate) pending: u32,
    /// Refuses everything until then.
    pub(crate) locked_until: Timestamp,
    /// Locks in a row.
    pub(crate) rounds: u32,
    /// When `rounds` is forgotten.
    pub(crate) rounds_until: Timestamp,
    /// Wrong passwords since the last right one, over any span of time.
    pub(crate) run: u32,
}

impl Counter {
    fn lock(&mut self, policy: &LockoutPolicy, now: Timestamp) {
        let rounds = if self.rounds_until > now {
            self.rounds
        } else {
            0
        };
        let doubled = policy
            .base
            .saturating_mul(2_u32.saturating_pow(rounds.min(31)));
        self.locked_until = now.plus(doubled.min(policy.max));
        self.rounds = rounds.saturating_add(1);
        // Counted from the end of the lock: from its beginning, the longest lock would outlive its own memory.
        self.rounds_until = self.locked_until.plus(policy.retention);
    }

    fn spent(&self, policy: &LockoutPolicy) -> bool {
        self.failures >= policy.max_attempts
    }
}

/// Decides, and locks in `counters` what has to be locked. On anything but `Granted` the caller takes the attempt back
/// out of every counter, so an attempt that a burnt address makes never counts against the account it names.
pub(crate) fn judge(
    counters: &mut [(Digest, Counter)],
    buckets: &Buckets,
    policy: &LockoutPolicy,
    now: Timestamp,
) -> Reservation {
    for (_, counter) in counters.iter_mut() {
        // No lock is longer than the longest: a later end was written by a clock that has been set back since.
        counter.locked_until = counter.locked_until.min(now.plus(policy.max));
        counter.rounds_until = counter
            .rounds_until
            .min(now.plus(policy.max).plus(policy.retention));
    }
    let run = counters
        .iter()
        .find(|(id, _)| *id == buckets.account)
        .map_or(0, |(_, counter)| counter.run);
    let pending = counters
        .iter()
        .find(|(id, _)| *id == buckets.account)
        .map_or(1, |(_, counter)| counter.pending);
    let (judges, limit): (Vec<Digest>, u32) = match buckets.device {
        Some(device) => (vec![device], policy.hard_stop),
        None => (
            vec![buckets.address, buckets.account],
            policy.hard_stop.saturating_sub(KEPT_FOR_DEVICES).max(1),
        ),
    };
    let judging = |id: &Digest| judges.contains(id);
    if let Some(lock) = lock(counters, buckets, &judges, now) {
        return Reservation::Locked(lock);
    }
    if counters
        .iter()
        .any(|(id, counter)| judging(id) && counter.spent(policy))
    {
        // The attempt over the budget locks every counter whose own budget is spent; the others stay as they are.
        for (_, counter) in counters
            .iter_mut()
            .filter(|(id, c)| *id != buckets.pair && c.spent(policy))
        {
            counter.lock(policy, now);
        }
        if let Some(lock) = lock(counters, buckets, &judges, now) {
            return Reservation::Locked(lock);
        }
    }
    if run >= limit {
        // Until the application unlocks the account.
        return Reservation::Locked(Lock {
            until: now.plus(policy.max),
            address: false,
            account: true,
        });
    }
    let full = counters
        .iter()
        .any(|(id, c)| judging(id) && c.failures.saturating_add(c.pending) > policy.max_attempts);
    if full || run.saturating_add(pending) > limit {
        Reservation::InFlight
    } else {
        Reservation::Granted
    }
}

/// The lock that refuses this attempt, if there is one.
fn lock(
    counters: &[(Digest, Counter)],
    buckets: &Buckets,
    judges: &[Digest],
    now: Timestamp,
) -> Option<Lock> {
    let locked = |id: &Digest| {
        counters
            .iter()
            .find(|(other, counter)| other == id && counter.locked_until > now)
            .map(|(_, counter)| counter.locked_until)
    };
    let until = judges.iter().filter_map(locked).max()?;
    let address = locked(&buckets.address).is_some();
    let account = locked(&buckets.device.unwrap_or(buckets.account)).is_some();
    Some(Lock {
        until,
        address,
        account,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BUCKETS: Buckets = Buckets {
        address: [1; 32],
        account: [2; 32],
        pair: [3; 32],
        device: None,
    };
    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn counter(failures: u32, pending: u32) -> Counter {
        let zero = Timestamp::from_micros(0);
        Counter {
            failures,
            pending,
            locked_until: zero,
            rounds: 0,
            rounds_until: zero,
            run: failures,
        }
    }

    fn judged(address: Counter, account: Counter) -> (Reservation, Vec<(Digest, Counter)>) {
        let mut counters = vec![
            ([1; 32], address),
            ([2; 32], account),
            ([3; 32], counter(0, 1)),
        ];
        (
            judge(&mut counters, &BUCKETS, &LockoutPolicy::DEFAULT, NOW),
            counters,
        )
    }

    #[test]
    fn five_failures_are_evaluated_and_the_sixth_attempt_locks_both() {
        assert_eq!(judged(counter(4, 1), counter(4, 1)).0, Reservation::Granted);
        let (reservation, counters) = judged(counter(5, 1), counter(5, 1));
        let until = NOW.plus(Duration::from_mins(1));
        assert_eq!(
            reservation,
            Reservation::Locked(Lock {
                until,
                address: true,
                account: true
            })
        );
        assert_eq!(
            counters
                .iter()
                .filter(|(_, c)| c.locked_until > NOW)
                .count(),
            2
        );
    }

    #[test]
    fn sec_036_a_burnt_address_does_not_lock_the_account_it_names() {
        let (reservation, counters) = judged(counter(5, 1), counter(0, 1));
        assert!(matches!(
            reservation,
            Reservation::Locked(Lock {
                address: true,
                account: false,
                ..
            })
        ));
        assert!(counters[1].1.locked_until <= NOW);
    }

    #[test]
    fn places_held_by_attempts_in_flight_are_waited_for() {
        assert_eq!(
            judged(counter(0, 6), counter(0, 1)).0,
            Reservation::InFlight
        );
        assert_eq!(judged(counter(0, 5), counter(0, 1)).0, Reservation::Granted);
    }

    #[test]
    fn sec_042_locks_double_up_to_the_longest() {
        let mut counter = counter(5, 1);
        let mut now = NOW;
        let mut spans = Vec::new();
        for _ in 0..8 {
            counter.lock(&LockoutPolicy::DEFAULT, now);
            spans.push(counter.locked_until.since(now).as_secs());
            now = counter.locked_until;
        }
        assert_eq!(spans, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }

    #[test]
    fn a_device_is_judged_by_its_own_budget() {
        let buckets = Buckets {
            device: Some([4; 32]),
            ..BUCKETS
        };
        let mut locked = counter(5, 1);
        locked.locked_until = NOW.plus(Duration::from_secs(9));
        let mut counters = vec![
            ([1; 32], locked),
            ([2; 32], locked),
            ([3; 32], counter(5, 1)),
            ([4; 32], counter(0, 1)),
        ];
        assert_eq!(
            judge(&mut counters, &buckets, &LockoutPolicy::DEFAULT, NOW),
            Reservation::Granted
        );
    }

    #[test]
    fn sec_037_a_run_of_failures_stops_strangers_before_it_stops_a_known_browser() {
        let mut account = counter(0, 1);
        account.run = 90;
        assert!(matches!(
            judged(counter(0, 1), account).0,
            Reservation::Locked(_)
        ));
        let buckets = Buckets {
            device: Some([4; 32]),
            ..BUCKETS
        };
        let mut counters = vec![([2; 32], account), ([4; 32], counter(0, 1))];
        assert_eq!(
            judge(&mut counters, &buckets, &LockoutPolicy::DEFAULT, NOW),
            Reservation::Granted
        );
        counters[0].1.run = 100;
        assert!(matches!(
            judge(&mut counters, &buckets, &LockoutPolicy::DEFAULT, NOW),
            Reservation::Locked(_)
        ));
    }
}
