// Nobody would use this mailer.
use std::pin::Pin;

use crudauth::mail::{Mailer, Message, SendError};
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

auth! {
    pub struct Auth<User>;
}

async fn start() {
    let _ = Auth::connect("sqlite::memory:").mailer(Sender);
}

fn main() {
    drop(start());
}
