// Nobody would use these texts.
use std::pin::Pin;

use crudauth::mail::{Channel, Content, Intent, MessageContext, SendError, Templates};
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register, max_length = 20)]
    pub phone: String,
    phone_verified: bool,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

pub struct Phone;

impl Channel<User> for Phone {
    fn deliver<'a>(&'a self, _: &'a Intent<'a, User>) -> Sending<'a> {
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
    #[channel]
    pub struct Auth<User>;
}

async fn start() {
    let _ = Auth::connect("sqlite::memory:").channel(Phone).templates(Texts);
}

fn main() {
    drop(start());
}
