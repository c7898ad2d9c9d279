// Every mistake inside `sudo(…)` is told at its own token.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo]
    pub struct Auth<User>;
}

#[require(sudo())]
async fn nothing(_user: Principal<Auth>) {}

#[require(sudo(withing = "2m"))]
async fn misspelled(_user: Principal<Auth>) {}

#[require(sudo(within = 120))]
async fn number(_user: Principal<Auth>) {}

#[require(sudo(within = "2m", within = "3m"))]
async fn twice(_user: Principal<Auth>) {}

#[require(sudo = "2m")]
async fn equals(_user: Principal<Auth>) {}

#[require(sudo(by = password))]
async fn assigned(_user: Principal<Auth>) {}

#[require(sudo(by()))]
async fn nobody(_user: Principal<Auth>) {}

#[require(sudo(by(password, password)))]
async fn repeated(_user: Principal<Auth>) {}

#[require(sudo, sudo(within = "2m"))]
async fn both(_user: Principal<Auth>) {}

fn main() {}
