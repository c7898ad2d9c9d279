//! Refresh families in the store: who may have one, and what ends it.

use std::time::Duration;

use crudauth::__private::{Authority, IntoStore};
use crudauth::mail::MessageKind;
use crudauth::{AuthUser, PasswordHash, auth};
use crudauth_runtime::policy::LockoutPolicy;
use crudauth_runtime::store::{Buckets, NewFamily, Reservation};
use serde_json::json;
use uuid::Uuid;

use crate::custom;
use crate::families::{MONTH, SECOND, count, epoch, family, open, set_password, store};
use crate::mailed;
use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Auth, Client, Db, PASSWORD, TestApp, User};

auth! {
    #[database(sqlite, postgres)]
    #[email(frontend_url = "https://app.example.com", evict_on_change)]
    pub struct Evicting<User>;
}

const NEW: &str = "another fine passphrase";

#[tokio::test]
async fn a_family_is_what_was_opened_and_comes_with_its_account() {
    let app = TestApp::start().await;
    let (store, now) = (store::<Auth>(&app.db), app.clock.now());
    let ada = app.register("ada").await;
    open(&*store, "one", ada, now).await;

    let (row, account) = store.family("one").await.unwrap().unwrap();
    assert_eq!((row.generation, row.secret), (0, [1; 32]));
    assert_eq!(row.token_version, epoch(&*store, ada).await);
    assert_eq!(row.scopes, "read reports:read");
    assert_eq!((row.created_at, row.rotated_at), (now, now));
    assert_eq!(row.expires_at, now.plus(MONTH));
    assert_eq!((account.id, account.username.as_str()), (ada, "ada"));
    assert_eq!(store.by_family("one", now).await.unwrap().unwrap().id, ada);
    assert!(store.family("another").await.unwrap().is_none());
    assert!(store.by_family("another", now).await.unwrap().is_none());
}

#[tokio::test]
async fn sec_050_the_account_is_asked_again_when_a_family_opens() {
    let app = TestApp::start().await;
    let (store, now) = (store::<Auth>(&app.db), app.clock.now());
    let ada = app.register("ada").await;
    let version = epoch(&*store, ada).await;
    let buckets = Buckets {
        address: [2; 32],
        account: [3; 32],
        pair: [4; 32],
        device: None,
    };
    let reserved = store.reserve(&buckets, &LockoutPolicy::DEFAULT, now).await;
    assert_eq!(reserved.unwrap(), Reservation::Granted);
    let opened = async |user: i64, version: i64| {
        let new = NewFamily {
            code: None,
            attempt: Some(&buckets),
            ..family("one", &user, version, now)
        };
        store.open_family(new).await.unwrap()
    };
    let pending = async || {
        app.count("SELECT CAST(sum(pending) AS BIGINT) FROM auth_attempts")
            .await
    };

    assert!(!opened(ada, version + 1).await, "another epoch");
    assert!(!opened(ada + 1, version).await, "no account");
    app.auth.users().disable(&ada).await.unwrap();
    assert!(!opened(ada, version).await, "disabled");
    assert_eq!(count(&app.db, ada).await, 0);
    assert_eq!(pending().await, 3, "the attempt is still to be settled");

    app.auth.users().enable(&ada).await.unwrap();
    assert!(opened(ada, version).await);
    assert_eq!(count(&app.db, ada).await, 1);
    assert_eq!(pending().await, 0);
}

#[tokio::test]
async fn a_family_that_has_expired_is_not_rotated_and_is_swept() {
    let app = TestApp::start().await;
    let (store, now) = (store::<Auth>(&app.db), app.clock.now());
    let ada = app.register("ada").await;
    open(&*store, "old", ada, now).await;
    open(&*store, "young", ada, now.plus(SECOND)).await;

    let end = now.plus(MONTH);
    assert!(
        store
            .rotate("old", 0, &[5; 32], end.minus(Duration::from_micros(1)))
            .await
            .unwrap()
    );
    assert!(!store.rotate("old", 1, &[6; 32], end).await.unwrap());
    assert!(
        store.family("old").await.unwrap().is_some(),
        "the flow judges"
    );
    assert!(store.rotate("young", 0, &[5; 32], end).await.unwrap());

    store.sweep(end, 100).await.unwrap();
    assert!(store.family("old").await.unwrap().is_none());
    assert!(store.family("young").await.unwrap().is_some());
}

