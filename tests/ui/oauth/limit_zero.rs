// A limit that refuses everybody.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google)]
    #[rate_limit(oauth_authorize = "0/h")]
    pub struct Auth<User>;
}

fn main() {}
