// What no text fits in holds no subject.
use crudauth::{AuthUser, PasswordHash};

struct Subject(String);

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(identity = "google")]
    google_id: Subject,
}

fn main() {}
