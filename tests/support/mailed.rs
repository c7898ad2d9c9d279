//! An application that mails, and a mailbox to look into.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part"
)]

use std::ops::Deref;

use crudauth::__private::{Authority, run_due};
use crudauth::mail::{Message, MessageKind};
use crudauth::testing::CaptureMailer;
use crudauth::{Principal, auth, require};
use serde_json::json;

use crate::support::{Answer, Client, Custom, PASSWORD, User, fresh_address};

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[email(frontend_url = "https://app.example.com")]
    pub struct MailAuth<User>;
}

#[require(verified)]
async fn billing(user: Principal<MailAuth>) -> axum::Json<serde_json::Value> {
    axum::Json(json!({ "id": user.id }))
}

/// The application, and what it has mailed. A message leaves when [`MailApp::deliver`] is called: no worker runs.
#[derive(Debug)]
pub struct MailApp<A> {
    pub app: Custom<A>,
    pub mail: CaptureMailer,
}

impl<A> Deref for MailApp<A> {
    type Target = Custom<A>;

    fn deref(&self) -> &Custom<A> {
        &self.app
    }
}

/// A `MailApp` around another declaration.
#[macro_export]
macro_rules! mailed {
    ($auth:ty) => {
        $crate::mailed!($auth, 5)
    };
    ($auth:ty, $connections:expr $(, $method:ident($($value:expr),+))*) => {{
        let mail = ::crudauth::testing::CaptureMailer::new();
        let app = $crate::custom!($auth, $connections, mailer(mail.clone()) $(, $method($($value),+))*);
        $crate::mailed::MailApp { app, mail }
    }};
}

/// The usual one, with `GET /billing` behind `verified`.
pub async fn mail_app() -> MailApp<MailAuth> {
    with_pool(5).await
}

/// The same over a pool of `connections`.
pub async fn with_pool(connections: u32) -> MailApp<MailAuth> {
    let mut app = crate::mailed!(MailAuth, connections);
    app.app.router = crudauth::routing::Router::new()
        .route("/billing", crudauth::routing::get(billing))
        .mount(&app.auth)
        .with_state(app.auth.clone())
        .into_axum();
    app
}

impl<A: Authority> MailApp<A> {
    /// Delivers what is due.
    pub async fn deliver(&self) {
        run_due(&self.auth).await.unwrap();
    }

    /// An account whose address is not proven: what `POST /register` makes. Its message has been delivered.
    pub async fn sign_up(&self, name: &str) {
        let client = self.client().from(&fresh_address());
        let body = json!({
            "email": format!("{name}@example.com"), "username": name, "password": PASSWORD,
        });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        self.deliver().await;
    }

    /// An account whose address is proven by its own link.
    pub async fn verified(&self, name: &str) {
        self.sign_up(name).await;
        let token = self.token(MessageKind::VerifyEmail, name);
        let answer = self.confirm("/email/verify-confirm", &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Asks for something by address, from an address of its own, and delivers.
    pub async fn ask(&self, path: &str, name: &str) -> Answer {
        let client = self.client().from(&fresh_address());
        let body = json!({ "email": format!("{name}@example.com") });
        let answer = client.post_json(path, &body).await;
        self.deliver().await;
        answer
    }

    /// The token of a fresh link to a new password.
    pub async fn reset_token(&self, name: &str) -> String {
        assert_eq!(self.ask("/password/reset-request", name).await.status, 200);
        self.token(MessageKind::ResetPassword, name)
    }

    /// Posts a token, and nothing else.
    pub async fn confirm(&self, path: &str, token: &str) -> Answer {
        self.client()
            .post_json(path, &json!({ "token": token }))
            .await
    }

    /// Posts a token and a new password.
    pub async fn reset(&self, token: &str, password: &str) -> Answer {
        let body = json!({ "token": token, "new_password": password });
        self.client()
            .post_json("/password/reset-confirm", &body)
            .await
    }

    /// Asks, as `client`, to move to `name`'s address.
    pub async fn move_to(&self, client: &Client, name: &str) -> Answer {
        let body = json!({ "new_email": format!("{name}@example.com"), "password": PASSWORD });
        let answer = client.post_json("/email/change-request", &body).await;
        self.deliver().await;
        answer
    }
}

impl<A> MailApp<A> {
    /// The newest message of this kind to `name`'s address.
    pub fn message(&self, kind: MessageKind, name: &str) -> Option<Message> {
        let to = format!("{name}@example.com");
        let mut messages = self.mail.messages();
        messages.retain(|message| message.kind() == kind && message.to == to);
        messages.pop()
    }

    /// The token in the newest message of this kind to `name`'s address.
    pub fn token(&self, kind: MessageKind, name: &str) -> String {
        let message = self
            .message(kind, name)
            .unwrap_or_else(|| panic!("no {kind:?} for {name} in {:?}", self.mail.messages()));
        token_of(&message)
    }
}

/// The token in a message's link.
pub fn token_of(message: &Message) -> String {
    let link = message.context.link.as_deref().unwrap();
    let (_, token) = link.split_once("?token=").unwrap();
    token.to_owned()
}
