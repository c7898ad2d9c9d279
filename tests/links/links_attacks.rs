//! Tokens where they do not belong, tokens that were changed, and tokens whose account has moved on.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::__private::Timestamp;
use crudauth::mail::MessageKind;
use serde_json::json;

use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Answer, Client, PASSWORD};

const NEW: &str = "another fine passphrase";
const THIRD: &str = "yet another passphrase";
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

const VERIFY: &str = "/email/verify-confirm";
const RESET: &str = "/password/reset-confirm";
const CHANGE: &str = "/email/change-confirm";
const UNDO: &str = "/email/change-undo";

/// An account with a live link of every kind.
struct Holder {
    name: String,
    id: i64,
    browser: Client,
    /// The door of each token, and the token.
    links: [(&'static str, String); 4],
}

impl Holder {
    async fn new(app: &MailApp<MailAuth>, name: &str) -> Self {
        app.verified(name).await;
        let browser = app.signed_in(name).await;
        let moved = format!("{name}-moved");
        app.move_to(&browser, &moved).await;
        let token = app.token(MessageKind::ChangeEmail, &moved);
        assert_eq!(app.confirm(CHANGE, &token).await.status, 200);
        app.deliver().await;
        let user = app
            .auth
            .users()
            .find_by_username(name)
            .await
            .unwrap()
            .unwrap();
        app.auth
            .users()
            .set_verified(&user.id, false)
            .await
            .unwrap();

        app.ask("/email/verify-request", &moved).await;
        app.ask("/password/reset-request", &moved).await;
        let next = format!("{name}-next");
        app.move_to(&browser, &next).await;
        let links = [
            (VERIFY, app.token(MessageKind::VerifyEmail, &moved)),
            (RESET, app.token(MessageKind::ResetPassword, &moved)),
            (CHANGE, app.token(MessageKind::ChangeEmail, &next)),
            (UNDO, app.token(MessageKind::EmailChanged, name)),
        ];
        let id = user.id;
        Self {
            name: name.to_owned(),
            id,
            browser,
            links,
        }
    }

    fn token(&self, door: &str) -> &str {
        let (_, token) = self.links.iter().find(|(own, _)| *own == door).unwrap();
        token
    }
}

/// Posts to the door of any link.
async fn knock(app: &MailApp<MailAuth>, door: &str, token: &str) -> Answer {
    if door == RESET {
        app.reset(token, NEW).await
    } else {
        app.confirm(door, token).await
    }
}

fn is_dead(what: &str, answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "link_dead"),
        "{what}"
    );
}

async fn untouched(app: &MailApp<MailAuth>) -> i64 {
    app.count("SELECT count(*) FROM auth_tokens WHERE used_at IS NULL AND guesses = 0")
        .await
}

#[tokio::test]
async fn sec_069_each_link_opens_its_own_door_only() {
    let app = mail_app().await;
    for (at, own) in [VERIFY, RESET, CHANGE, UNDO].into_iter().enumerate() {
        let holder = Holder::new(&app, &format!("ada{at}")).await;
        let before = untouched(&app).await;
        let token = holder.token(own);
        for door in [VERIFY, RESET, CHANGE, UNDO] {
            if door != own {
                is_dead(&format!("{own} at {door}"), &knock(&app, door, token).await);
            }
        }
        for cookie in ["session_id", "device_id"] {
            let mut thief = app.client();
            thief.cookies.insert(cookie.to_owned(), token.to_owned());
            assert_eq!(thief.get("/me").await.status, 401, "{own} as {cookie}");
        }
        let mut thief = holder.browser.clone();
        thief.csrf = Some(token.to_owned());
        assert_eq!(
            thief.post("/logout").await.status,
            403,
            "{own} as a CSRF token"
        );
        assert_eq!(
            untouched(&app).await,
            before,
            "{own} is neither spent nor guessed at"
        );

        let answer = knock(&app, own, token).await;
        assert_eq!(answer.status, 200, "{own}: {}", answer.text);
    }
}

#[tokio::test]
async fn sec_069_nothing_else_that_is_issued_opens_the_door_of_a_link() {
    let app = mail_app().await;
    let holder = Holder::new(&app, "ada").await;
    let browser = &holder.browser;
    let rows: Vec<String> = app.db.query("SELECT id FROM auth_tokens").scalars().await;
    let handle = browser.get("/sessions").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let device = browser.cookies["device_id"].clone();
    let mut others = vec![browser.csrf.clone().unwrap(), handle, device];
    others.push(browser.cookies["session_id"].clone());
    others.extend(rows.iter().map(|row| format!("{row}{row}")));
    others.extend(app.mail.messages().into_iter().map(|message| message.id));
    for door in [VERIFY, RESET, CHANGE, UNDO] {
        for other in &others {
            is_dead(
                &format!("{other} at {door}"),
                &knock(&app, door, other).await,
            );
        }
    }
}

