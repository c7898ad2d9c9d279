//! What ends a token before its time: each event against each credential, at every door (SEC-076; Pocket ID
//! CVE-2026-43983).

use std::collections::BTreeSet;

use axum::http::Method;
use crudauth::mail::MessageKind;
use crudauth::routing::{Router, get};
use crudauth::{Principal, auth, require};
use serde_json::json;

use crate::mailed;
use crate::mailed::MailApp;
use crate::support::{Answer, Client, FORM, JSON, PASSWORD, User, encode, fresh_address};
use crate::tokens::{Pair, me, refresh, send, token};

const NEW: &str = "another fine passphrase";

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"), revocation, introspection)]
    #[email(frontend_url = "https://app.example.com")]
    struct Whole<User>;
}

#[require(superuser)]
async fn admin(user: Principal<Whole>) -> String {
    user.id.to_string()
}

async fn whole() -> MailApp<Whole> {
    let mut app = mailed!(Whole);
    app.app.router = Router::new()
        .route("/admin", get(admin))
        .mount(&app.auth)
        .with_state(app.auth.clone())
        .into_axum();
    app.verified("root").await;
    let root = "UPDATE users SET is_superuser = TRUE WHERE username = 'root'";
    app.db.run(root).await;
    app
}

/// Everything that one person holds: two browsers, and two programs.
struct Held {
    id: i64,
    name: String,
    own: Client,
    other: Client,
    one: Pair,
    two: Pair,
}

impl Held {
    async fn by(app: &MailApp<Whole>, name: &str) -> Self {
        app.verified(name).await;
        let id = "SELECT id FROM users WHERE username = $1";
        let id = app.db.query(id).bind(name.to_owned()).scalar().await;
        let pair = async || Pair::of(&token(&app.client(), name, PASSWORD, "").await);
        Self {
            id,
            name: name.to_owned(),
            own: app.signed_in(name).await.from(&fresh_address()),
            other: app.signed_in(name).await,
            one: pair().await,
            two: pair().await,
        }
    }

    /// What of it still opens every door; no door may think otherwise than the others.
    async fn alive(&self, app: &MailApp<Whole>) -> BTreeSet<&'static str> {
        let root = Pair::of(&token(&app.client(), "root", PASSWORD, "").await).access;
        let mut alive = BTreeSet::new();
        for (name, browser) in [("own session", &self.own), ("other session", &self.other)] {
            let form = (FORM, "token=x");
            let doors = [
                browser.get("/me").await.status == 200,
                browser.get("/sessions").await.status == 200,
                browser
                    .post_body("/token/introspect", form.0, form.1)
                    .await
                    .status
                    == 200,
            ];
            agreed(name, &doors, &mut alive);
        }
        for (access, renewal, pair) in [
            ("access 1", "refresh 1", &self.one),
            ("access 2", "refresh 2", &self.two),
        ] {
            let told = me(&app.client(), &pair.access).await;
            assert!(told.status == 200 || told.code() == "not_authenticated");
            let asked = post(app, "/token/introspect", &pair.access, "x").await;
            let described = post(app, "/token/introspect", &root, &pair.access).await;
            let verified = app.auth.tokens().verify(&pair.access).await.unwrap();
            let doors = [
                told.status == 200,
                asked.status == 200,
                described.json()["active"] == true,
                verified.is_some(),
            ];
            agreed(access, &doors, &mut alive);
            let described = post(app, "/token/introspect", &root, &pair.refresh).await;
            let renewed = refresh(&app.client(), &pair.refresh).await;
            let again = app.auth.tokens().refresh(&pair.refresh).await.unwrap();
            let doors = [
                described.json()["active"] == true,
                renewed.status == 200,
                again.is_some(),
            ];
            agreed(renewal, &doors, &mut alive);
        }
        alive
    }
}

fn agreed(name: &'static str, doors: &[bool], alive: &mut BTreeSet<&'static str>) {
    assert!(
        doors.iter().all(|open| *open == doors[0]),
        "{name}: {doors:?}"
    );
    if doors[0] {
        alive.insert(name);
    }
}

/// Posts the form `token=…` under an access token.
async fn post(app: &MailApp<Whole>, path: &str, access: &str, token: &str) -> Answer {
    let form = format!("token={}", encode(token));
    send(
        &app.client(),
        Method::POST,
        path,
        access,
        Some((FORM, form)),
    )
    .await
}

const ALL: [&str; 6] = [
    "own session",
    "other session",
    "access 1",
    "refresh 1",
    "access 2",
    "refresh 2",
];
const NONE: [&str; 0] = [];
const SESSIONS: &[&str] = &["own session", "other session"];
const SECOND: &[&str] = &["own session", "other session", "access 2", "refresh 2"];
const OWN: &[&str] = &["own session"];

