// The block of the README with everything switched on.
use crudauth::{AuthUser, Hooks, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

pub struct Welcome;

impl Hooks<User> for Welcome {}

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Plan;

impl crudauth::bearer::Claims<User> for Plan {
    fn of(_: &User) -> Self {
        Self
    }
}

pub struct ApiKeys;

impl crudauth::transport::OwnTransport<Auth> for ApiKeys {
    const NAME: &'static str = "api_key";

    async fn authenticate(
        _: &Auth,
        _: &crudauth::transport::Parts,
    ) -> Result<Option<crudauth::transport::Caller<Auth>>, crudauth::Problem> {
        Ok(None)
    }
}

auth! {
    /// Sign-in for the shop.
    #[session(
        management, host_prefix,     // default: off
        same_site = "strict",        // default: "lax"
        csrf_field = "csrf_token",   // default: none
        path = "/",                  // the cookies' names are keys too: cookie, csrf_cookie, device_cookie
        idle = "30m", absolute = "12h", remember_me = "30d", max_sessions = 5, sweep = "15m",
        refuse_same_site, rotate_on_change, // default: off
    )]
    #[bearer(                        // default: no tokens
        access = "15m",
        refresh(ttl = "30d", deliver = "cookie", rotate, grace = "10s", cookie = "refresh_token", path = "/", same_site = "lax"),
        scopes(default("read"), grantable("read", "reports:read")), // default: none
        algorithm = "HS256", typ = "JWT", check = "epoch",
        issuer = "https://shop.example.com", audience = "https://shop.example.com", claims(Plan), // default: none
        revocation, introspection,   // default: off
    )]
    #[transport(ApiKeys)]            // default: none of yours
    #[password(
        strict,                      // default: off (min = 8)
        words("acme"),               // default: none
        max = 1024, fresh_sign_in = "10m",
        argon2(m = "19MiB", t = 2, p = 1), queue = 64, wait = "5s",
    )]
    #[lockout(max_attempts = 5, window = "60s", base = "60s", max = "1h", retention = "1h", hard_stop = 100,
        on_success = "clear_all")]
    #[rate_limit(register = "5/h", change_password = "5/h", logout_all = "10/h", csrf_refresh = "30/h",
        oauth_authorize = "30/h", email_verify_request = "5/h", password_reset_request = "5/h", email_change_request = "3/h",
        existing_account_notice = "5/h")]
    #[email(                         // default: none of its routes
        frontend_url = "https://shop.example.com",
        verify_ttl = "24h", reset_ttl = "1h", change_ttl = "24h", undo_ttl = "7d",
        verify_path = "/verify-email", reset_path = "/reset-password",
        change_path = "/confirm-email-change", undo_path = "/undo-email-change",
        require_verified, evict_on_change, // default: off
    )]
    #[sudo(                          // default: nothing asks for it
        ttl = "5m", max_attempts = 3, lockout = "15m",
        route,                       // default: off
    )]
    #[oauth(                         // default: nobody signs in elsewhere; with the cargo feature `oauth`
        google, microsoft(trusted = false), oidc("sso"), provider("linkedin"),
        response = "redirect", default_redirect = "/", state_ttl = "10m",
        paths(prefix = "/oauth", authorize = "/{provider}/authorize", callback = "/{provider}/callback"),
        exchange("com.example.shop:/signed-in"), // default: none; with `#[bearer]`
        keep_tokens,                 // default: off
    )]
    #[proxy(trusted_hops = 1)]       // default: 0
    #[database(sqlite)]
    #[tables(prefix = "auth_")]
    #[hooks(Welcome)]                // default: none
    pub struct Auth<User>;
}

pub fn main() {}
