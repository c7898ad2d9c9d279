// No provider is ever called.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

async fn start(client: impl crudauth::oauth::HttpClient) -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:").oauth_http_client(client).build().await
}

fn main() {}
