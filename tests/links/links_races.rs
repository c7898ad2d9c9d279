//! Fifty at once with one token, and flows that meet: of what excludes each other one thing happens, and whole.

use std::sync::{Arc, Mutex};

use crudauth::auth;
use crudauth::hooks::{AccountEvent, EmailChanged, HookResult, Hooks};
use crudauth::mail::MessageKind;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::mailed;
use crate::mailed::MailApp;
use crate::support::{Answer, Client, PASSWORD, User, fresh_address};

const NEW: &str = "another fine passphrase";
const THIRD: &str = "a third one, of the thief";

/// Which hooks were called.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<Vec<&'static str>>>);

impl Told {
    fn note(&self, hook: &'static str) -> std::future::Ready<HookResult> {
        self.0.lock().unwrap().push(hook);
        std::future::ready(Ok(()))
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Hooks<User> for Told {
    async fn after_recovery_verified(&self, _: &AccountEvent<i64>) -> HookResult {
        self.note("verified").await
    }
    async fn after_password_reset(&self, _: &AccountEvent<i64>) -> HookResult {
        self.note("reset").await
    }
    async fn after_email_changed(&self, event: &EmailChanged<i64>) -> HookResult {
        self.note(if event.undone { "undone" } else { "moved" })
            .await
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[hooks(Told)]
    #[session(management)]
    #[email(frontend_url = "https://app.example.com")]
    pub struct Counted<User>;
}

struct Stage {
    app: MailApp<Counted>,
    told: Told,
}

async fn stage() -> Stage {
    let told = Told::default();
    let app = mailed!(Counted, 5, hooks(told.clone()));
    Stage { app, told }
}

/// Runs all of them at once, on all cores.
async fn together(
    requests: impl IntoIterator<Item = impl Future<Output = Answer> + Send + 'static>,
) -> Vec<Answer> {
    let mut set = JoinSet::new();
    for request in requests {
        set.spawn(request);
    }
    set.join_all().await
}

fn post(client: &Client, path: &'static str, body: Value) -> impl Future<Output = Answer> + use<> {
    let client = client.clone().from(&fresh_address());
    async move { client.post_json(path, &body).await }
}

/// Fifty posts at once: one succeeds, and the others are told that the link is spent or dead.
async fn one_of_fifty(app: &MailApp<Counted>, path: &'static str, body: impl Fn(usize) -> Value) {
    let client = app.client();
    let answers = together((0..50).map(|turn| post(&client, path, body(turn)))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers
        .iter()
        .map(|answer| (answer.status.as_u16(), answer.code()))
        .partition(|(status, _)| *status == 200);
    assert_eq!(done.len(), 1, "{refused:?}");
    for (status, code) in refused {
        assert_eq!(status, 400, "{code}");
        assert!(code == "link_used" || code == "link_dead", "{code}");
    }
}

fn mails(app: &MailApp<Counted>, kind: MessageKind) -> usize {
    let messages = app.mail.messages();
    messages.iter().filter(|mail| mail.kind() == kind).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_090_of_fifty_that_verify_at_once_one_does() {
    let Stage { app, told } = stage().await;
    app.sign_up("ada").await;
    let token = app.token(MessageKind::VerifyEmail, "ada");

    one_of_fifty(&app, "/email/verify-confirm", |_| json!({ "token": token })).await;

    assert_eq!(told.take(), ["verified"]);
    assert_eq!(
        app.count("SELECT count(*) FROM users WHERE email_verified")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_090_of_fifty_new_passwords_by_one_link_one_is_set() {
    let Stage { app, told } = stage().await;
    app.verified("ada").await;
    let ada = app.signed_in("ada").await;
    let token = app.reset_token("ada").await;
    told.take();

    one_of_fifty(
        &app,
        "/password/reset-confirm",
        |turn| json!({ "token": token, "new_password": format!("{NEW} {}", turn % 2) }),
    )
    .await;
    app.deliver().await;

    assert_eq!(told.take(), ["reset"]);
    assert_eq!(mails(&app, MessageKind::PasswordChanged), 1);
    assert_eq!(ada.get("/me").await.status, 401);
    let mut works = Vec::new();
    for password in [format!("{NEW} 0"), format!("{NEW} 1"), PASSWORD.to_owned()] {
        let mut client = app.client().from(&fresh_address());
        works.push(client.login("ada", &password).await.status == 200);
    }
    assert!(
        works == [true, false, false] || works == [false, true, false],
        "{works:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_090_of_fifty_moves_and_of_fifty_ways_back_one_happens() {
    let Stage { app, told } = stage().await;
    app.verified("ada").await;
    let ada = app.signed_in("ada").await;
    app.move_to(&ada, "eve").await;
    let token = app.token(MessageKind::ChangeEmail, "eve");
    told.take();

    one_of_fifty(&app, "/email/change-confirm", |_| json!({ "token": token })).await;
    app.deliver().await;

    assert_eq!(told.take(), ["moved"]);
    assert_eq!(mails(&app, MessageKind::EmailChanged), 1);
    let ways_back = "SELECT count(*) FROM auth_tokens WHERE kind = 'undo_email_change'";
    assert_eq!(app.count(ways_back).await, 1);
    assert_eq!(ada.get("/me").await.json()["email"], "eve@example.com");

    let token = app.token(MessageKind::EmailChanged, "ada");
    one_of_fifty(&app, "/email/change-undo", |_| json!({ "token": token })).await;

    assert_eq!(told.take(), ["undone"]);
    assert_eq!(ada.get("/me").await.status, 401);
    let back = "SELECT count(*) FROM users WHERE email = 'ada@example.com'";
    assert_eq!(app.count(back).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_050_of_a_reset_and_a_change_of_the_password_one_happens() {
    let Stage { app, .. } = stage().await;
    for round in 0..20 {
        let name = format!("ada{round}");
        app.verified(&name).await;
        let ada = app.signed_in(&name).await;
        let token = app.reset_token(&name).await;
        let reset = json!({ "token": token, "new_password": NEW });
        let change = json!({ "current_password": PASSWORD, "new_password": THIRD });
        let (reset, change) = tokio::join!(
            tokio::spawn(post(&app.client(), "/password/reset-confirm", reset)),
            tokio::spawn(post(&ada, "/change-password", change)),
        );
        let (reset, change) = (reset.unwrap(), change.unwrap());

        let outcome = (reset.status.as_u16(), change.status.as_u16());
        let ours = match outcome {
            (200, 401) => NEW,
            (400, 200) => THIRD,
            _ => panic!("{outcome:?}: {} {}", reset.text, change.text),
        };
        for password in [NEW, THIRD] {
            let mut client = app.client().from(&fresh_address());
            let status = client.login(&name, password).await.status;
            assert_eq!(status == 200, password == ours, "{outcome:?}");
        }
        // The session that changed it lives; a reset ends them all.
        let session = if ours == NEW { 401 } else { 200 };
        assert_eq!(ada.get("/me").await.status, session);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_093_no_sign_in_that_meets_a_reset_leaves_a_session() {
    let Stage { app, .. } = stage().await;
    for round in 0..20 {
        let name = format!("ada{round}");
        app.verified(&name).await;
        let token = app.reset_token(&name).await;
        let mut thieves = JoinSet::new();
        for _ in 0..3 {
            let (mut thief, name) = (app.client().from(&fresh_address()), name.clone());
            thieves.spawn(async move {
                thief.login(&name, PASSWORD).await;
                thief
            });
        }
        let answer = app.reset(&token, NEW).await;
        assert_eq!(answer.status, 200, "{}", answer.text);

        for thief in thieves.join_all().await {
            assert_eq!(thief.get("/me").await.status, 401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_097_an_address_that_is_moved_to_and_registered_at_once_has_one_owner() {
    let Stage { app, .. } = stage().await;
    let mut tokens = Vec::new();
    for pair in 0..20 {
        let name = format!("ada{pair}");
        app.verified(&name).await;
        let ada = app.signed_in(&name).await;
        app.move_to(&ada, &format!("new{pair}")).await;
        tokens.push(app.token(MessageKind::ChangeEmail, &format!("new{pair}")));
    }

    let client = app.client();
    let mut pairs = JoinSet::new();
    for (pair, token) in tokens.iter().cloned().enumerate() {
        let register = json!({
            "email": format!("new{pair}@example.com"), "username": format!("new{pair}"), "password": PASSWORD,
        });
        let register = post(&client, "/register", register);
        let confirm = post(&client, "/email/change-confirm", json!({ "token": token }));
        pairs.spawn(async move {
            let (register, confirm) = (tokio::spawn(register), tokio::spawn(confirm));
            (pair, register.await.unwrap(), confirm.await.unwrap())
        });
    }
    for (pair, register, confirm) in pairs.join_all().await {
        assert_eq!(register.status, 202, "{}", register.text);
        let owner = "SELECT username FROM users WHERE email = $1";
        let address = format!("new{pair}@example.com");
        let owners: Vec<String> = app.db.query(owner).bind(address).scalars().await;
        if confirm.status == 200 {
            assert_eq!(owners, [format!("ada{pair}")]);
        } else {
            assert_eq!(
                (confirm.status.as_u16(), confirm.code().as_str()),
                (422, "email_in_use")
            );
            assert_eq!(owners, [format!("new{pair}")]);
            let again = app.confirm("/email/change-confirm", &tokens[pair]).await;
            assert_eq!(again.code(), "email_in_use", "the token is not spent");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_088_a_link_sent_to_one_address_never_moves_the_account_to_another() {
    let Stage { app, .. } = stage().await;
    for round in 0..10 {
        let name = format!("ada{round}");
        app.verified(&name).await;
        let ada = app.signed_in(&name).await;
        let addresses = [format!("one{round}"), format!("two{round}")];
        let asked = addresses.clone().map(|to| {
            let body = json!({ "new_email": format!("{to}@example.com"), "password": PASSWORD });
            post(&ada, "/email/change-request", body)
        });
        for answer in together(asked).await {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        app.deliver().await;

        let mut mailed = Vec::new();
        for to in &addresses {
            if app.message(MessageKind::ChangeEmail, to).is_some() {
                mailed.push((to, app.token(MessageKind::ChangeEmail, to)));
            }
        }
        let client = app.client();
        let confirmed = mailed.iter().map(|(to, token)| {
            let answer = post(&client, "/email/change-confirm", json!({ "token": token }));
            let to = format!("{to}@example.com");
            async move {
                let mut answer = answer.await;
                answer.text = to;
                answer
            }
        });
        let mut confirmed = together(confirmed).await;
        confirmed.retain(|answer| answer.status == 200);
        let [moved] = &confirmed[..] else {
            panic!("{confirmed:?}");
        };
        assert_eq!(ada.get("/me").await.json()["email"], moved.text);
    }
}
