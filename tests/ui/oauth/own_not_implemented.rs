// A provider of one's own says what it is.
use crudauth::oauth::Credentials;
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(provider("linkedin"))]
    pub struct Auth<User>;
}

struct LinkedIn;

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .provider("linkedin", LinkedIn, Credentials::new("id", "secret"))
        .build();
}

fn main() {}
