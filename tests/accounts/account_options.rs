//! Setting and changing a password under other options than the defaults.

use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::{Value, json};

use crate::support::{self, Answer, Client, JSON, PASSWORD, TempDb};

const NEW: &str = "a wholly different one";

fn change(current: &str, new: &str) -> Value {
    json!({ "current_password": current, "new_password": new })
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.text.as_str())
}

mod relaxed {
    use super::{AuthUser, PasswordHash, auth};

    #[derive(Debug, Clone, AuthUser)]
    #[auth(table = "users")]
    pub(super) struct Member {
        pub(super) id: i64,
        pub(super) username: String,
        password_hash: Option<PasswordHash>,
        token_version: i64,
    }

    auth! {
        #[database(sqlite, postgres)]
        #[session(rotate_on_change)]
        #[password(reuse, fresh_sign_in = "off")]
        pub(super) struct Relaxed<Member>;
    }
}

/// An application that allows the same password again, closes `/set-password` and renews the session at a change.
async fn relaxed() -> (relaxed::Relaxed, Client, TempDb) {
    use crudauth::testing::TestBuilder;
    let file = TempDb::new();
    let auth = relaxed::Relaxed::connect(file.url())
        .secret(support::SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let mut client = Client::new(auth.router());
    assert_eq!(
        client
            .post_json(
                "/register",
                &json!({ "username": "alice", "password": PASSWORD })
            )
            .await
            .text,
        r#"{"id":1,"email":null,"username":"alice"}"#
    );
    assert_eq!(client.login("alice", PASSWORD).await.status, 200);
    (auth, client, file)
}

#[tokio::test]
async fn reuse_allows_the_same_password_and_rotation_renews_the_session() {
    let (_auth, mut client, _file) = relaxed().await;
    let old = client.clone();

    let answer = client
        .post_json("/change-password", &change(PASSWORD, PASSWORD))
        .await;
    client.keep(&answer);
    client.csrf = client.cookies.get("csrf_token").cloned();

    assert_eq!(told(&answer), (200, r#"{"detail":"Password changed."}"#));
    assert_eq!(answer.set_cookies().len(), 2);
    assert_ne!(old.cookies["session_id"], client.cookies["session_id"]);
    assert_eq!(old.get("/me").await.status, 401);
    assert_eq!(client.get("/me").await.status, 200);
    assert_eq!(client.post_body("/logout", JSON, "").await.status, 200);
}

#[tokio::test]
async fn a_closed_set_password_route_is_closed_to_the_freshest_session() {
    let (_auth, client, file) = relaxed().await;
    let db = support::pool(&file.url(), 1).await;
    db.run("UPDATE users SET password_hash = NULL").await;

    let answer = client
        .post_json("/set-password", &json!({ "new_password": NEW }))
        .await;

    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (403, "recent_sign_in_required")
    );
}
