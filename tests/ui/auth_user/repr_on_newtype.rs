// What a newtype holds only the compiler knows; it says so at the type.
use crudauth::{AccountKey, AuthUser, PasswordHash};

#[derive(Debug, Clone)]
struct UserId(i64);

impl AccountKey for UserId {
    type Inner = i64;
    fn from_inner(inner: i64) -> Self {
        Self(inner)
    }
    fn as_inner(&self) -> &i64 {
        &self.0
    }
}

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    #[auth(repr = "simple")]
    id: UserId,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
