// Ten mistakes, ten messages, one compile.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
#[auth(table = "us ers")]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(register)]
    is_superuser: bool,
    #[auth(regster)]
    name: String,
}

auth! {
    #[session(idle = "30", same_site = "none", idel = "30m")]
    #[pasword(min = 12)]
    #[lockout(max_attempts = 0)]
    pub struct Auth<User>;
}

#[require(verifed, superuser, superuser)]
async fn pay(_user: Principal<Auth>) {}

fn main() {}
