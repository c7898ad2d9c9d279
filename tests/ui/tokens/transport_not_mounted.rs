// A transport is asked where the block says so.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

pub struct ApiKeys;

impl<A: crudauth::Authority> crudauth::transport::OwnTransport<A> for ApiKeys {
    const NAME: &'static str = "api_key";

    async fn authenticate(
        _: &A,
        _: &crudauth::transport::Parts,
    ) -> Result<Option<crudauth::transport::Caller<A>>, crudauth::Problem> {
        Ok(None)
    }
}

auth! {
    pub struct Auth<User>;
}

#[require(transport(ApiKeys))]
async fn machines(_user: Principal<Auth>) {}

fn main() {}
