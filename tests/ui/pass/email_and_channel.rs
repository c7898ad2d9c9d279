// Mail for the address, a channel for the phone, hooks; given in any order.
use std::pin::Pin;

use crudauth::mail::{Channel, Intent, Mailer, Message, SendError};
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
    #[auth(recovery, register, max_length = 20)]
    pub phone: Option<String>,
    phone_verified: bool,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

pub struct Sender;

impl Mailer for Sender {
    fn send<'a>(&'a self, _: &'a Message) -> Sending<'a> {
        Box::pin(async { Ok(()) })
    }
}

pub struct Phone;

impl Channel<User> for Phone {
    fn deliver<'a>(&'a self, _: &'a Intent<'a, User>) -> Sending<'a> {
        Box::pin(async { Ok(()) })
    }
}

pub struct MyHooks;

impl crudauth::Hooks<User> for MyHooks {}

auth! {
    #[channel]
    #[email(frontend_url = "https://app.example.com", reset_ttl = "10m")]
    #[hooks(MyHooks)]
    pub struct Auth<User>;
}

async fn start() -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:")
        .mailer(Sender)
        .hooks(MyHooks)
        .channel(Phone)
        .await?;
    Auth::connect("sqlite::memory:")
        .channel(Phone)
        .mailer(Sender)
        .hooks(MyHooks)
        .await?;
    Auth::connect("sqlite::memory:")
        .hooks(MyHooks)
        .channel(Phone)
        .mailer(Sender)
        .build()
        .await
}

pub fn main() {
    drop(start());
}
