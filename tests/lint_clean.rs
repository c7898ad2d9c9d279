//! Expanded code trips no lint in the application's crate, however strict that crate is. Every item of the macros'
//! surface is used below, documented as a strict crate would; the compiler and clippy are the test.

#![deny(
    warnings,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    unused_qualifications,
    non_local_definitions,
    single_use_lifetimes,
    trivial_casts,
    unnameable_types,
    unused_lifetimes,
    unused_results,
    let_underscore_drop
)]

use crudauth::bearer::{AccessToken, Claims};
use crudauth::transport::{self, OwnTransport, Parts};
use crudauth::{
    AuthUser, Gate, Hooks, PasswordHash, Principal, Problem, Verdict, auth, hooks, public, require,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Something that is in no table.
#[derive(Debug, Clone, Default)]
pub struct Cache(pub u8);

/// Where an account is when nobody said.
#[must_use]
pub fn region() -> String {
    "eu".to_owned()
}

/// An account with every attribute there is.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members", schema = "main", crate(::crudauth))]
pub struct Member {
    /// The key.
    #[auth(id)]
    pub key: Uuid,
    /// The address.
    #[auth(email, column = "mail")]
    pub address: String,
    /// The name.
    pub username: Option<String>,
    #[auth(password)]
    secret: PasswordHash,
    /// Whether the address is proven.
    pub email_verified: bool,
    /// Whether it may sign in.
    pub is_active: bool,
    /// Whether it may do anything.
    pub is_superuser: bool,
    token_version: i64,
    /// When it came to be.
    pub created_at: OffsetDateTime,
    /// When it changed.
    pub updated_at: Option<OffsetDateTime>,
    /// As it is shown to others.
    #[auth(register, max_length = 100)]
    pub full_name: Option<String>,
    /// How many may use it.
    #[auth(register, default = 3)]
    pub seats: i64,
    /// What it pays for.
    #[auth(default = "free")]
    pub plan: String,
    /// Where it is.
    #[auth(default(region), unique = false)]
    pub region: String,
    /// As its friends say.
    #[auth(register)]
    pub nickname: String,
    /// Whose it is.
    #[auth(new_user)]
    pub team: Option<i64>,
    /// Who it is elsewhere.
    #[auth(identity = "google")]
    pub google_id: Option<String>,
    #[auth(identity = "sso")]
    sso_id: Option<String>,
    /// Not a column.
    #[auth(skip)]
    pub cache: Cache,
    /// The application's own business.
    #[auth(own)]
    pub note: Option<String>,
}

/// A small account of this crate only.
#[derive(Debug, Clone, AuthUser)]
pub(crate) struct Guest {
    id: i64,
    username: String,
    password_hash: PasswordHash,
}

/// One that is recovered by its phone.
#[derive(Debug, Clone, AuthUser)]
pub(crate) struct Caller {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register, max_length = 20)]
    phone: Option<String>,
    phone_verified: bool,
}

/// What the application does when something happens.
#[derive(Debug)]
pub struct MyHooks;

impl Hooks<Member> for MyHooks {
    async fn new_user(
        &self,
        _: &hooks::NewUser<'_>,
        columns: &mut MemberColumns,
    ) -> hooks::HookResult {
        columns.team = Some(1);
        Ok(())
    }
}

/// What tokens say.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    plan: String,
}

impl Claims<Member> for Plan {
    fn of(member: &Member) -> Self {
        Self {
            plan: member.plan.clone(),
        }
    }
}

/// Keys of the application's own.
#[derive(Debug)]
pub struct ApiKeys;

impl OwnTransport<Members> for ApiKeys {
    const NAME: &'static str = "api_key";

    async fn authenticate(
        _: &Members,
        _: &Parts,
    ) -> Result<Option<transport::Caller<Members>>, Problem> {
        Ok(None)
    }
}

auth! {
    /// Every section.
    #[session(management, host_prefix, idle = "15m", absolute = "8h", remember_me = "14d", max_sessions = 3, csrf_field = "csrf", same_site = "strict", refuse_same_site, rotate_on_change, sweep = "5m")]
    #[bearer(access = "5m", refresh(ttl = "7d", deliver = "cookie", rotate = false, cookie = "__Secure-renew", device_cookie = "known", path = "/auth", same_site = "strict"), scopes(default("read"), grantable("read", "reports:read")), algorithm = "HS256", issuer = "a", audience = "b", typ = "at+jwt", check = "stateless", claims(Plan), revocation, introspection)]
    #[transport(ApiKeys)]
    #[password(strict, max = 256, uppercase, lowercase, digit, special, reuse, words("acme"), argon2(m = "64MiB", t = 3, p = 1), permits = 2, queue = 8, wait = "2s", fresh_sign_in = "off")]
    #[lockout(max_attempts = 7, window = "2m", base = "30s", max = "2h", retention = "3h", hard_stop = 50, on_success = "clear_user_only")]
    #[rate_limit(register = "off", change_password = "2/m", logout_all = "3/m", csrf_refresh = "9/h", email_verify_request = "off", password_reset_request = "3/m", email_change_request = "2/h", existing_account_notice = "1/d")]
    #[email(frontend_url = "https://app.example.com", verify_ttl = "2h", reset_ttl = "10m", change_ttl = "3h", undo_ttl = "2d", verify_path = "/v", reset_path = "/r", change_path = "/c", undo_path = "/u", require_verified, evict_on_change)]
    #[channel]
    #[sudo(route, ttl = "5m", max_attempts = 3, lockout = "10m")]
    #[oauth(google, github(trusted = false), oidc("sso"), provider("own"), response = "json", default_redirect = "/in", exchange("com.example.app:/callback"), paths(prefix = "/by", authorize = "/{provider}", callback = "/{provider}/home"), state_ttl = "5m")]
    #[proxy(trusted_hops = 1)]
    #[database(sqlite, postgres)]
    #[tables(prefix = "shop_")]
    #[hooks(MyHooks)]
    #[allow(common_passwords_without_lockout, unlimited_messages, refresh_without_rotation, reason = "there is a lockout, and another limit")]
    #[crate(::crudauth)]
    pub struct Members<Member>;
}

