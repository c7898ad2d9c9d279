/// Sign-in for the shop.
#[session(management, host_prefix, same_site = "strict", idle = "15m")]
#[password(strict, words("acme"), argon2(m = "64MiB", t = 3))]
#[lockout(max_attempts = 7, on_success = "clear_user_only")]
#[rate_limit(register = "off", logout_all = "3/m")]
#[proxy(trusted_hops = 1)]
#[database(sqlite)]
#[tables(prefix = "shop_")]
#[hooks(crate::hooks::MyHooks)]
pub(crate) Auth<crate::User>;
