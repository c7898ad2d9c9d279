//! The headers by which a counted route tells what is left.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The state of one rate limit after it has counted the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateInfo {
    /// Requests that the window allows.
    pub limit: u32,
    /// Requests that are left in it.
    pub remaining: u32,
}

impl RateInfo {
    /// The one that will refuse first; `self` if they are level.
    #[must_use]
    pub const fn tightest(self, other: Self) -> Self {
        if other.remaining < self.remaining {
            other
        } else {
            self
        }
    }

    /// Writes the headers, unless a tighter limit has written them already.
    pub fn apply(self, headers: &mut HeaderMap) {
        let written = headers
            .get(&REMAINING)
            .and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        if written.is_some_and(|remaining| remaining < self.remaining) {
            return;
        }
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
    }
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_limit_is_reported() {
        let (wide, tight) = (
            RateInfo {
                limit: 30,
                remaining: 9,
            },
            RateInfo {
                limit: 5,
                remaining: 1,
            },
        );
        assert_eq!(wide.tightest(tight), tight);

        let mut headers = HeaderMap::new();
        tight.apply(&mut headers);
        wide.apply(&mut headers);
        assert_eq!(headers["x-ratelimit-limit"], "5");
        assert_eq!(headers["x-ratelimit-remaining"], "1");
    }
}
