// An account that is recovered by phone, in any number of ways.
use std::pin::Pin;

use crudauth::mail::{Channel, Intent, SendError};
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

auth! {
    #[channel]
    pub struct Auth<User>;
}

fn routes(auth: &Auth) -> axum::Router {
    auth.recovery_router()
}

async fn start() -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:")
        .channel(Phone)
        .channel(Box::new(Phone))
        .frontend_url("https://app.example.com")
        .build()
        .await
}

pub fn main() {
    let columns = UserColumns {
        phone: "+1 555 0100".to_owned(),
    };
    drop(start());
    let _ = (routes, columns);
}
