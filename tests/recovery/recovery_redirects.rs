//! Where the browser goes after a confirmation: to a path of this very site, or nowhere.

use crudauth::mail::MessageKind;
use crudauth::safe_redirect_path;
use serde_json::{Value, json};

use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{PASSWORD, fresh_address};

const NEW: &str = "another fine passphrase";

const ACCEPTED: [&str; 4] = [
    "/dash?a=1",
    "/ok#f",
    "/",
    "/a/b?next=//c&d=https://e.example#/f",
];
const REJECTED: [&str; 16] = [
    "",
    "dash",
    "//evil.com",
    "///evil.com",
    "/\\evil.com",
    "\\\\evil.com",
    "/%2fevil.com",
    "/%5cevil.com",
    "javascript:x",
    "https://evil.com",
    "http:/evil.com",
    "/\tevil.com",
    "/\t/evil.com",
    "\t/evil.com",
    "/\n/evil.com",
    " /dash",
];

/// Asks by `request` with this wish, uses what is sent, and says what the confirmation answers.
async fn ride(app: &MailApp<MailAuth>, request: &str, wish: &Value) -> Value {
    app.clock.advance(std::time::Duration::from_hours(1)); // no limit is under test
    let name = format!("user{}", app.count("SELECT count(*) FROM users").await);
    app.sign_up(&name).await;
    let to = format!("{name}@example.com");
    let ask = async |body: Value| {
        let mut client = app.client().from(&fresh_address());
        assert_eq!(client.login(&name, PASSWORD).await.status, 200);
        let answer = client.post_json(request, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains("redirect"), "{}", answer.text);
        app.deliver().await;
    };
    let answer = match request {
        "/email/verify-request" => {
            ask(json!({ "email": to, "redirect_to": wish })).await;
            let token = app.token(MessageKind::VerifyEmail, &name);
            app.confirm("/email/verify-confirm", &token).await
        }
        "/password/reset-request" => {
            ask(json!({ "email": to, "redirect_to": wish })).await;
            let token = app.token(MessageKind::ResetPassword, &name);
            app.reset(&token, NEW).await
        }
        _ => {
            let new = format!("new-{to}");
            ask(json!({ "new_email": new, "password": PASSWORD, "redirect_to": wish })).await;
            let token = app.token(MessageKind::ChangeEmail, &format!("new-{name}"));
            app.confirm("/email/change-confirm", &token).await
        }
    };
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
        .json()
        .get("redirect_to")
        .cloned()
        .unwrap_or(Value::Null)
}

#[tokio::test]
async fn sec_109_only_paths_of_this_site_ride_along() {
    let app = mail_app().await;
    for request in [
        "/email/verify-request",
        "/password/reset-request",
        "/email/change-request",
    ] {
        for path in ACCEPTED {
            assert_eq!(ride(&app, request, &json!(path)).await, path, "{request}");
        }
        for path in REJECTED.iter().map(|path| json!(path)).chain([json!(null)]) {
            assert_eq!(
                ride(&app, request, &path).await,
                Value::Null,
                "{request} {path}"
            );
        }
    }
    // What was let in by other hands is judged again on its way out.
    app.sign_up("eve").await;
    app.db
        .run("UPDATE auth_tokens SET redirect_to = '//evil.com'")
        .await;
    let token = app.token(MessageKind::VerifyEmail, "eve");
    let answer = app.confirm("/email/verify-confirm", &token).await;
    assert_eq!(answer.text, r#"{"detail":"Verified successfully."}"#);
}

/// Whatever is kept, a browser reads as a path of the page that it is on.
#[test]
fn sec_109_nothing_that_is_kept_leaves_the_site() {
    const PIECES: &[&str] = &[
        "/",
        "/",
        "//",
        "\\",
        "%2f",
        "%5C",
        "%2F",
        ":",
        "@",
        "?",
        "#",
        ".",
        "..",
        "a",
        "e.example",
        "https:",
        "javascript:",
        "\t",
        "\n",
        "\r",
        "\0",
        " ",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{202e}",
        "é",
        "%",
        "[::1]",
        "&",
        ";",
        "\"",
        "<",
        "^",
        "|",
        "`",
        "{",
    ];
    let mut seed = 0x00C0_FFEE_D00D_u64;
    let mut roll = |sides: usize| {
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        usize::try_from(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % sides
    };
    let mut kept = 0;
    for _ in 0..200_000 {
        let count = roll(8);
        let mut text: String = (0..count).map(|_| PIECES[roll(PIECES.len())]).collect();
        if roll(2) == 0 {
            text.insert(0, '/');
        }
        let Some(path) = safe_redirect_path(&text) else {
            continue;
        };
        kept += 1;
        assert_eq!(path, text);
        let base = url::Url::parse("https://app.example.com/verify-email").unwrap();
        let read = base.join(path).unwrap();
        assert_eq!(read.origin(), base.origin(), "{path:?}");
        assert_eq!((read.username(), read.password()), ("", None), "{path:?}");
        assert!(url::Url::parse(path).is_err(), "{path:?} has a scheme");
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path:?}");
        assert!(
            path.chars().all(|c| !c.is_ascii_control() && c != '\\'),
            "{path:?}"
        );
    }
    assert!(kept > 10_000, "{kept}");
}
