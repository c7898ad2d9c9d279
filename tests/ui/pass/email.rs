// Mailed links, with every key.
use std::pin::Pin;

use crudauth::mail::{Content, Mailer, Message, MessageContext, SendError, Templates};
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

pub struct Sender;

impl Mailer for Sender {
    fn send<'a>(&'a self, _: &'a Message) -> Sending<'a> {
        Box::pin(async { Ok(()) })
    }
}

pub struct Texts;

impl Templates for Texts {
    fn render(&self, _: &MessageContext) -> Option<Content> {
        None
    }
}

auth! {
    #[email(
        frontend_url = "https://app.example.com/account/",
        verify_ttl = "2d",
        reset_ttl = "30m",
        change_ttl = "12h",
        undo_ttl = "14d",
        verify_path = "/verify",
        reset_path = "/reset",
        change_path = "/change",
        undo_path = "/undo",
        require_verified,
        evict_on_change
    )]
    #[rate_limit(
        email_verify_request = "1/m",
        password_reset_request = "2/h",
        email_change_request = "3/d",
        existing_account_notice = "4/h"
    )]
    pub struct Auth<User>;
}

fn routes(auth: &Auth) -> axum::Router {
    auth.recovery_router().merge(auth.email_change_router())
}

async fn start() -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:")
        .templates(Texts)
        .mailer(Sender)
        .frontend_url("http://localhost:3000")
        .await
}

pub fn main() {
    drop(start());
    let _ = routes;
}