auth! {
    #[bearer(refresh(deliver = "body"), scopes(default("read")))]
    pub(crate) struct Guests<Guest>;
}

auth! {
    #[channel(verify_ttl = "2h", reset_ttl = "10m", verify_path = "/v", reset_path = "/r", require_verified)]
    pub(crate) struct Callers<Caller>;
}

/// A gate.
#[derive(Debug)]
pub struct Staff;

impl Gate<Members> for Staff {
    async fn check(principal: &Principal<Members>) -> Verdict {
        principal.is_superuser.into()
    }
}

/// A gate with an argument.
#[derive(Debug)]
pub struct Seats<const N: i64>;

impl<const N: i64> Gate<Members> for Seats<N> {
    async fn check(principal: &Principal<Members>) -> Verdict {
        (principal.seats >= N).into()
    }
}

async fn odd(principal: &Principal<Members>) -> bool {
    std::future::ready(principal.seats % 2 == 1).await
}

/// By value, with everything.
#[require(
    transport(session),
    superuser,
    verified,
    check(odd),
    Staff,
    Seats<2>
)]
pub async fn everything(user: Principal<Members>) -> String {
    const END: &str = "!";
    format!("{}{}{END}", user.plan, seats(&user))
}

/// By a token that has its scopes.
#[require(transport(bearer), scope("read", "reports:read"))]
pub async fn reports(user: Principal<Members>) -> String {
    format!("{}{}", user.plan, summary(&user))
}

/// By reference.
#[require(scope("reports:read"))]
#[must_use]
pub fn summary(by: &Principal<Members>) -> i64 {
    by.seats
}

/// By a key of the application's own.
#[require(transport(ApiKeys))]
pub async fn nightly(user: Principal<Members>) -> String {
    user.plan.clone()
}

/// By the token alone.
#[require(scope("read"))]
pub async fn feed(token: AccessToken<Members>) -> String {
    let plan = token.claims::<Plan>();
    plan.map(|claims| claims.plan).unwrap_or_default()
}

/// By value, with nothing.
#[require]
pub async fn signed_in(user: Principal<Members>) -> String {
    user.plan.clone()
}

/// By reference.
#[require(verified, Seats<2>)]
#[must_use]
pub fn seats(by: &Principal<Members>) -> i64 {
    by.seats
}

/// Without a principal.
#[require(auth(Members), verified)]
pub async fn hidden() -> &'static str {
    "hidden"
}

/// For everybody.
#[public]
pub async fn landing() -> &'static str {
    "landing"
}

/// Handlers in an `impl` block.
#[derive(Debug)]
pub struct Api;

impl Api {
    /// By value.
    #[require(verified, check(odd))]
    pub async fn pay(user: Principal<Members>) -> String {
        std::future::ready(user.region.clone()).await
    }

    /// By reference.
    #[require(superuser)]
    #[must_use]
    pub fn refund(by: &Principal<Members>) -> bool {
        by.is_superuser
    }

    /// For everybody.
    #[public]
    pub async fn prices() -> &'static str {
        std::future::ready("free").await
    }
}

#[require(verified)]
async fn called(user: Principal<Callers>) -> String {
    user.phone.clone().unwrap_or_default()
}

#[require(scope("read"))]
async fn guest(user: Principal<Guests>) -> String {
    user.username.clone()
}

#[test]
fn expanded_items_are_what_they_say() {
    use crudauth::routing::{Router, get};

    let router: Router<Members> = Router::new()
        .route("/everything", get(everything))
        .route("/signed-in", get(signed_in))
        .route("/hidden", get(hidden))
        .route("/landing", get(landing))
        .route("/reports", get(reports))
        .route("/nightly", get(nightly))
        .route("/feed", get(feed))
        .route("/pay", get(Api::pay))
        .route("/prices", get(Api::prices));
    let guests: Router<Guests> = Router::new().route("/guest", get(guest));
    let callers: Router<Callers> = Router::new().route("/called", get(called));
    let sql = Member::create_table_sql(crudauth::Dialect::Sqlite);

    assert!(
        sql.contains("\"members\"") && sql.contains("\"mail\""),
        "{sql}"
    );
    assert!(!format!("{router:?}{guests:?}{callers:?}").is_empty());
    assert_eq!(format!("{:?}", GuestColumns::default()), "GuestColumns");
}
