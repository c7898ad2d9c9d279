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

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .build();
}

fn main() {}
