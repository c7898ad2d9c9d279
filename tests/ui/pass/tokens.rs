// Tokens, scopes, an own transport: by value, by reference, in a method, of an authority that a parameter names.
use crudauth::bearer::{AccessToken, Claims, HasBearer, Stateless};
use crudauth::transport::{Caller, OwnTransport, Parts};
use crudauth::{AuthUser, Authority, PasswordHash, Principal, Problem, auth, require};
use serde::{Deserialize, Serialize};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    plan: String,
}

#[derive(Serialize, Deserialize)]
pub struct Plan {
    plan: String,
}

impl Claims<User> for Plan {
    fn of(user: &User) -> Self {
        Self { plan: user.plan.clone() }
    }
}

pub struct ApiKeys;

impl<A: Authority> OwnTransport<A> for ApiKeys {
    const NAME: &'static str = "api_key";

    async fn authenticate(_: &A, _: &Parts) -> Result<Option<Caller<A>>, Problem> {
        Ok(None)
    }
}

auth! {
    #[session(device_cookie = "known")]
    #[bearer(
        access = "5m",
        refresh(ttl = "7d", grace = "30s", cookie = "__Secure-renew", path = "/auth", same_site = "strict"),
        scopes(default("read"), grantable("read", "reports:read")),
        check = "stateless",
        claims(Plan),
        typ = "at+jwt",
        issuer = "https://id.example.com",
        audience = "https://api.example.com",
        revocation,
        introspection,
    )]
    #[transport(ApiKeys)]
    pub struct Auth<User>;
}

auth! {
    #[bearer(refresh(rotate = false))]
    #[allow(refresh_without_rotation, reason = "clients that cannot store another token")]
    pub struct Unrotated<User>;
}

auth! {
    #[bearer(refresh = "off")]
    pub struct Brief<User>;
}

#[require(scope("read", "reports:read"))]
pub async fn reports(user: Principal<Auth>) {
    shown(&user);
    read(&user);
}

#[require(scope("reports:read"))]
fn shown(_by: &Principal<Auth>) {}

#[require(scope("read"))]
fn read(_by: &Principal<Auth>) {}

#[require(scope("read"))]
pub async fn feed(token: AccessToken<Auth>) {
    partly(&token);
}

#[require(scope("read"))]
fn partly(_by: &AccessToken<Auth>) {}

#[require(transport(ApiKeys), scope("read"))]
pub async fn nightly(_user: Principal<Auth>) {}

pub struct Api;

impl Api {
    #[require(transport(bearer), scope("reports:read"))]
    pub async fn list(_user: Principal<Auth>) {}
}

#[require(transport(bearer), scope("read"))]
pub async fn any<A: HasBearer>(_user: Principal<A>) {}

#[require(scope("read"))]
pub async fn any_token<A: Stateless>(_token: AccessToken<A>) {}

pub fn main() {
    use crudauth::routing::get;
    drop(get::<_, _, Auth>(any::<Auth>));
    drop(get::<_, _, Auth>(any_token::<Auth>));
}
