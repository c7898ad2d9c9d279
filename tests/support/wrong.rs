//! Journeys that end in a refusal, and what must not have come of them. A test file that uses it declares `elsewhere`, `http`,
//! `oidc` and `support` besides.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part"
)]

use crudauth::Authority;

use crate::elsewhere::{App, PUBLIC, bring, me};
use crate::oidc::with;
use crate::support::{Answer, Client};

/// All that a sign-in would have written, and the journeys on their way.
const WRITTEN: [&str; 5] = [
    "SELECT count(*) FROM users",
    "SELECT count(*) FROM auth_identities",
    "SELECT count(*) FROM auth_sessions",
    "SELECT count(*) FROM auth_tokens",
    "SELECT count(*) FROM auth_oauth_states",
];

pub async fn written<A: Authority>(app: &App<A>) -> Vec<i64> {
    let mut counts = Vec::new();
    for sql in WRITTEN {
        counts.push(app.count(sql).await);
    }
    counts
}

/// The refusal as each mode words it, whole: a page is never shown, and nobody but the log is told why.
#[track_caller]
pub fn assert_refused(case: &str, answer: &Answer, code: &str) {
    if answer.header("location").is_some() {
        assert_eq!(answer.status, 307, "{case}");
        let page = format!("/landing?error={code}");
        assert_eq!(answer.header("location"), Some(&*page), "{case}");
        assert_eq!(answer.text, "", "{case}");
    } else {
        assert_eq!(answer.status, 400, "{case}: {}", answer.text);
        let detail = match code {
            "invalid_state" => "Invalid or expired OAuth state",
            code => code,
        };
        let body = format!(r#"{{"detail":"{detail}","code":"{code}"}}"#);
        assert_eq!(answer.text, body, "{case}");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
    for cookie in answer.set_cookies() {
        assert!(
            cookie.starts_with("oauth_state_") && cookie.contains("Max-Age=0"),
            "{case}: {cookie}"
        );
    }
}

/// The callback is refused: nobody is signed in, nothing is written, the state is spent and its cookie gone.
pub async fn assert_fails<A: Authority>(
    app: &App<A>,
    case: &str,
    client: &mut Client,
    callback: &str,
    code: &str,
) {
    let before = written(app).await;
    let copy = client.clone();
    let answer = bring(client, callback).await;
    assert_refused(case, &answer, code);
    assert_eq!(answer.set_cookies().len(), 1, "{case}: the state's cookie");
    assert_eq!(me(client).await, "", "{case}");
    let spent: Vec<i64> = before[..4].iter().copied().chain([before[4] - 1]).collect();
    assert_eq!(written(app).await, spent, "{case}");
    // With a code and without an error, whatever it had before.
    let again = with(&with(callback, "error", None), "code", Some("a-code"));
    let again = copy.get(again.strip_prefix(PUBLIC).unwrap()).await;
    assert_refused(&format!("{case}, again"), &again, "invalid_state");
}
