//! Links that are issued while others are spent, two processes over one outbox, and everything at once.

use std::collections::BTreeSet;

use crudauth::mail::MessageKind;
use crudauth::testing::{CaptureMailer, TestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::mailed::{MailApp, MailAuth, mail_app, token_of};
use crate::support::{self, Answer, Client, PASSWORD, SECRET, fresh_address};

const NEW: &str = "another fine passphrase";

fn post(client: &Client, path: &'static str, body: Value) -> impl Future<Output = Answer> + use<> {
    let client = client.clone().from(&fresh_address());
    async move { client.post_json(path, &body).await }
}

/// Another process of the application: the same database, the same secret, a mailbox of its own.
async fn second(app: &MailApp<MailAuth>) -> (MailAuth, CaptureMailer) {
    let mail = CaptureMailer::new();
    let auth = MailAuth::builder(support::pool(&app.file.url(), 5).await)
        .secret(SECRET)
        .clock(app.clock.clone())
        .mailer(mail.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    (auth, mail)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_092_of_a_link_that_is_spent_and_the_one_that_replaces_it_one_works() {
    let app = mail_app().await;
    for round in 0..20 {
        let name = format!("ada{round}");
        app.verified(&name).await;
        let first = app.reset_token(&name).await;
        let ask = json!({ "email": format!("{name}@example.com") });
        post(&app.client(), "/password/reset-request", ask).await;
        drop(app.mail.take());
        let body = json!({ "token": first, "new_password": NEW });
        let spent = tokio::spawn(post(&app.client(), "/password/reset-confirm", body));
        app.deliver().await;
        let spent = spent.await.unwrap();

        let mut messages = app.mail.take();
        messages.retain(|message| message.kind() == MessageKind::ResetPassword);
        let second = messages.first().map(token_of);
        assert_eq!(
            app.reset(&first, PASSWORD).await.status,
            400,
            "not twice, and not late"
        );
        if spent.status != 200 {
            assert_eq!(spent.status, 400, "{}", spent.text);
            let answer = app.reset(&second.expect("the newer link"), NEW).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let mut ada = app.client().from(&fresh_address());
        assert_eq!(ada.login(&name, NEW).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_090_a_proof_and_a_reset_that_meet_leave_a_proven_address() {
    let app = mail_app().await;
    for round in 0..20 {
        let name = format!("ada{round}");
        app.sign_up(&name).await;
        let verify = json!({ "token": app.token(MessageKind::VerifyEmail, &name) });
        let reset = json!({ "token": app.reset_token(&name).await, "new_password": NEW });
        let (verify, reset) = tokio::join!(
            tokio::spawn(post(&app.client(), "/email/verify-confirm", verify)),
            tokio::spawn(post(&app.client(), "/password/reset-confirm", reset)),
        );
        let (verify, reset) = (verify.unwrap(), reset.unwrap());
        assert_eq!(reset.status, 200, "{}", reset.text);
        assert!(
            [200, 400].contains(&verify.status.as_u16()),
            "{}",
            verify.text
        );
        let user = app.auth.users().find_by_username(&name).await.unwrap();
        assert!(user.unwrap().email_verified);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_156_two_processes_over_one_outbox_send_each_message_once() {
    let app = mail_app().await;
    let (other, other_mail) = second(&app).await;
    for number in 0..60 {
        let client = app.client().from(&fresh_address());
        let body = json!({
            "email": format!("u{number}@example.com"), "username": format!("u{number}"), "password": PASSWORD,
        });
        assert_eq!(client.post_json("/register", &body).await.status, 202);
    }
    let (one, two) = (app.auth.clone(), other.clone());
    let (one, two) = tokio::join!(
        tokio::spawn(async move { one.run_due().await.unwrap() }),
        tokio::spawn(async move { two.run_due().await.unwrap() }),
    );

    assert_eq!(one.unwrap() + two.unwrap(), 60);
    let (mut ours, theirs) = (app.mail.messages(), other_mail.messages());
    ours.extend(theirs);
    let ids: BTreeSet<_> = ours.iter().map(|message| message.id.clone()).collect();
    let to: BTreeSet<_> = ours.iter().map(|message| message.to.clone()).collect();
    assert_eq!((ours.len(), ids.len(), to.len()), (60, 60, 60));
    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
    for message in &ours {
        let answer = app
            .confirm("/email/verify-confirm", &token_of(message))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// One of everything that writes, for the account `name`.
async fn storm(app: &MailApp<MailAuth>, name: &str, mail: &[&CaptureMailer]) -> Vec<Answer> {
    let client = app.client();
    let address = json!({ "email": format!("{name}@example.com") });
    let mut browser = client.clone().from(&fresh_address());
    browser.login(name, PASSWORD).await;
    let mut requests = JoinSet::new();
    for path in ["/password/reset-request", "/email/verify-request"] {
        requests.spawn(post(&client, path, address.clone()));
    }
    let to = json!({ "new_email": format!("{name}-next@example.com"), "password": PASSWORD });
    requests.spawn(post(&browser, "/email/change-request", to));
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    requests.spawn(post(&browser, "/change-password", change));
    requests.spawn(post(&browser, "/logout-all", json!({})));
    for password in [PASSWORD, NEW] {
        let (mut thief, name) = (client.clone().from(&fresh_address()), name.to_owned());
        requests.spawn(async move { thief.login(&name, password).await });
    }
    // Every link that this account has been sent so far, at its own door.
    for message in mail.iter().flat_map(|mail| mail.messages()) {
        if !message.to.starts_with(name) || message.context.link.is_none() {
            continue;
        }
        let token = token_of(&message);
        let body = json!({ "token": token });
        requests.spawn(match message.kind() {
            MessageKind::VerifyEmail => post(&client, "/email/verify-confirm", body),
            MessageKind::ChangeEmail => post(&client, "/email/change-confirm", body),
            MessageKind::EmailChanged => post(&client, "/email/change-undo", body),
            _ => {
                let body = json!({ "token": token, "new_password": PASSWORD });
                post(&client, "/password/reset-confirm", body)
            }
        });
    }
    requests.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_155_everything_at_once_is_never_a_deadlock() {
    let app = mail_app().await;
    let (other, other_mail) = second(&app).await;
    let mail = [&app.mail, &other_mail];
    app.register_all(&["ada", "bob"]).await;
    for round in 0..30 {
        let owner = app.auth.users().find_by_username("ada").await.unwrap();
        let (auth, ada) = (app.auth.clone(), owner.map(|user| user.id));
        let administrator = tokio::spawn(async move {
            auth.sessions().sweep().await?;
            if let Some(id) = ada {
                auth.users().disable(&id).await?;
                auth.users().enable(&id).await?;
                auth.users().unlock(&id).await?;
                if round % 4 == 3 {
                    auth.users().delete(&id).await?;
                }
            }
            auth.run_due().await
        });
        let worker = other.clone();
        let worker = tokio::spawn(async move { worker.run_due().await });
        let (ada, bob) = tokio::join!(storm(&app, "ada", &mail), storm(&app, "bob", &mail));
        administrator.await.unwrap().unwrap();
        worker.await.unwrap().unwrap();
        for answer in ada.into_iter().chain(bob) {
            assert!(
                answer.status.as_u16() < 500,
                "{}: {}",
                answer.status,
                answer.text
            );
        }
        if round % 4 == 3 {
            app.register_all(&["ada"]).await;
        }
        for orphans in ["auth_sessions", "auth_tokens", "auth_usernames"] {
            let orphans = format!(
                "SELECT count(*) FROM {orphans} WHERE user_id NOT IN (SELECT id FROM users)"
            );
            assert_eq!(app.db.count(orphans).await, 0);
        }
    }
}

impl MailApp<MailAuth> {
    async fn register_all(&self, names: &[&str]) {
        for name in names {
            let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
            let answer = post(&self.client(), "/register", body).await;
            assert_eq!(answer.status, 202, "{}", answer.text);
        }
    }
}
