//! What a new password must not be, in which form it counts, and that nothing of it comes back: SEC-015 to SEC-019.

use crudauth::auth;
use crudauth::testing::{TestBuilder, hashes_done};
use serde_json::{Value, json};

use crate::log;
use crate::support::{Client, FORM, JSON, PASSWORD, SECRET, TestApp, User, encode, pool};

auth! {
    #[database(sqlite, postgres)]
    #[password(words("wonderland"))]
    struct Shop<User>;
}

fn sign_up(name: &str, password: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "username": name, "password": password })
}

#[tokio::test]
async fn sec_015_one_password_on_two_keyboards_is_one_password() {
    let app = TestApp::start().await;
    let (composed, decomposed) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
    app.client()
        .post_json("/register", &sign_up("ada", composed))
        .await;
    app.client()
        .post_json("/register", &sign_up("bob", decomposed))
        .await;
    let change =
        |current: &str, new: &str| json!({ "current_password": current, "new_password": new });

    assert_eq!(app.client().login("ada", decomposed).await.status, 200);
    assert_eq!(app.client().login("bob", composed).await.status, 200);
    assert_eq!(app.client().login("bob", "cafe au lait").await.status, 401);
    let mut ada = app.client();
    ada.login("ada", composed).await;
    let same = ada
        .post_json("/change-password", &change(composed, decomposed))
        .await;
    assert_eq!(
        (same.status.as_u16(), same.code().as_str()),
        (422, "same_password")
    );
    let changed = ada
        .post_json(
            "/change-password",
            &change(decomposed, "\u{ff57}holly different"),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(
        app.client().login("ada", "wholly different").await.status,
        200
    );
}

#[tokio::test]
async fn sec_015_an_imported_hash_of_the_form_as_typed_opens_once_and_is_replaced() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let typed = "cafe\u{301} au lait";
    app.db
        .query("UPDATE users SET password_hash = $1")
        .bind(imported(typed))
        .execute()
        .await;

    assert_eq!(
        app.client().login("ada", "caf\u{e9} au lait").await.status,
        401
    ); // not how it was typed then
    let first = app.client().login("ada", typed).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(
        app.client().login("ada", "caf\u{e9} au lait").await.status,
        200
    ); // now the normal form is stored

    // What a wrong one costs depends on what was typed, not on whether there is such an account.
    for password in ["wrong but plain", "wrong e\u{301} accent"] {
        let cost = |name: &'static str| {
            let app = &app;
            async move {
                let before = hashes_done(&app.auth);
                assert_eq!(app.client().login(name, password).await.status, 401);
                hashes_done(&app.auth) - before
            }
        };
        assert_eq!(cost("ada").await, cost("nobody").await, "{password}");
    }
}

/// What another application would have stored: argon2id over the bytes as they came.
fn imported(password: &str) -> String {
    let mut digest = [0; 32];
    let params = argon2::Params::new(32, 1, 1, Some(32)).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    argon2
        .hash_password_into(password.as_bytes(), b"sixteen bytes ok", &mut digest)
        .unwrap();
    format!(
        "$argon2id$v=19$m=32,t=1,p=1${}${}",
        base64(b"sixteen bytes ok"),
        base64(&digest)
    )
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |group: &[u8], n: usize| {
        let bits = group
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        char::from(LETTERS[bits >> (18 - 6 * n) & 63])
    };
    bytes
        .chunks(3)
        .flat_map(|group| (0..=group.len()).map(move |n| letter(group, n)))
        .collect()
}

#[tokio::test]
async fn sec_016_the_commonest_passwords_are_refused_in_any_case() {
    const LIST: &str = include_str!("../../crudauth-runtime/src/crypto/common.txt");
    let app = TestApp::start().await;
    let client = app.client();
    let common = r#"{"type":"password_policy","loc":["body","password"],"msg":"Password is one of the most common ones","ctx":{"requirement":"password_common"}}"#;
    assert!(LIST.lines().count() >= 3000);

    let every_fiftieth = LIST.lines().step_by(50);
    for word in [
        "password",
        "12345678",
        "qwertyuiop",
        "iloveyou",
        "football1",
        "trustno1",
        "1q2w3e4r",
    ]
    .into_iter()
    .chain(every_fiftieth)
    {
        for typed in [word.to_owned(), word.to_uppercase()] {
            let answer = client
                .post_json("/register", &sign_up("zzyzx", &typed))
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text),
                (
                    422,
                    format!(r#"{{"detail":[{common}],"code":"validation_error"}}"#)
                ),
                "{typed}"
            );
        }
    }
    assert_eq!(hashes_done(&app.auth), 0);
}

