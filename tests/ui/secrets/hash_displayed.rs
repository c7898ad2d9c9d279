// A password hash cannot be displayed, so it cannot be formatted into a message by accident.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

fn main() {
    let hash = PasswordHash::from_stored(String::new());
    println!("{hash}");
}
