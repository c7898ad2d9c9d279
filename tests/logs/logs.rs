//! Nothing secret in logs, bodies or `Debug`, at the most talkative level (SEC-019, SEC-139, SEC-144).

use axum::http::Method;
use crudauth::testing::TestBuilder;
use serde_json::json;

use crate::log;
use crate::support::{self, Answer, Auth, Client, FORM, JSON, SECRET, TestApp, encode};

/// What users type and are given; none of it may be written down.
#[derive(Default)]
struct Markers {
    typed: Vec<String>,
    issued: Vec<String>,
}

impl Markers {
    fn type_in(&mut self, text: &str) -> String {
        self.typed.push(text.to_owned());
        text.to_owned()
    }

    fn issue(&mut self, client: &Client) {
        self.issued.extend(client.cookies.values().cloned());
        self.issued.extend(client.csrf.clone());
    }
}

#[expect(clippy::too_many_lines, reason = "one list of requests")]
/// A full run over every route, with right and wrong input, and with a broken database. Every answer that it got.
async fn full_run(app: &TestApp, markers: &mut Markers) -> Vec<Answer> {
    let mut answers = Vec::new();
    let password = markers.type_in("zq-first-password-zq");
    let second = markers.type_in("zq-second-password-zq");
    let wrong = markers.type_in("zq-wrong-password-zq");
    let unknown = markers.type_in("zq-unknown-name-zq");
    let forged = markers.type_in("zq-forged-identifier-zq\r\nERROR crudauth: all is lost");
    let mut client = app.client();
    let register = json!({ "email": "zq-mail-zq@example.com", "username": "zqname", "password": password, "full_name": "Zq\r\nFull" });
    answers.push(client.post_json("/register", &register).await);
    answers.push(client.post_json("/register", &register).await);
    answers.push(client.login("zqname", &wrong).await);
    answers.push(client.login(&unknown, &wrong).await);
    answers.push(client.login(&forged, &password).await);
    answers.push(client.login("zqname", &password).await);
    markers.issue(&client);
    answers.push(client.get("/me").await);
    let change =
        |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
    answers.push(
        client
            .post_json("/change-password", &change(&wrong, &second))
            .await,
    );
    answers.push(
        client
            .post_json("/change-password", &change(&password, "zq-"))
            .await,
    );
    answers.push(
        client
            .post_json("/change-password", &change(&password, &second))
            .await,
    );
    answers.push(
        client
            .post_json("/set-password", &json!({ "new_password": second }))
            .await,
    );
    for body in [
        json!({ "email": second, "username": wrong, "password": password }),
        json!({ "email": [second], "username": { "a": wrong }, "password": [password] }),
        json!({ "password": password }),
        json!([password, second]),
        json!(password),
    ] {
        for path in ["/register", "/change-password", "/set-password"] {
            answers.push(client.post_json(path, &body).await);
        }
    }
    let broken = format!("{{\"password\":\"{password}\", \"email\":");
    for (kind, body) in [
        (JSON, broken.clone()),
        (FORM, format!("username={}", encode(&password))),
        (
            FORM,
            format!(
                "password={}&username={}&grant_type={}",
                encode(&password),
                encode(&wrong),
                encode(&second)
            ),
        ),
        (
            FORM,
            format!("password={0}&password={0}&username=u", encode(&password)),
        ),
        ("text/plain", broken),
    ] {
        for path in ["/login", "/register", "/change-password"] {
            answers.push(client.post_body(path, kind, body.clone()).await);
        }
    }
    let in_query = format!("/login?password={}", encode(&password));
    answers.push(client.post_body(&in_query, FORM, "username=zqname").await);
    let stolen = markers.type_in("zq-stolen-cookie-zq-zq-zq-zq-zq-zq-zq-zq-z4");
    let mut thief = app.client();
    thief
        .cookies
        .insert("session_id".to_owned(), stolen.clone());
    thief
        .cookies
        .insert("device_id".to_owned(), format!("{stolen}.zq"));
    thief.csrf = Some(markers.type_in("zq-forged-token-zq"));
    answers.push(thief.post("/dashboard").await);
    answers.push(thief.login("zqname", &wrong).await);
    client.csrf.clone_from(&thief.csrf);
    answers.push(client.post("/dashboard").await);
    let agent = client
        .request(Method::GET, "/me")
        .header("user-agent", "zq\tagent\u{7f}".replace('\u{7f}', ""));
    answers.push(client.send(agent.body("".into()).unwrap()).await);
    // And now with the tables gone, when errors are logged.
    for table in ["auth_attempts", "auth_sessions", "auth_limits", "users"] {
        let sql = format!("ALTER TABLE {table} RENAME TO gone_{table}");
        app.db.run(sql).await;
        let mut again = client.clone();
        answers.push(again.login("zqname", &second).await);
        answers.push(client.post_json("/register", &register).await);
        answers.push(client.get("/me").await);
        answers.push(client.post("/logout").await);
    }
    answers
}

