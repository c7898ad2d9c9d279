//! One clock for everything that expires.
//!
//! Wall time (UTC) decides what has expired; waiting and time limits use tokio's monotonic timer and never come here.
//! Every flow is handed its clock, so a test moves time instead of sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// An instant in UTC, counted in microseconds since the Unix epoch. This is the form in which crudauth's own tables
/// hold time: it compares and indexes alike in every database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `micros` microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This instant moved on by `span`; stays at the far end instead of overflowing.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// This instant moved back by `span`.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// How long from `earlier` to this instant; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The calendar form, for columns of the application's own table. An instant outside the years a calendar can
    /// write (±9999) is given as the epoch.
    #[must_use]
    pub fn to_datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// RFC 3339 in UTC with six fractional digits, as the wire contract writes instants.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.to_datetime().format(MICROSECONDS).unwrap_or_default()
    }
}

/// RFC 3339 with all six digits: the well-known form drops zeros at the end.
const MICROSECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Where the time comes from: the system in an application, a hand that a test moves in a test.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's wall clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`advance`](Self::advance) or [`set`](Self::set) moves it. Clones share the
    /// same hand. For tests; starts at the present.
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(system_micros()))))
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(match &self.0 {
            Source::System => system_micros(),
            Source::Manual(hand) => hand.load(Ordering::SeqCst),
        })
    }

    /// Moves a manual clock on. The system's clock stays as it is.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(hand) = &self.0 {
            hand.fetch_add(micros(span), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock, forwards or back. The system's clock stays as it is.
    pub fn set(&self, instant: Timestamp) {
        if let Source::Manual(hand) = &self.0 {
            hand.store(instant.0, Ordering::SeqCst);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the system's clock is read"
)]
fn system_micros() -> i64 {
    // A clock set before 1970 reads as the epoch: nothing that was issued later is then expired, and nothing panics.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_microseconds() {
        assert_eq!(
            Timestamp::from_micros(1_700_000_000_123_456).to_rfc3339(),
            "2023-11-14T22:13:20.123456Z"
        );
        assert_eq!(
            Timestamp::from_micros(1_700_000_000_500_000).to_rfc3339(),
            "2023-11-14T22:13:20.500000Z"
        );
    }

    #[test]
    fn arithmetic_stays_inside_the_range() {
        assert_eq!(
            Timestamp::from_micros(i64::MAX)
                .plus(Duration::MAX)
                .as_micros(),
            i64::MAX
        );
        assert_eq!(
            Timestamp::from_micros(5).since(Timestamp::from_micros(9)),
            Duration::ZERO
        );
    }
}
