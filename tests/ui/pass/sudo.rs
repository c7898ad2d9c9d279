// Sudo is obtained, handed on, and follows from its stricter form.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    is_superuser: bool,
}

auth! {
    #[sudo(ttl = "2m", max_attempts = 5, lockout = "1h", route)]
    pub struct Auth<User>;
}

#[require(sudo)]
fn plain(_by: &Principal<Auth>) {}

#[require(sudo(within = "1m"))]
fn fresh(by: &Principal<Auth>) {
    plain(by);
}

#[require(sudo(by(password)))]
fn by_password(by: &Principal<Auth>) {
    plain(by);
}

#[require(sudo, superuser)]
pub async fn handler(user: Principal<Auth>) {
    plain(&user);
}

#[require(sudo(within = "1m"), superuser)]
pub async fn strict(user: Principal<Auth>) {
    plain(&user);
    fresh(&user);
}

#[require(sudo(by(password)))]
pub async fn known(user: Principal<Auth>) {
    plain(&user);
    by_password(&user);
}

#[require(auth(Auth), sudo(within = "2m", by(password)))]
pub async fn nobody() {}

pub async fn by_hand(auth: &Auth, user: &Principal<Auth>) -> crudauth::Result<bool> {
    let _: axum::Router = auth.sudo_router();
    auth.sudo().is_elevated(user).await
}

pub fn main() {}
