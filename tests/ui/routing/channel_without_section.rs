// Nobody would use this channel.
use std::pin::Pin;

use crudauth::mail::{Channel, Intent, SendError};
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

pub struct Phone;

impl Channel<User> for Phone {
    fn deliver<'a>(&'a self, _: &'a Intent<'a, User>) -> Sending<'a> {
        Box::pin(async { Ok(()) })
    }
}

auth! {
    #[email]
    pub struct Auth<User>;
}

async fn start() {
    let _ = Auth::connect("sqlite::memory:").channel(Phone);
}

fn main() {
    drop(start());
}