#[tokio::test]
async fn a_family_that_has_ended_is_gone_for_good() {
    let app = TestApp::start().await;
    let (store, now) = (store::<Auth>(&app.db), app.clock.now());
    let (ada, bob) = (app.register("ada").await, app.register("bob").await);
    for (id, user) in [("one", ada), ("two", ada), ("three", ada), ("bobs", bob)] {
        open(&*store, id, user, now).await;
    }
    let ended = async |id: &'static str, user: Option<i64>| {
        store.end_family(id, user.as_ref()).await.unwrap()
    };

    assert!(!ended("one", Some(bob)).await, "somebody else's");
    assert!(!ended("none", None).await);
    assert!(ended("one", Some(ada)).await && !ended("one", Some(ada)).await);
    assert!(ended("two", None).await && !ended("two", None).await);
    for id in ["one", "two"] {
        assert!(store.by_family(id, now).await.unwrap().is_none());
        assert!(!store.rotate(id, 0, &[7; 32], now).await.unwrap());
        assert!(store.family(id).await.unwrap().is_none());
    }

    open(&*store, "expired", ada, now.minus(MONTH)).await;
    assert_eq!(
        store.end_families(&ada, now).await.unwrap(),
        1,
        "the live one"
    );
    assert_eq!(count(&app.db, ada).await, 0);
    assert_eq!(store.end_families(&ada, now).await.unwrap(), 0);
    assert_eq!(count(&app.db, bob).await, 1);
}

/// `name`, proven, signed in twice and with two families. What ends only sessions ends the other one of the two.
struct Cast {
    id: i64,
    name: String,
    owner: Client,
    other: Client,
}

impl Cast {
    async fn of<A: Authority<User = User>>(app: &MailApp<A>, name: &str) -> Self
    where
        Db: IntoStore<A>,
    {
        app.verified(name).await;
        let id = "SELECT id FROM users WHERE username = $1";
        let id = app.db.query(id).bind(name.to_owned()).scalar().await;
        let store = store::<A>(&app.db);
        for number in 0..2 {
            open(&*store, &format!("{name}{number}"), id, app.clock.now()).await;
        }
        Self {
            id,
            name: name.to_owned(),
            owner: app.signed_in(name).await,
            other: app.signed_in(name).await,
        }
    }

    /// The link that moves the account to another address.
    async fn change<A: Authority>(&self, app: &MailApp<A>) -> String {
        let to = format!("{}2", self.name);
        assert_eq!(app.move_to(&self.owner, &to).await.status, 200);
        app.token(MessageKind::ChangeEmail, &to)
    }
}

const ENDING: [&str; 11] = [
    "change-password",
    "set_password",
    "password/reset-confirm",
    "email/change-undo",
    "email/change-confirm",
    "disable",
    "delete",
    "logout-all",
    "logout-all?keep_current=true",
    "revoke_all",
    "end_families",
];