/// What happens, and what is left of it.
const EVENTS: &[(&str, &[&str])] = &[
    ("nothing", &ALL),
    ("set_verified", &ALL),
    ("demoted", &ALL),
    ("/change-password by session", OWN),
    ("/change-password by token", &NONE),
    ("/password/reset-confirm", &NONE),
    ("/email/change-undo", &NONE),
    ("disable", &NONE),
    ("disable and enable", &NONE),
    ("delete", &NONE),
    ("tokens().revoke", SECOND),
    ("/token/revoke by session", SECOND),
    ("/token/revoke by token", SECOND),
    ("/token/revoke of the access token", SECOND),
    ("tokens().revoke_all", SESSIONS),
    ("sessions().revoke_all", &NONE),
    ("/logout-all", &NONE),
    ("/logout-all?keep_current=true", OWN),
    (
        "/logout",
        &[
            "other session",
            "access 1",
            "refresh 1",
            "access 2",
            "refresh 2",
        ],
    ),
];

async fn happen(app: &MailApp<Whole>, held: &Held, event: &str) {
    let (users, tokens) = (app.auth.users(), app.auth.tokens());
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    let revoke = format!("token={}", held.one.refresh);
    let answer = match event {
        "/change-password by session" => held.own.post_json("/change-password", &change).await,
        "/change-password by token" => {
            let body = Some((JSON, change.to_string()));
            send(
                &app.client(),
                Method::POST,
                "/change-password",
                &held.one.access,
                body,
            )
            .await
        }
        "/password/reset-confirm" => {
            let token = app.reset_token(&held.name).await;
            app.reset(&token, NEW).await
        }
        "/email/change-undo" => {
            let to = format!("{}-next", held.name);
            app.move_to(&held.own, &to).await;
            let token = app.token(MessageKind::ChangeEmail, &to);
            assert_eq!(
                app.confirm("/email/change-confirm", &token).await.status,
                200
            );
            app.deliver().await;
            let token = app.token(MessageKind::EmailChanged, &held.name);
            app.confirm("/email/change-undo", &token).await
        }
        "/token/revoke by session" => held.own.post_body("/token/revoke", FORM, revoke).await,
        "/token/revoke by token" => {
            post(app, "/token/revoke", &held.two.access, &held.one.refresh).await
        }
        "/token/revoke of the access token" => {
            post(app, "/token/revoke", &held.one.access, &held.one.access).await
        }
        path if path.starts_with('/') => held.own.post(path).await,
        _ => {
            let id = &held.id;
            match event {
                "nothing" => {}
                "set_verified" => assert!(users.set_verified(id, false).await.unwrap()),
                "demoted" => {
                    assert!(users.grant_superuser(id).await.unwrap());
                    assert!(users.revoke_superuser(id).await.unwrap());
                }
                "disable" => assert!(users.disable(id).await.unwrap()),
                "disable and enable" => {
                    assert!(users.disable(id).await.unwrap());
                    assert!(users.enable(id).await.unwrap());
                }
                "delete" => assert!(users.delete(id).await.unwrap()),
                "tokens().revoke" => tokens.revoke(&held.one.refresh).await.unwrap(),
                "tokens().revoke_all" => assert_eq!(tokens.revoke_all(id).await.unwrap(), 2),
                "sessions().revoke_all" => {
                    assert_eq!(app.auth.sessions().revoke_all(id).await.unwrap(), 2);
                }
                other => panic!("{other}"),
            }
            return;
        }
    };
    assert_eq!(answer.status, 200, "{event}: {}", answer.text);
}

#[tokio::test]
async fn sec_076_what_ends_which_credential_at_every_door() {
    let app = whole().await;
    let bob = Held::by(&app, "bob").await;
    for (number, (event, left)) in EVENTS.iter().enumerate() {
        let held = Held::by(&app, &format!("user{number}")).await;
        happen(&app, &held, event).await;
        let alive = held.alive(&app).await;
        assert_eq!(alive, left.iter().copied().collect(), "{event}");
    }
    assert_eq!(bob.alive(&app).await, ALL.into(), "nobody else's");
}

/// A right that is taken away is gone from every credential with the next request.
#[tokio::test]
async fn sec_076_who_is_demoted_is_nobodys_superuser_any_more() {
    let app = whole().await;
    let held = Held::by(&app, "ada").await;
    let bob = Held::by(&app, "bob").await;
    for (change, allowed) in [("grant", true), ("revoke", false)] {
        let users = app.auth.users();
        assert!(match change {
            "grant" => users.grant_superuser(&held.id).await.unwrap(),
            _ => users.revoke_superuser(&held.id).await.unwrap(),
        });
        let client = app.client();
        let told = send(&client, Method::GET, "/admin", &held.one.access, None).await;
        assert_eq!(told.status, if allowed { 200 } else { 403 });
        assert_eq!(held.own.get("/admin").await.status, told.status);
        let renewed = Pair::of(&refresh(&client, &held.two.refresh).await);
        let told = send(&client, Method::GET, "/admin", &renewed.access, None).await;
        assert_eq!(told.status, if allowed { 200 } else { 403 });
        for token in [&bob.one.access, &bob.one.refresh] {
            let told = post(&app, "/token/introspect", &held.one.access, token).await;
            assert_eq!(told.json()["active"], allowed);
        }
    }
}