#[tokio::test]
async fn sec_018_a_password_does_not_contain_the_accounts_names_or_the_products() {
    let app = TestApp::start().await;
    let shop = Shop::builder(pool(&app.file.url(), 1).await)
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let shop = Client::new(shop.router());
    let sent = |email: &str, username: &str, password: &str| json!({ "email": email, "username": username, "password": password });
    let personal = r#"{"detail":[{"type":"password_policy","loc":["body","password"],"msg":"Password should not contain your name, e-mail address or the name of this service","ctx":{"requirement":"personal"}}],"code":"validation_error"}"#;

    for (email, username, password) in [
        ("a@x.com", "alice", "alice-2024-x"),
        ("a@x.com", "alice", "xx-ALICE-xx"),
        ("a@x.com", "alice", "xx-\u{ff21}lice-xx"),
        ("a@x.com", "alice.liddell", "my liddell 9"),
        ("carroll.lewis@x.com", "al", "the carroll 9"),
        ("a@x.com", "al", "wonderland 77"),
    ] {
        let answer = shop
            .post_json("/register", &sent(email, username, password))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (422, personal),
            "{password}"
        );
    }
    // Parts of fewer than four characters occur in honest passwords.
    assert_eq!(
        shop.post_json("/register", &sent("a@x.com", "bob", "bob has a boat"))
            .await
            .status,
        200
    );
    // The same rule at a change, against the names that are stored.
    app.register("alice").await;
    let alice = app.signed_in("alice").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "alice-2024-x" });
    let answer = alice.post_json("/change-password", &change).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text),
        (422, personal.replace("\"password\"]", "\"new_password\"]"))
    );
}

#[tokio::test]
async fn sec_019_no_secret_comes_back_is_logged_or_is_kept() {
    const MARKER: &str = "MARKER-4f2a";
    let kept = log::keep().await;
    let app = TestApp::start().await;
    app.register("alice").await;
    let alice = app.signed_in("alice").await;
    // In every field of every route, in every type, well formed and not.
    let values = [
        format!(r#""{MARKER}""#),
        format!(r#"["{MARKER}"]"#),
        format!(r#"{{"{MARKER}":1}}"#),
        format!(r#""{MARKER}\ud800""#),
        format!(r#""{MARKER}"#),
        MARKER.to_owned(),
    ];
    let mut answers = Vec::new();
    for (route, names) in [
        (
            "/register",
            &["email", "username", "password", "full_name"][..],
        ),
        ("/change-password", &["current_password", "new_password"]),
        ("/set-password", &["new_password"]),
    ] {
        for (n, value) in values.iter().enumerate() {
            for name in names {
                let body = format!(r#"{{"{name}":{value}}}"#);
                let twice = format!(r#"{{"{name}":{value},"{name}":{value}}}"#);
                let from = alice.clone().from(&format!("198.51.100.{}", n + 1));
                for body in [body, twice] {
                    answers.push(from.post_body(route, JSON, body.clone()).await);
                    answers.push(from.post_body(route, "text/plain", body.clone()).await);
                    answers.push(from.post_body(route, FORM, body).await);
                }
                answers.push(from.post(&format!("{route}?{name}={MARKER}")).await);
                answers.push(from.get(&format!("{route}?{name}={MARKER}")).await);
            }
            app.clock.advance(std::time::Duration::from_secs(1));
        }
    }
    for name in [
        "username",
        "password",
        "remember_me",
        "grant_type",
        "scope",
        "client_secret",
    ] {
        let stranger = app.client().from("198.51.100.200");
        let login = |body: String| stranger.post_body("/login", FORM, body);
        answers.push(login(format!("{name}={MARKER}")).await);
        answers.push(login(format!("username=nobody&password=x&{name}={MARKER}")).await);
        answers.push(
            login(format!(
                "username=nobody&password={}%FF&{name}={MARKER}",
                encode(MARKER)
            ))
            .await,
        );
    }
    answers.push(app.client().get(&format!("/{MARKER}")).await);
    answers.push(alice.delete(&format!("/sessions/{MARKER}")).await);
    answers.push(
        alice
            .post(&format!("/logout-all?keep_current={MARKER}"))
            .await,
    );

    assert!(answers.len() > 250);
    for answer in &answers {
        assert!(
            (400..500).contains(&answer.status.as_u16()),
            "{}: {}",
            answer.status,
            answer.text
        );
        let headers = format!("{:?}", answer.headers);
        assert!(
            !answer.text.contains(MARKER) && !headers.contains(MARKER),
            "{}",
            answer.text
        );
    }
    app.auth.shutdown().await;
    let files = app.db.files().await;
    assert!(!files.is_empty());
    for bytes in files {
        assert!(
            !bytes
                .windows(MARKER.len())
                .any(|window| window == MARKER.as_bytes()),
            "in a file"
        );
    }
    let logged = kept.text();
    assert!(!logged.is_empty()); // the log is really listened to
    assert!(!logged.contains(MARKER), "{logged}");
}
