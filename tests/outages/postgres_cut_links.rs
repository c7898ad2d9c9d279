//! A connection to PostgreSQL that is cut at every step of the protocol, in each flow of links and messages (SEC-148).
//!
//! The step is counted in messages, as in `postgres_cut.rs`.

use std::time::Duration;

use crudauth::mail::MessageKind;
use crudauth::testing::{CaptureMailer, Clock, TestBuilder};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::mailed::{MailApp, MailAuth, token_of};
use crate::proxy::{Cut, Proxy};
use crate::support::{
    Answer, Client, Custom, Db, PASSWORD, SECRET, TempDb, User, fresh_address, pool,
};

const NEW: &str = "another fine passphrase";

/// The application, whose authority goes past the proxy.
struct Behind {
    app: MailApp<MailAuth>,
    proxy: Proxy,
    pool: PgPool,
}

impl Behind {
    async fn start() -> Self {
        let file = TempDb::postgres();
        let proxy = Proxy::before(&file.url()).await;
        let pool = PgPool::connect(&proxy.url(&file.url())).await.unwrap();
        let db = self::pool(&file.url(), 2).await;
        db.run(User::create_table_sql(db.dialect())).await;
        let (mail, clock) = (CaptureMailer::new(), Clock::manual());
        let auth = MailAuth::builder(Db::Postgres(pool.clone()))
            .secret(SECRET)
            .clock(clock.clone())
            .mailer(mail.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let router = auth.router();
        let app = Custom {
            auth,
            clock,
            db,
            router,
            file,
        };
        Self {
            app: MailApp { app, mail },
            proxy,
            pool,
        }
    }

    /// Until nobody uses a connection.
    async fn is_idle(&self) {
        while self.pool.num_idle() < self.pool.size() as usize {
            tokio::task::yield_now().await;
        }
    }
}

/// What is posted, and from which browser.
struct Asked {
    client: Client,
    path: &'static str,
    body: Value,
}

fn asked(app: &MailApp<MailAuth>, path: &'static str, body: Value) -> Asked {
    let client = app.client().from(&fresh_address());
    Asked { client, path, body }
}

fn unavailable(when: &str, answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (503, "unavailable"),
        "{when}: {}",
        answer.text
    );
    assert!(answer.header("retry-after").is_some(), "{when}");
}

async fn sound(app: &MailApp<MailAuth>, when: &str) {
    for (what, sql) in [
        (
            "a link has no account",
            "SELECT count(*) FROM auth_tokens WHERE user_id NOT IN (SELECT id FROM users)",
        ),
        (
            "a message that is ready has no link",
            "SELECT count(*) FROM auth_outbox WHERE recipient IS NOT NULL AND link NOT IN (SELECT id FROM auth_tokens)",
        ),
        (
            "a proof is spent and nothing proven",
            "SELECT count(*) FROM auth_tokens t JOIN users u ON u.id = t.user_id
             WHERE t.kind = 'verify' AND t.used_at IS NOT NULL AND NOT u.email_verified",
        ),
        (
            "a change is spent and nobody moved",
            "SELECT count(*) FROM auth_tokens t JOIN users u ON u.id = t.user_id
             WHERE t.kind = 'change_email' AND (t.used_at IS NULL) = (u.email = t.address)",
        ),
        (
            "a change is taken back and nobody moved",
            "SELECT count(*) FROM auth_tokens t JOIN users u ON u.id = t.user_id
             WHERE t.kind = 'undo_email_change' AND (t.used_at IS NULL) = (u.email = t.address)",
        ),
    ] {
        assert_eq!(app.count(sql).await, 0, "{what}: {when}");
    }
}

