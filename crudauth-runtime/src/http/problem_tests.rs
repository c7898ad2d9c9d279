//! The table, and what is made of a row.

use std::collections::HashSet;
use std::time::Duration;

use axum::response::IntoResponse;

use super::*;
use crate::error::Error;

#[test]
fn codes_are_unique_and_well_formed() {
    let mut seen = HashSet::new();
    for row in Problem::ROWS {
        assert!(seen.insert(row.code), "{} is used twice", row.code);
        assert!(
            row.code.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{}",
            row.code
        );
        assert!(row.status.is_client_error() || row.status.is_server_error());
    }
}

#[test]
fn bodies_are_the_contracts_plus_a_code() {
    assert_eq!(
        Problem::NotAuthenticated.body(),
        r#"{"detail":"Not authenticated","code":"not_authenticated"}"#
    );
    assert_eq!(
        Problem::FieldTaken("nickname").body(),
        r#"{"detail":"Nickname already taken","code":"field_taken"}"#
    );
    assert_eq!(
        Problem::issue(Issue::missing("password")).body(),
        r#"{"detail":[{"type":"missing","loc":["body","password"],"msg":"Field required"}],"code":"validation_error"}"#
    );
}

#[test]
fn sec_136_problems_are_never_stored_by_caches() {
    for problem in [
        Problem::NotAuthenticated,
        Problem::Internal,
        Problem::Validation(Vec::new()),
    ] {
        let response = problem.into_response();
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}

#[test]
fn headers_tell_when_to_come_back_and_why() {
    let limited = Problem::RateLimited {
        retry_after: 17,
        limit: 5,
    }
    .into_response();
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "17");
    assert_eq!(limited.headers()["x-ratelimit-limit"], "5");
    assert_eq!(limited.headers()["x-ratelimit-remaining"], "0");
    assert_eq!(
        Problem::CsrfMissing.into_response().headers()["x-csrf-error"],
        "true"
    );
    assert_eq!(
        Problem::PayloadTooLarge.into_response().headers()["connection"],
        "close"
    );
    assert!(
        Problem::Unavailable
            .into_response()
            .headers()
            .contains_key("retry-after")
    );
}

#[test]
fn sec_135_a_store_failure_says_nothing_to_the_client() {
    let problem = Problem::from(Error::Store("no such column: secret_column".into()));
    assert_eq!(
        problem.body(),
        r#"{"detail":"Internal Server Error","code":"internal_error"}"#
    );
    assert_eq!(
        Problem::from(Error::Busy(Duration::from_millis(1200))),
        Problem::Busy { retry_after: 2 }
    );
}
