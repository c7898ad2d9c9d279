// All that is missing is told at once.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, oidc("sso"), provider("linkedin"))]
    pub struct Auth<User>;
}

async fn start() -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:")
        .build()
        .await
}

fn main() {}
