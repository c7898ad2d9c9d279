//! What the database is asked says no more than the answer does: a request about somebody's address and one about
//! nobody's are the same statements (SEC-028, SEC-029), and few.

use crudauth::mail::MessageKind;
use serde_json::json;

use crate::mailed::{MailApp, MailAuth, with_pool};
use crate::statements::Log;
use crate::support::{PASSWORD, fresh_address};

const NEW: &str = "another fine passphrase";

async fn asked<T>(
    log: &Log,
    app: &MailApp<MailAuth>,
    work: impl Future<Output = T>,
) -> Vec<String> {
    let mark = || async {
        app.auth.users().find(&-1).await.unwrap();
    };
    log.during(mark, work).await.1
}

#[tokio::test]
async fn sec_029_requests_ask_the_same_of_the_database_whoever_they_are_about() {
    let log = Log::open().await;
    let app = with_pool(1).await;
    for name in ["known", "verified", "disabled"] {
        app.sign_up(name).await;
    }
    app.db
        .run("UPDATE users SET email_verified = TRUE WHERE username = 'verified'")
        .await;
    app.db
        .run("UPDATE users SET is_active = FALSE WHERE username = 'disabled'")
        .await;

    for path in ["/password/reset-request", "/email/verify-request"] {
        let mut of_each = Vec::new();
        for name in ["nobody", "known", "verified", "disabled"] {
            let client = app.client().from(&fresh_address());
            let body = json!({ "email": format!("{name}@example.com") });
            let work = async {
                assert_eq!(client.post_json(path, &body).await.status, 200);
            };
            of_each.push(asked(&log, &app, work).await);
            app.deliver().await;
        }
        assert_eq!(of_each[0].len(), 2, "{path}: {:#?}", of_each[0]);
        for other in &of_each[1..] {
            assert_eq!(other, &of_each[0], "{path}");
        }
    }
}

#[tokio::test]
async fn sec_028_a_sign_up_takes_as_many_trips_whether_the_address_is_free_or_not() {
    let log = Log::open().await;
    let app = with_pool(1).await;
    app.sign_up("known").await;
    let sign_up = |email: &'static str, name: &'static str| {
        let client = app.client().from(&fresh_address());
        let body = json!({ "email": email, "username": name, "password": PASSWORD });
        async move {
            assert_eq!(client.post_json("/register", &body).await.status, 202);
        }
    };
    let taken = asked(&log, &app, sign_up("known@example.com", "bob")).await;
    let free = asked(&log, &app, sign_up("bob@example.com", "bob")).await;
    assert_eq!(taken.len(), free.len(), "{taken:#?}\n{free:#?}");
    let transactions = |asked: &[String]| asked.iter().filter(|s| s.starts_with("BEGIN")).count();
    assert_eq!(transactions(&taken), transactions(&free));
}

/// A link is looked up once and spent in one transaction.
#[tokio::test]
async fn confirmations_keep_to_their_statements() {
    let log = Log::open().await;
    let app = with_pool(1).await;
    app.sign_up("ada").await;
    let count = |asked: Vec<String>| asked.iter().filter(|s| !s.starts_with("BEGIN")).count();

    let token = app.token(MessageKind::VerifyEmail, "ada");
    let work = app.confirm("/email/verify-confirm", &token);
    // With the question whether it is the first proof: what a stranger may have linked goes then, and their journeys.
    assert_eq!(count(asked(&log, &app, work).await), 6);

    let token = app.reset_token("ada").await;
    let work = app.reset(&token, NEW);
    assert_eq!(count(asked(&log, &app, work).await), 9);

    let dead = app.confirm("/email/verify-confirm", &token);
    assert_eq!(count(asked(&log, &app, dead).await), 1);
}
