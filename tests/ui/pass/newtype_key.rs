// A newtype key.
use crudauth::{AccountKey, AuthUser, PasswordHash, auth};

#[derive(Debug, Clone, PartialEq)]
pub struct UserId(i64);

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
pub struct User {
    id: UserId,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

pub fn main() {}
