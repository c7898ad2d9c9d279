//! What a thief reads who has a copy of the database, or a log of everything that was ever formatted.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use crudauth::mail::MessageKind;
use serde_json::json;

use crate::mailed::{MailApp, MailAuth, mail_app, token_of};
use crate::support::{Db, PASSWORD, SECRET, fresh_address};

/// Every value of every table, by place, and the files, where deleted rows still are.
async fn dump(db: &Db) -> Vec<(String, Vec<u8>)> {
    let mut values = Vec::new();
    for table in db.tables().await {
        let bytes = db.bytes(&table).await;
        values.extend(
            bytes
                .into_iter()
                .map(|(column, value)| (format!("{table}.{column}"), value)),
        );
    }
    let files = db.files().await;
    assert!(!files.is_empty());
    values.extend(files.into_iter().map(|file| ("the files".to_owned(), file)));
    values
}

/// A token and its secret half, as they may have been written down.
fn forms(token: &str) -> Vec<Vec<u8>> {
    let whole = URL_SAFE_NO_PAD.decode(token).unwrap();
    let secret = whole[16..].to_vec();
    // The part of the text that depends on the secret alone.
    let mut forms = vec![token.as_bytes()[22..].to_vec(), secret.clone()];
    for bytes in [whole, secret] {
        let mut hex = String::new();
        for byte in &bytes {
            write!(hex, "{byte:02x}").unwrap();
        }
        forms.extend([hex.to_uppercase().into_bytes(), hex.into_bytes()]);
        for base64 in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            forms.push(base64.encode(&bytes).into_bytes());
        }
    }
    forms
}

fn holds(value: &[u8], form: &[u8]) -> bool {
    value.windows(form.len()).any(|part| part == form)
}

/// Asks for a message of every kind, about accounts called `one` and `two`; nothing is delivered.
async fn every_message(app: &MailApp<MailAuth>) {
    let ada = app.signed_in("ada").await;
    let posts = [
        (
            "/register",
            json!({ "email": "bob@example.com", "username": "bob", "password": PASSWORD }),
        ),
        (
            "/register",
            json!({ "email": "ada@example.com", "username": "eda", "password": PASSWORD }),
        ),
        (
            "/password/reset-request",
            json!({ "email": "ada@example.com" }),
        ),
        (
            "/email/verify-request",
            json!({ "email": "ada@example.com" }),
        ),
    ];
    for (path, body) in posts {
        let client = app.client().from(&fresh_address());
        let answer = client.post_json(path, &body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
    }
    let body = json!({ "new_email": "eve@example.com", "password": PASSWORD });
    assert_eq!(
        ada.post_json("/email/change-request", &body).await.status,
        200
    );
}

#[tokio::test]
async fn sec_044_no_link_is_in_the_database_delivered_or_not() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    let mut dumps = vec![dump(&app.db).await];
    app.mail.fail_temporarily();
    every_message(&app).await;
    dumps.push(dump(&app.db).await);
    app.deliver().await; // made, and not taken
    dumps.push(dump(&app.db).await);
    app.mail.deliver();
    app.clock.advance(Duration::from_mins(1));
    app.deliver().await;
    dumps.push(dump(&app.db).await);

    let proof = app.token(MessageKind::VerifyEmail, "ada");
    let proven = app.confirm("/email/verify-confirm", &proof).await;
    assert_eq!(proven.status, 200, "{}", proven.text);
    let change = app.token(MessageKind::ChangeEmail, "eve");
    app.mail.fail_temporarily();
    assert_eq!(
        app.confirm("/email/change-confirm", &change).await.status,
        200
    );
    app.deliver().await;
    dumps.push(dump(&app.db).await);
    app.mail.deliver();
    app.clock.advance(Duration::from_mins(1));
    app.deliver().await;
    let undo = app.token(MessageKind::EmailChanged, "ada");
    assert_eq!(app.confirm("/email/change-undo", &undo).await.status, 200);
    dumps.push(dump(&app.db).await);

    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
    let mails = app.mail.messages();
    let tokens: Vec<_> = mails
        .iter()
        .filter(|mail| mail.context.link.is_some())
        .map(token_of)
        .collect();
    assert!(tokens.len() >= 6, "{mails:?}");
    let mut forms: Vec<_> = tokens.iter().flat_map(|token| forms(token)).collect();
    forms.push(SECRET.as_bytes().to_vec());
    for (number, dump) in dumps.iter().enumerate() {
        for (place, value) in dump {
            for form in &forms {
                let shown = String::from_utf8_lossy(form);
                assert!(
                    !holds(value, form),
                    "{place} of dump {number} holds {shown}"
                );
            }
        }
    }
}

#[tokio::test]
async fn sec_139_nothing_that_is_formatted_shows_a_link() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    every_message(&app).await;
    app.deliver().await;
    let mails = app.mail.messages();
    let mut shown = format!("{:?} {:#?} {mails:?} {:?}", app.auth, app.auth, app.mail);
    for mail in &mails {
        let (made_from, content) = (&mail.context, &mail.content);
        write!(shown, "{made_from:?} {content:#?} {:?}", mail.kind()).unwrap();
    }
    for mail in mails.iter().filter(|mail| mail.context.link.is_some()) {
        let token = token_of(mail);
        assert!(
            mail.content.text.contains(&token),
            "it is looked for where it is"
        );
        assert!(
            !shown.contains(&token) && !shown.contains(&token[22..]),
            "{shown}"
        );
    }
}
