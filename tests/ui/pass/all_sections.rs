// Every section.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(register, max_length = 100)]
    name: Option<String>,
    #[auth(default = "free")]
    plan: String,
}

auth! {
    #[session(management, host_prefix, idle = "15m", csrf_field = "csrf")]
    #[password(strict, words("acme"), argon2(m = "64MiB", t = 3), fresh_sign_in = "off")]
    #[lockout(max_attempts = 7, on_success = "clear_user_only")]
    #[rate_limit(register = "off", logout_all = "3/m")]
    #[proxy(trusted_hops = 1)]
    #[database(sqlite)]
    #[tables(prefix = "shop_")]
    pub struct Auth<User>;
}

pub fn main() {}