/// What a count of messages means.
type Way = (&'static str, fn(usize) -> Cut);

/// Cuts what `make` gives for an account of its own at one step after the other, and `check`s what was left.
async fn at_every_step(
    make: impl AsyncFn(&MailApp<MailAuth>, &str) -> Asked,
    check: impl AsyncFn(&MailApp<MailAuth>, &str, Asked, &Answer),
) {
    let behind = Behind::start().await;
    let app = &behind.app;
    let ways: [Way; 2] = [("request", Cut::AfterRequests), ("answer", Cut::InAnswer)];
    for (way, step) in ways {
        let (mut refused, mut completed) = (0, 0);
        for messages in 0..500 {
            let name = format!("{way}{messages}");
            let asked = make(app, &name).await;
            behind.is_idle().await;
            behind.proxy.cut(step(messages));
            let answer = asked.client.post_json(asked.path, &asked.body).await;
            let cut = behind.proxy.was_cut();
            let when = format!(
                "{} {way} {messages}, answered {}",
                asked.path, answer.status
            );
            if answer.status.is_success() {
                completed += usize::from(!cut);
            } else {
                assert!(cut, "{when}: {}", answer.text);
                unavailable(&when, &answer);
                refused += 1;
            }
            sound(app, &when).await;
            check(app, &name, asked, &answer).await;
            sound(app, &when).await;
            app.db
                .run("DELETE FROM auth_attempts; DELETE FROM auth_limits")
                .await;
            if completed == 3 {
                break;
            }
        }
        assert!(
            completed == 3 && refused > 3,
            "{way}: {completed} completed, {refused} refused"
        );
    }
}

/// Posts the same once more, as a client does that was told nothing: it happens now, or it has happened.
async fn once_more(app: &MailApp<MailAuth>, asked: &Asked, first: &Answer) {
    let again = asked.client.post_json(asked.path, &asked.body).await;
    let expected: &[u16] = if first.status == 200 {
        &[400]
    } else {
        &[200, 400]
    };
    assert!(
        expected.contains(&again.status.as_u16()),
        "{}: {}",
        asked.path,
        again.text
    );
    app.deliver().await;
}

#[tokio::test]
async fn sec_148_a_request_that_is_cut_leaves_its_row_or_nothing() {
    for (path, kind) in [
        ("/email/verify-request", MessageKind::VerifyEmail),
        ("/password/reset-request", MessageKind::ResetPassword),
    ] {
        at_every_step(
            async |app, name| {
                app.sign_up(name).await;
                drop(app.mail.take());
                asked(app, path, json!({ "email": format!("{name}@example.com") }))
            },
            async |app, name, asked, answer| {
                app.deliver().await;
                let sent = app.message(kind, name).is_some();
                assert!(
                    sent || answer.status == 503,
                    "{name}: promised, and not sent"
                );
                let again = asked.client.post_json(path, &asked.body).await;
                assert_eq!(again.status, 200, "{}", again.text);
                app.deliver().await;
                assert!(app.message(kind, name).is_some(), "{name}");
            },
        )
        .await;
    }
}

#[tokio::test]
async fn sec_148_a_proof_that_is_cut_is_given_or_not() {
    at_every_step(
        async |app, name| {
            app.sign_up(name).await;
            let token = app.token(MessageKind::VerifyEmail, name);
            asked(app, "/email/verify-confirm", json!({ "token": token }))
        },
        async |app, name, asked, answer| {
            once_more(app, &asked, answer).await;
            let user = app.auth.users().find_by_username(name).await.unwrap();
            assert!(user.unwrap().email_verified);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_reset_that_is_cut_is_whole_or_nothing() {
    let session = std::cell::RefCell::new(None);
    at_every_step(
        async |app, name| {
            app.verified(name).await;
            session.replace(Some(app.signed_in(name).await));
            let body = json!({ "token": app.reset_token(name).await, "new_password": NEW });
            asked(app, "/password/reset-confirm", body)
        },
        async |app, name, asked, answer| {
            let session = session.take().unwrap();
            let over = session.get("/me").await.status == 401;
            let new = app.client().from(&fresh_address()).login(name, NEW).await.status == 200;
            assert_eq!(new, over, "{name}: a new password and the end of every session, or neither");
            let spent = "SELECT count(*) FROM auth_tokens t JOIN users u ON u.id = t.user_id
                         WHERE u.username = $1 AND t.kind = 'reset_password' AND t.used_at IS NOT NULL";
            let spent: i64 = app.db.query(spent).bind(name).scalar().await;
            assert_eq!(spent == 1, new, "{name}");
            once_more(app, &asked, answer).await;
            assert_eq!(session.get("/me").await.status, 401);
            assert_eq!(app.client().from(&fresh_address()).login(name, NEW).await.status, 200);
            let told = app.mail.messages().into_iter().filter(|mail| {
                mail.kind() == MessageKind::PasswordChanged && mail.to == format!("{name}@example.com")
            });
            assert_eq!(told.count(), 1, "{name}");
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_move_that_is_cut_is_whole_or_nothing_and_so_is_the_way_back() {
    let to = |name: &str| format!("{name}-next");
    at_every_step(
        async |app, name| {
            app.verified(name).await;
            let browser = app.signed_in(name).await;
            app.move_to(&browser, &to(name)).await;
            let token = app.token(MessageKind::ChangeEmail, &to(name));
            asked(app, "/email/change-confirm", json!({ "token": token }))
        },
        async |app, name, asked, answer| {
            once_more(app, &asked, answer).await;
            let back = app.token(MessageKind::EmailChanged, name);
            let answer = app.confirm("/email/change-undo", &back).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        },
    )
    .await;
    at_every_step(
        async |app, name| {
            app.verified(name).await;
            let browser = app.signed_in(name).await;
            app.move_to(&browser, &to(name)).await;
            let token = app.token(MessageKind::ChangeEmail, &to(name));
            assert_eq!(
                app.confirm("/email/change-confirm", &token).await.status,
                200
            );
            app.deliver().await;
            let token = app.token(MessageKind::EmailChanged, name);
            asked(app, "/email/change-undo", json!({ "token": token }))
        },
        async |app, name, asked, answer| {
            once_more(app, &asked, answer).await;
            let mut owner = app.client().from(&fresh_address());
            let answer = owner.login(&format!("{name}@example.com"), PASSWORD).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_asking_for_a_move_works_in_the_end() {
    at_every_step(
        async |app, name| {
            app.verified(name).await;
            let client = app.signed_in(name).await.from(&fresh_address());
            let body =
                json!({ "new_email": format!("{name}-next@example.com"), "password": PASSWORD });
            Asked {
                client,
                path: "/email/change-request",
                body,
            }
        },
        async |app, name, asked, _| {
            let again = asked.client.post_json(asked.path, &asked.body).await;
            assert_eq!(again.status, 200, "{}", again.text);
            app.deliver().await;
            let token = app.token(MessageKind::ChangeEmail, &format!("{name}-next"));
            assert_eq!(
                app.confirm("/email/change-confirm", &token).await.status,
                200
            );
            app.deliver().await;
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_delivery_that_is_cut_is_made_up_for_and_its_link_works() {
    let behind = Behind::start().await;
    let app = &behind.app;
    let ways: [fn(usize) -> Cut; 2] = [Cut::AfterRequests, Cut::InAnswer];
    for (way, step) in ways.into_iter().enumerate() {
        let mut completed = 0;
        for messages in 0..500 {
            let name = format!("u{way}x{messages}");
            let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
            let client = app.client().from(&fresh_address());
            assert_eq!(client.post_json("/register", &body).await.status, 202);
            behind.is_idle().await;
            behind.proxy.cut(step(messages));
            let _ = app.auth.run_due().await;
            completed += usize::from(!behind.proxy.was_cut());
            sound(app, &name).await;
            app.clock.advance(Duration::from_mins(2));
            app.deliver().await;

            let mut sent = app.mail.take();
            sent.dedup_by(|one, other| {
                one.id == other.id && one.context.link == other.context.link
            });
            let [message] = &sent[..] else {
                panic!("{name}: {sent:?}")
            };
            let answer = app
                .confirm("/email/verify-confirm", &token_of(message))
                .await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
            assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
            if completed == 3 {
                break;
            }
        }
        assert_eq!(completed, 3);
    }
}
