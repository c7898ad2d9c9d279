// The account type derives `AuthUser`.
use crudauth::auth;

pub struct User;

auth! {
    pub struct Auth<User>;
}

fn main() {}
