//! What is mailed: to whom, in which words, and with which link.

use axum::body::Body;
use axum::http::Method;
use crudauth::auth;
use crudauth::mail::{Message, MessageKind};
use serde_json::{Value, json};

use crate::mailed;
use crate::mailed::{MailApp, mail_app};
use crate::support::{Answer, Client, JSON, PASSWORD, User, fresh_address};

const NEW: &str = "another fine passphrase";

auth! {
    #[database(sqlite, postgres)]
    #[email(
        frontend_url = "https://block.example.com",
        verify_ttl = "2h",
        reset_ttl = "10m",
        change_ttl = "3h",
        undo_ttl = "2d",
        verify_path = "/v",
        reset_path = "/account/r",
        change_path = "/c",
        undo_path = "/u"
    )]
    pub struct Own<User>;
}

/// Everything there is a message for, once: ada signs up, is registered again, resets, and moves to eve's address.
async fn everything<A>(app: &MailApp<A>, deliver: impl AsyncFn()) -> Vec<Message> {
    let post = async |client: &Client, path: &str, body: &Value| {
        let answer = client.post_json(path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        deliver().await;
        app.mail.messages().pop()
    };
    let token = |message: &Option<Message>| mailed::token_of(message.as_ref().unwrap());
    let ada = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    let again = json!({ "email": "ada@example.com", "username": "eve", "password": PASSWORD });
    let mut browser = app.client().from(&fresh_address());
    post(&browser, "/register", &ada).await;
    post(&browser, "/register", &again).await;
    let address = json!({ "email": "ada@example.com" });
    let reset = token(&post(&browser, "/password/reset-request", &address).await);
    let body = json!({ "token": reset, "new_password": NEW });
    post(&browser, "/password/reset-confirm", &body).await;
    assert_eq!(browser.login("ada", NEW).await.status, 200);
    let body = json!({ "new_email": "eve@example.com", "password": NEW });
    let change = token(&post(&browser, "/email/change-request", &body).await);
    let body = json!({ "token": change });
    post(&browser, "/email/change-confirm", &body).await;
    app.mail.take()
}

/// What the table of the contract says of one message.
#[derive(Debug, PartialEq)]
struct Told {
    kind: &'static str,
    to: String,
    subject: String,
    /// The link without its token.
    link: Option<String>,
    expires_in: u64,
}

fn told(message: &Message) -> Told {
    let context = &message.context;
    assert_eq!(context.recipient, message.to);
    Told {
        kind: message.kind().name(),
        to: message.to.clone(),
        subject: message.content.subject.clone(),
        link: context.link.as_deref().map(|link| {
            let (page, token) = link.split_once("?token=").unwrap();
            assert_eq!(token.len(), 64, "{link}");
            assert!(
                token
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
                "{link}"
            );
            page.to_owned()
        }),
        expires_in: context.expires_in,
    }
}

fn row(kind: &'static str, to: &str, subject: &str, link: Option<&str>, expires_in: u64) -> Told {
    Told {
        kind,
        to: format!("{to}@example.com"),
        subject: subject.to_owned(),
        link: link.map(str::to_owned),
        expires_in,
    }
}

#[tokio::test]
async fn messages_are_those_of_the_contracts_table() {
    let app = mail_app().await;
    let sent = everything(&app, async || app.deliver().await).await;
    let link = |path: &str| format!("https://app.example.com{path}");

    assert_eq!(
        sent.iter().map(told).collect::<Vec<_>>(),
        [
            row(
                "verify_email",
                "ada",
                "Verify your email",
                Some(&link("/verify-email")),
                86400
            ),
            row(
                "existing_account",
                "ada",
                "You already have an account",
                None,
                0
            ),
            row(
                "reset_password",
                "ada",
                "Reset your password",
                Some(&link("/reset-password")),
                3600
            ),
            row(
                "password_changed",
                "ada",
                "Your password was changed",
                None,
                0
            ),
            row(
                "change_email",
                "eve",
                "Confirm your new email",
                Some(&link("/confirm-email-change")),
                86400
            ),
            row(
                "email_changed",
                "ada",
                "Your email address was changed",
                Some(&link("/undo-email-change")),
                0
            ),
        ]
    );
    for message in &sent {
        let (text, link) = (&message.content.text, message.context.link.as_deref());
        match message.kind() {
            MessageKind::VerifyEmail | MessageKind::ResetPassword | MessageKind::ChangeEmail => {
                let subject = &message.content.subject;
                assert_eq!(*text, format!("{subject}: {}", link.unwrap()));
            }
            kind => {
                assert!(text.contains("https://app.example.com"), "{kind:?}: {text}");
                assert_eq!(text.contains("token"), link.is_some(), "{kind:?}: {text}");
            }
        }
        // No bare token, and nothing that a user chose.
        let context = serde_json::to_value(&message.context).unwrap();
        let keys: Vec<_> = context.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["expires_in", "kind", "link", "recipient"]);
    }
}