#[tokio::test]
async fn sec_019_sec_144_no_secret_reaches_a_log_or_a_body() {
    let kept = log::keep().await;
    let app = TestApp::start().await;
    let mut markers = Markers::default();

    let answers = full_run(&app, &mut markers).await;

    let log = kept.text();
    assert!(
        log.contains("sqlx::query") && log.contains("ERROR"),
        "the log is really seen"
    );
    markers.typed.push(SECRET.to_owned());
    for marker in markers.typed.iter().chain(&markers.issued) {
        let first = marker.split("\r\n").next().unwrap();
        let at = log.find(first);
        assert!(
            at.is_none(),
            "{marker:?} is in the log: {:?}",
            log.lines().find(|line| line.contains(first))
        );
    }
    for personal in ["zq-mail-zq", "$argon2id$", "Zq\r\nFull", "all is lost"] {
        assert!(!log.contains(personal), "{personal:?} is in the log");
    }
    assert!(!log.contains('\r'), "control characters are escaped");
    for answer in &answers {
        let headers = format!("{:?}", answer.headers);
        for marker in &markers.typed {
            assert!(
                !answer.text.contains(marker.as_str()),
                "{marker:?} is echoed: {}",
                answer.text
            );
            assert!(
                !headers.contains(marker.as_str()),
                "{marker:?} is in a header: {headers}"
            );
        }
        for internal in [
            "zq-first",
            "zq-second",
            "$argon2",
            "sqlx",
            "no such table",
            "auth_",
        ] {
            assert!(
                !answer.text.contains(internal),
                "{internal}: {}",
                answer.text
            );
        }
    }
    assert!(
        answers.iter().any(|answer| answer.status == 500),
        "the broken database was met"
    );
}

#[tokio::test]
async fn sec_139_debug_of_public_values_shows_no_secret() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let user = app.auth.users().find(&id).await.unwrap().unwrap();
    let signed_in = crudauth::testing::sign_in(&app.auth, &id).await.unwrap();
    let hash: String = app
        .db
        .query("SELECT password_hash FROM users")
        .scalar()
        .await;
    let principal: crudauth::Principal<Auth> = crudauth::testing::principal(user.clone());
    let builder = Auth::builder(support::pool(&app.file.url(), 1).await)
        .secret(SECRET)
        .cheap_hashing();
    let handles = app.auth.sessions().list(&user).await.unwrap();

    let shown = format!(
        "{:?} {:?} {:?} {:?} {builder:?} {:?} {:?} {handles:?} {:#?}",
        app.auth,
        user,
        signed_in,
        principal,
        app.auth.users(),
        app.auth.sessions(),
        app.auth
    );

    let cookie = signed_in.cookie.split(['=', ';']).nth(1).unwrap();
    for secret in [
        hash.as_str(),
        &hash[hash.len() - 20..],
        cookie,
        signed_in.csrf_token.as_str(),
        SECRET,
        support::PASSWORD,
    ] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    assert!(shown.contains("[redacted]"));
}
