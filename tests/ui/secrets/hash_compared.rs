// A password hash cannot be compared byte by byte: that takes longer the more bytes are right.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

fn main() {
    let one = PasswordHash::from_stored(String::new());
    let two = one.clone();
    let _ = one == two;
}