/// What happens to an account, and which links outlive it.
const EVENTS: [(&str, &[&str]); 7] = [
    ("changes its password", &[VERIFY, UNDO]),
    ("resets its password", &[UNDO]),
    ("is reset before it is proven", &[]),
    ("moves", &[UNDO]),
    ("has another epoch", &[VERIFY, RESET, UNDO]),
    ("is disabled", &[]),
    ("is deleted", &[]),
];

async fn happens(app: &MailApp<MailAuth>, holder: &Holder, event: &str) {
    let answer = match event {
        "changes its password" => {
            let body = json!({ "current_password": PASSWORD, "new_password": THIRD });
            holder.browser.post_json("/change-password", &body).await
        }
        "resets its password" => {
            let users = app.auth.users();
            users.set_verified(&holder.id, true).await.unwrap();
            app.reset(holder.token(RESET), THIRD).await
        }
        "is reset before it is proven" => app.reset(holder.token(RESET), THIRD).await,
        "moves" => app.confirm(CHANGE, holder.token(CHANGE)).await,
        "has another epoch" => {
            let bump = "UPDATE users SET token_version = token_version + 1 WHERE id = $1";
            app.db.query(bump).bind(holder.id).execute().await;
            return;
        }
        "is disabled" => {
            assert!(app.auth.users().disable(&holder.id).await.unwrap());
            return;
        }
        _ => {
            assert!(app.auth.users().delete(&holder.id).await.unwrap());
            return;
        }
    };
    assert_eq!(answer.status, 200, "{event}: {}", answer.text);
}

#[tokio::test]
async fn sec_088_a_link_dies_with_what_it_is_bound_to() {
    let app = mail_app().await;
    for (number, (event, survivors)) in EVENTS.into_iter().enumerate() {
        for (at, door) in [VERIFY, RESET, CHANGE, UNDO].into_iter().enumerate() {
            let holder = Holder::new(&app, &format!("ada{number}{at}")).await;
            happens(&app, &holder, event).await;
            let answer = knock(&app, door, holder.token(door)).await;
            let what = format!("{} {event}, then {door}", holder.name);
            if survivors.contains(&door) {
                assert_eq!(answer.status, 200, "{what}: {}", answer.text);
            } else {
                is_dead(&what, &answer);
            }
        }
    }
}

/// The token with one bit of its `at`th byte flipped.
fn flipped(token: &str, at: usize) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    bytes[at] ^= 1 << (at % 8);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test]
async fn sec_089_twenty_wrong_secrets_void_a_row_and_no_other() {
    let app = mail_app().await;
    let ada = Holder::new(&app, "ada").await;
    let bob = Holder::new(&app, "bob").await;
    for door in [VERIFY, RESET, CHANGE, UNDO] {
        let token = ada.token(door);
        for guess in 0..20 {
            is_dead(
                "a wrong secret",
                &knock(&app, door, &flipped(token, 16 + guess)).await,
            );
        }
        is_dead("the right one, too late", &knock(&app, door, token).await);
    }
    let voided = "SELECT count(*) FROM auth_tokens WHERE guesses = 20 AND used_at IS NULL";
    assert_eq!(app.count(voided).await, 4);

    for door in [VERIFY, CHANGE, UNDO] {
        let token = bob.token(door);
        for guess in 0..19 {
            knock(&app, door, &flipped(token, 16 + guess)).await;
        }
        let answer = knock(&app, door, token).await;
        assert_eq!(answer.status, 200, "nineteen are too few: {}", answer.text);
    }
}

#[tokio::test]
async fn sec_089_the_name_of_a_row_opens_nothing() {
    let app = mail_app().await;
    app.verified("ada").await;
    app.verified("bob").await;
    let (ada, bob) = (app.reset_token("ada").await, app.reset_token("bob").await);
    let [ada, bob] = [ada, bob].map(|token| URL_SAFE_NO_PAD.decode(token).unwrap());
    let stored: Vec<u8> = app
        .db
        .query("SELECT secret FROM auth_tokens WHERE id = $1")
        .bind(format!(
            "{:032x}",
            u128::from_be_bytes(*ada.first_chunk().unwrap())
        ))
        .scalar()
        .await;
    for secret in [&[0; 32], &bob[16..], &stored, &[]] {
        let token = URL_SAFE_NO_PAD.encode([&ada[..16], secret].concat());
        is_dead("another secret", &app.reset(&token, NEW).await);
    }
}

