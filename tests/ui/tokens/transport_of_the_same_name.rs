// Two transports have two names.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

pub struct ApiKeys;

impl<A: crudauth::Authority> crudauth::transport::OwnTransport<A> for ApiKeys {
    const NAME: &'static str = "session";

    async fn authenticate(
        _: &A,
        _: &crudauth::transport::Parts,
    ) -> Result<Option<crudauth::transport::Caller<A>>, crudauth::Problem> {
        Ok(None)
    }
}

auth! {
    #[session]
    #[transport(ApiKeys)]
    pub struct Auth<User>;
}

fn main() {}