#[tokio::test]
async fn sec_050_what_ends_an_accounts_sessions_ends_its_families() {
    let app = mail_app().await;
    let evicting = mailed!(Evicting);
    let bob = Cast::of(&app, "bob").await;
    for (number, how) in ENDING.into_iter().enumerate() {
        let name = format!("user{number}");
        let (users, store) = (app.auth.users(), store::<MailAuth>(&app.db));
        if how == "email/change-confirm" {
            let cast = Cast::of(&evicting, &name).await;
            let token = cast.change(&evicting).await;
            assert_eq!(count(&evicting.db, cast.id).await, 2);
            assert_eq!(
                evicting
                    .confirm("/email/change-confirm", &token)
                    .await
                    .status,
                200
            );
            assert_eq!(count(&evicting.db, cast.id).await, 0, "{how}");
            continue;
        }
        let cast = Cast::of(&app, &name).await;
        let post = async |path: &str, body| {
            let answer = cast.owner.post_json(path, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.json()
        };
        match how {
            "change-password" => {
                let body = json!({ "current_password": PASSWORD, "new_password": NEW });
                post("/change-password", body).await;
            }
            "set_password" => assert!(set_password(&*store, cast.id, true).await),
            "password/reset-confirm" => {
                let token = app.reset_token(&name).await;
                assert_eq!(count(&app.db, cast.id).await, 2, "asking is nothing");
                assert_eq!(app.reset(&token, NEW).await.status, 200);
            }
            "email/change-undo" => {
                let token = cast.change(&app).await;
                assert_eq!(
                    app.confirm("/email/change-confirm", &token).await.status,
                    200
                );
                assert_eq!(count(&app.db, cast.id).await, 2, "the change evicts nobody");
                app.deliver().await;
                let token = app.token(MessageKind::EmailChanged, &name);
                assert_eq!(app.confirm("/email/change-undo", &token).await.status, 200);
            }
            "disable" => assert!(users.disable(&cast.id).await.unwrap()),
            "delete" => assert!(users.delete(&cast.id).await.unwrap()),
            "logout-all" => assert_eq!(post("/logout-all", json!({})).await["revoked"], 2),
            "logout-all?keep_current=true" => {
                let told = post("/logout-all?keep_current=true", json!({})).await;
                assert_eq!(told["revoked"], 1);
                assert_eq!(cast.owner.get("/me").await.status, 200);
            }
            "revoke_all" => {
                assert_eq!(app.auth.sessions().revoke_all(&cast.id).await.unwrap(), 2);
            }
            _ => {
                let ended = store.end_families(&cast.id, app.clock.now()).await;
                assert_eq!(ended.unwrap(), 2);
                assert_eq!(cast.other.get("/me").await.status, 200, "sessions stay");
            }
        }
        assert_eq!(count(&app.db, cast.id).await, 0, "{how}");
        assert_eq!(count(&app.db, bob.id).await, 2, "{how}: nobody else's");
    }
}

#[tokio::test]
async fn what_ends_one_session_or_none_leaves_the_families() {
    let app = mail_app().await;
    let Cast {
        id, owner, other, ..
    } = Cast::of(&app, "ada").await;
    let store = store::<MailAuth>(&app.db);

    assert_eq!(other.post("/logout").await.status, 200);
    let listed = owner.get("/sessions").await.json();
    let handle = listed[0]["id"].as_str().unwrap();
    assert_eq!(
        owner.delete(&format!("/sessions/{handle}")).await.status,
        200
    );
    app.auth.users().set_verified(&id, false).await.unwrap();
    app.auth.users().grant_superuser(&id).await.unwrap();
    app.auth.users().revoke_superuser(&id).await.unwrap();
    app.auth.users().enable(&id).await.unwrap();
    assert!(set_password(&*store, id, false).await);
    assert_eq!(count(&app.db, id).await, 2);
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "people")]
struct Bare {
    id: Uuid,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite, postgres)]
    struct BareAuth<Bare>;
}

#[tokio::test]
async fn an_account_without_an_epoch_or_a_switch_has_families_too() {
    let app = custom!(BareAuth, 5, create_users_table(true));
    let client = app.client();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let ada = client.post_json("/register", &body).await.json()["id"].clone();
    let ada: Uuid = ada.as_str().unwrap().parse().unwrap();
    let (store, now) = (store::<BareAuth>(&app.db), app.clock.now());

    let opened = store.open_family(family("one", &ada, 7, now)).await;
    assert!(opened.unwrap());
    let none = store.open_family(family("two", &Uuid::nil(), 7, now)).await;
    assert!(!none.unwrap());
    let (row, account) = store.family("one").await.unwrap().unwrap();
    assert_eq!((row.token_version, account.id), (7, ada));
    assert_eq!(account.email, "ada@example.com");
    assert!(!store.end_family("one", Some(&Uuid::nil())).await.unwrap());
    assert!(store.end_family("one", Some(&ada)).await.unwrap());
}
