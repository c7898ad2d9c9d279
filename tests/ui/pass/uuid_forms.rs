// A UUID in each form, as the key and as an own column, under the names that a type can have.
use crudauth::{AccountKey, AuthUser, PasswordHash};
use uuid::Uuid;

type Ticket = Uuid;

#[derive(Debug, Clone)]
pub struct UserId(Uuid);

impl AccountKey for UserId {
    type Inner = Uuid;
    fn from_inner(inner: Uuid) -> Self {
        Self(inner)
    }
    fn as_inner(&self) -> &Uuid {
        &self.0
    }
}

#[derive(AuthUser)]
#[auth(table = "users")]
pub struct User {
    #[auth(repr = "hyphenated")]
    pub id: UserId,
    pub username: String,
    password_hash: PasswordHash,
    #[auth(own, register, repr = "simple")]
    pub team: Option<uuid::Uuid>,
    #[auth(default(Uuid::new_v4), repr = "blob")]
    pub badge: Uuid,
    #[auth(new_user, repr = "simple")]
    pub ticket: Option<Ticket>,
    #[auth(default(Uuid::nil), repr = "hyphenated")]
    pub seat: Ticket,
}

crudauth::auth! { pub struct Auth<User>; }

pub fn main() {}
