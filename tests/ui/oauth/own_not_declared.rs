// A provider of one's own that the block does not declare.
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
    #[oauth(google)]
    pub struct Auth<User>;
}

struct Own;

impl crudauth::oauth::OAuthProvider for Own {
    fn endpoints(&self) -> crudauth::oauth::Endpoints {
        unimplemented!()
    }

    fn scopes(&self) -> &[&str] {
        &[]
    }

    fn profile<'a>(
        &'a self,
        _: serde_json::Value,
        _: &'a crudauth::oauth::Api<'a>,
    ) -> crudauth::oauth::BoxFuture<'a, Result<crudauth::oauth::Profile, crudauth::oauth::Failure>> {
        unimplemented!()
    }
}

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .google(Credentials::new("id", "secret"))
        .provider("linkedin", Own, Credentials::new("id", "secret"))
        .build();
}

fn main() {}