#[tokio::test]
async fn paths_and_lifetimes_are_the_blocks_and_the_builders_frontend_wins() {
    let app = mailed!(Own, 5, frontend_url("https://builder.example.com/shop/"));
    let sent = everything(&app, async || assert!(app.auth.run_due().await.is_ok())).await;
    let link = |path: &str| Some(format!("https://builder.example.com/shop{path}"));

    let told: Vec<_> = sent
        .iter()
        .map(told)
        .map(|told| (told.kind, told.link, told.expires_in))
        .collect();
    assert_eq!(
        told,
        [
            ("verify_email", link("/v"), 7200),
            ("existing_account", None, 0),
            ("reset_password", link("/account/r"), 600),
            ("password_changed", None, 0),
            ("change_email", link("/c"), 10800),
            ("email_changed", link("/u"), 0),
        ]
    );
    for message in &sent {
        assert!(!format!("{:?}", message.content.text).contains("block.example.com"));
    }
}

/// Every way in which a request can name a host.
const POISON: &[(&str, &str)] = &[
    ("host", "evil.example"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-server", "evil.example"),
    ("x-forwarded-prefix", "/evil.example"),
    ("x-original-url", "https://evil.example/"),
    ("x-rewrite-url", "https://evil.example/"),
    ("forwarded", "host=evil.example;proto=http"),
];

async fn poisoned(client: &Client, path: &str, body: &Value) -> Answer {
    let target = format!("http://evil.example{path}");
    let mut request = client
        .request(Method::POST, &target)
        .header("content-type", JSON);
    for (name, value) in POISON {
        request = request.header(*name, *value);
    }
    client
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

#[tokio::test]
async fn sec_094_no_request_says_where_a_link_leads() {
    let app = mail_app().await;
    let mut client = app.client();
    let ada = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    let again = json!({ "email": "ada@example.com", "username": "eve", "password": PASSWORD });
    let address = json!({ "email": "ada@example.com" });
    for (path, body) in [
        ("/register", &ada),
        ("/register", &again),
        ("/email/verify-request", &address),
        ("/password/reset-request", &address),
    ] {
        let answer = poisoned(&client, path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        app.deliver().await;
    }
    let body =
        json!({ "token": app.token(MessageKind::ResetPassword, "ada"), "new_password": NEW });
    let answer = poisoned(&client, "/password/reset-confirm", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(client.login("ada", NEW).await.status, 200);
    let body = json!({ "current_password": NEW, "new_password": PASSWORD });
    let answer = poisoned(&client, "/change-password", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = json!({ "new_email": "eve@example.com", "password": PASSWORD });
    let answer = poisoned(&client, "/email/change-request", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.deliver().await;
    let body = json!({ "token": app.token(MessageKind::ChangeEmail, "eve") });
    let answer = poisoned(&client, "/email/change-confirm", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.deliver().await;

    let sent = app.mail.messages();
    assert_eq!(sent.len(), 8);
    for message in &sent {
        let all = format!("{}{:?}", message.content.text, message.content.html);
        assert!(!all.contains("evil"), "{:?}: {all}", message.kind());
        assert!(all.contains("https://app.example.com"));
        if let Some(link) = &message.context.link {
            assert!(link.starts_with("https://app.example.com/"), "{link}");
        }
    }
}

#[tokio::test]
async fn sec_026_one_message_at_most_to_the_address_in_the_row() {
    let app = mail_app().await;
    app.verified("ada").await;
    drop(app.mail.take());
    let (ada, eve) = ("ada@example.com", "eve@evil.example");
    let corpus = [
        json!([ada, eve]).to_string(),
        json!([ada]).to_string(),
        json!({ "0": ada, "1": eve }).to_string(),
        json!({ "email": ada }).to_string(),
        json!(format!("{ada},{eve}")).to_string(),
        json!(format!("{ada};{eve}")).to_string(),
        json!(format!("{ada} {eve}")).to_string(),
        json!(format!("{ada}\n{eve}")).to_string(),
        json!(format!("{ada}\r\nBcc: {eve}")).to_string(),
        json!(format!("{ada}\0{eve}")).to_string(),
        json!(format!("{ada}%0a{eve}")).to_string(),
        json!(format!("<{ada}>")).to_string(),
        json!(format!("Ada <{ada}>")).to_string(),
        json!(format!("{eve} <{ada}>")).to_string(),
        json!(format!("\"{ada}\"@evil.example")).to_string(),
        json!("ada@example.com@evil.example").to_string(),
        json!("ada@evil.example@example.com").to_string(),
        json!("ada@example.com.evil.example").to_string(),
        json!("\u{430}da@example.com").to_string(), // a Cyrillic a
        json!("ada@ex\u{430}mple.com").to_string(),
        json!("ad\u{1ea1}@example.com").to_string(),
        json!("ada+eve@example.com").to_string(),
        json!("a.da@example.com").to_string(),
        "null".to_owned(),
        "true".to_owned(),
        "0".to_owned(),
    ];
    for path in ["/password/reset-request", "/email/verify-request"] {
        let mut bodies: Vec<_> = corpus
            .iter()
            .map(|value| format!(r#"{{"email":{value}}}"#))
            .collect();
        bodies.push(format!(r#"{{"email":"{ada}","email":"{eve}"}}"#));
        bodies.push(format!(r#"{{"email":"{eve}","email":"{ada}"}}"#));
        bodies.push(format!(r#"{{"email":"{ada}","e\u006dail":"{eve}"}}"#));
        for body in bodies {
            let client = app.client().from(&fresh_address());
            let answer = client.post_body(path, JSON, body.clone()).await;
            app.deliver().await;
            assert!(
                matches!(answer.status.as_u16(), 200 | 422),
                "{path} {body}: {}",
                answer.text
            );
            let sent = app.mail.take();
            assert!(sent.len() <= 1, "{path} {body}");
            for message in sent {
                assert_eq!(message.to, ada, "{path} {body}");
            }
        }
        let query = format!("{path}?email={eve}");
        let body = json!({ "email": ada });
        let answer = app.client().post_json(&query, &body).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
    app.deliver().await;
    assert!(app.mail.take().is_empty());
}

#[tokio::test]
async fn sec_025_every_spelling_of_an_address_reaches_one_account() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    let body = json!({ "email": "bob@bücher.example", "username": "bob", "password": PASSWORD });
    let client = app.client().from(&fresh_address());
    assert_eq!(client.post_json("/register", &body).await.status, 202);
    app.deliver().await;
    let bob = app.mail.messages().pop().unwrap().to;
    drop(app.mail.take());
    for (typed, stored) in [
        ("ADA@example.com", "ada@example.com"),
        ("ada@EXAMPLE.com", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("\u{ff41}\u{ff44}\u{ff41}@example.com", "ada@example.com"), // full width
        ("ada@\u{ff45}xample.com", "ada@example.com"),
        ("ada@example\u{3002}com", "ada@example.com"), // an ideographic full stop
        ("bob@BÜCHER.example", bob.as_str()),
        ("bob@bu\u{308}cher.example", bob.as_str()),
        ("bob@xn--bcher-kva.example", bob.as_str()),
        ("BOB@XN--BCHER-KVA.EXAMPLE", bob.as_str()),
    ] {
        let client = app.client().from(&fresh_address());
        for path in ["/password/reset-request", "/email/verify-request"] {
            app.clock.advance(std::time::Duration::from_hours(1)); // the target's own limit is not under test
            let answer = client.post_json(path, &json!({ "email": typed })).await;
            app.deliver().await;
            assert_eq!(answer.status, 200, "{typed:?}: {}", answer.text);
            let to: Vec<_> = app.mail.take().into_iter().map(|m| m.to).collect();
            assert_eq!(to, [stored], "{path} {typed:?}");
        }
    }
    // Forms that look alike and are another mailbox's reach nobody.
    for typed in [
        "ad\u{e1}@example.com",
        "\u{430}da@example.com",
        "ada@examp1e.com",
    ] {
        let client = app.client().from(&fresh_address());
        let body = json!({ "email": typed });
        let answer = client.post_json("/password/reset-request", &body).await;
        app.deliver().await;
        assert!(matches!(answer.status.as_u16(), 200 | 422), "{typed:?}");
        assert!(app.mail.take().is_empty(), "{typed:?}");
    }
}
