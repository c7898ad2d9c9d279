//! What the database holds of a link, while its message waits and afterwards.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use crudauth::mail::MessageKind;

use crate::mailed::{MailApp, mail_app};

#[tokio::test]
async fn sec_088_nothing_in_the_database_makes_a_link() {
    let app = mail_app().await;
    app.mail.fail_temporarily();
    app.sign_up("ada").await;
    app.ask("/password/reset-request", "ada").await;
    let mut held = everything(&app).await; // both links are made, and nobody has taken them
    app.mail.deliver();
    app.app.clock.advance(Duration::from_secs(5));
    app.deliver().await;

    let mut tokens = vec![
        app.token(MessageKind::VerifyEmail, "ada"),
        app.token(MessageKind::ResetPassword, "ada"),
    ];
    assert_eq!(
        app.confirm("/email/verify-confirm", &tokens[0])
            .await
            .status,
        200
    );
    let ada = app.signed_in("ada").await;
    assert_eq!(app.move_to(&ada, "eve").await.status, 200);
    tokens.push(app.token(MessageKind::ChangeEmail, "eve"));
    assert_eq!(
        app.confirm("/email/change-confirm", &tokens[2])
            .await
            .status,
        200
    );
    app.deliver().await;
    tokens.push(app.token(MessageKind::EmailChanged, "ada"));
    held.extend(everything(&app).await);

    assert!(held.iter().any(|(place, _)| place == "auth_tokens.secret"));
    for token in &tokens {
        // The name of the row comes first, and is no secret.
        let secret = &URL_SAFE_NO_PAD.decode(token).unwrap()[16..];
        let hex = secret.iter().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        });
        let texts = [
            token[22..].to_owned(),
            URL_SAFE_NO_PAD.encode(secret),
            STANDARD.encode(secret),
            STANDARD_NO_PAD.encode(secret),
            hex.to_uppercase(),
            hex,
        ];
        for (place, value) in &held {
            for form in texts.iter().map(String::as_bytes).chain([secret]) {
                let found = value.windows(form.len()).any(|part| part == form);
                assert!(!found, "{place} holds {}", String::from_utf8_lossy(form));
            }
        }
    }
}

/// Every value of every table, and the files, in which deleted rows lie about.
async fn everything<A>(app: &MailApp<A>) -> Vec<(String, Vec<u8>)> {
    let mut values = Vec::new();
    for table in app.db.tables().await {
        let found = app.db.bytes(&table).await.into_iter();
        values.extend(found.map(|(column, bytes)| (format!("{table}.{column}"), bytes)));
    }
    let files = app.db.files().await;
    values.extend(files.into_iter().map(|file| ("a file".to_owned(), file)));
    values
}