#[tokio::test]
async fn sec_088_a_token_that_was_changed_or_cut_is_another_one() {
    let app = mail_app().await;
    app.verified("ada").await;
    let token = app.reset_token("ada").await;
    for at in 0..35 {
        is_dead("a flipped bit", &app.reset(&flipped(&token, at), NEW).await);
    }
    for end in 0..token.len() {
        let status = app.reset(&token[..end], NEW).await.status;
        assert!(
            status == 400 || (end == 0 && status == 422),
            "{end}: {status}"
        );
    }
    for odd in [
        format!("{token}="),
        format!("{token}A"),
        format!(" {token}"),
        token.to_uppercase(),
    ] {
        is_dead(&odd, &app.reset(&odd, NEW).await);
    }
    assert_eq!(app.reset(&token, NEW).await.status, 200);
}

#[tokio::test]
async fn sec_088_a_link_lives_to_the_last_microsecond_and_no_longer() {
    let app = mail_app().await;
    let lives = [(VERIFY, DAY), (RESET, HOUR), (CHANGE, DAY), (UNDO, 7 * DAY)];
    for (at, (door, life)) in lives.into_iter().enumerate() {
        for (late, status) in [(Duration::ZERO, 400), (Duration::from_micros(1), 200)] {
            let holder = Holder::new(&app, &format!("ada{at}{status}")).await;
            app.clock.advance(life.saturating_sub(late));
            let answer = knock(&app, door, holder.token(door)).await;
            assert_eq!(answer.status, status, "{door} {late:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn sec_141_a_clock_that_is_set_back_revives_no_spent_link() {
    let app = mail_app().await;
    for (at, door) in [VERIFY, RESET, CHANGE, UNDO].into_iter().enumerate() {
        let holder = Holder::new(&app, &format!("ada{at}")).await;
        assert_eq!(knock(&app, door, holder.token(door)).await.status, 200);
        let now = app.clock.now().as_micros();
        for back in [HOUR, 30 * DAY, 3650 * DAY] {
            let then = now - i64::try_from(back.as_micros()).unwrap();
            app.clock.set(Timestamp::from_micros(then));
            assert_eq!(knock(&app, door, holder.token(door)).await.status, 400);
        }
        app.clock.set(Timestamp::from_micros(now));
        app.clock.advance(10 * DAY);
        app.auth.sessions().sweep().await.unwrap();
        app.clock.set(Timestamp::from_micros(now));
        assert_eq!(
            knock(&app, door, holder.token(door)).await.status,
            400,
            "swept"
        );
    }
}

#[tokio::test]
async fn sec_159_a_deleted_accounts_link_opens_no_successor() {
    let app = mail_app().await;
    let holder = Holder::new(&app, "ada").await;
    // One more of each that is asked for and not made yet.
    let body = json!({ "new_email": "thief@example.com", "password": PASSWORD });
    assert_eq!(
        holder
            .browser
            .post_json("/email/change-request", &body)
            .await
            .status,
        200
    );
    assert!(app.auth.users().delete(&holder.id).await.unwrap());
    assert_eq!(app.count("SELECT count(*) FROM auth_tokens").await, 0);

    app.sign_up("ada").await;
    let renumbered = "UPDATE users SET id = $1 WHERE username = 'ada'";
    app.db.run("DELETE FROM auth_usernames").await;
    app.db.query(renumbered).bind(holder.id).execute().await;
    app.deliver().await;

    assert!(app.message(MessageKind::ChangeEmail, "thief").is_none());
    for (door, token) in &holder.links {
        is_dead(door, &knock(&app, door, token).await);
    }
}

#[tokio::test]
async fn sec_092_a_newer_link_and_a_used_one_kill_the_others() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    let first = app.token(MessageKind::VerifyEmail, "ada");
    app.ask("/email/verify-request", "ada").await;
    let second = app.token(MessageKind::VerifyEmail, "ada");
    is_dead("the older one", &app.confirm(VERIFY, &first).await);
    assert_eq!(app.confirm(VERIFY, &second).await.status, 200);

    let first = app.reset_token("ada").await;
    let second = app.reset_token("ada").await;
    is_dead("the older one", &app.reset(&first, NEW).await);
    assert_eq!(app.reset(&second, "short").await.status, 422, "SEC-091");
    assert_eq!(app.reset(&second, NEW).await.status, 200);
    is_dead("spent", &app.reset(&second, PASSWORD).await);
    assert_eq!(app.client().login("ada", NEW).await.status, 200);
}
