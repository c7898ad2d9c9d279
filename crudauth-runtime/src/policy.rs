//! What the `auth!` block says, as plain values that are known at compile time.
//!
//! Every default is a `const` here and nowhere else; the macros only override fields of these structs.

use std::time::Duration;

use crate::clock::Timestamp;

mod bearer;
mod oauth;

pub use bearer::{Algorithm, BearerPolicy, RefreshPolicy};
pub use oauth::{OAuthPaths, OAuthPolicy, ProviderKind, ProviderPolicy};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The sections that every block has, whatever transports it declares.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Policy {
    /// `#[password(…)]`
    pub password: PasswordPolicy,
    /// `#[lockout(…)]`
    pub lockout: LockoutPolicy,
    /// `#[rate_limit(…)]`
    pub rate_limit: RateLimits,
    /// `#[proxy(…)]`
    pub proxy: ProxyPolicy,
    /// `#[email(…)]` and `#[channel(…)]`
    pub recovery: RecoveryPolicy,
    /// `#[cookies(…)]` is per transport; this is how long a sign-in counts as recent for `/set-password`
    /// (10 minutes; zero closes that route).
    pub fresh_sign_in: Duration,
}

impl Policy {
    /// What an empty block means.
    pub const DEFAULT: Self = Self {
        password: PasswordPolicy::DEFAULT,
        lockout: LockoutPolicy::DEFAULT,
        rate_limit: RateLimits::DEFAULT,
        proxy: ProxyPolicy::DEFAULT,
        recovery: RecoveryPolicy::DEFAULT,
        fresh_sign_in: Duration::from_mins(10),
    };
}

/// `#[password(…)]`: what a new password must be, and how it is stored.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch of the block"
)]
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    /// Fewest code points, after NFKC. 8 keeps the wire contract; NIST SP 800-63B-4 asks for 15 where the password is
    /// the only factor.
    pub min: usize,
    /// Most bytes, as sent, before any normalising or hashing. 1024.
    pub max: usize,
    /// Demand an upper-case letter. Off: NIST SP 800-63B-4 §3.1.1.2 advises against composition rules.
    pub uppercase: bool,
    /// Demand a lower-case letter. Off.
    pub lowercase: bool,
    /// Demand a digit. Off.
    pub digit: bool,
    /// Demand a character that is neither letter nor digit (a space counts). Off.
    pub special: bool,
    /// Accept one of the commonest passwords. Off.
    pub danger_common: bool,
    /// Accept the present password as the new one in `/change-password`. Off.
    pub reuse: bool,
    /// Product words that a password must not contain (parts of 4 and more characters).
    pub words: &'static [&'static str],
    /// argon2id parameters.
    pub argon2: Argon2Params,
    /// Hashes that may run at once; 0 stands for the number of cores.
    pub permits: usize,
    /// Requests that may wait for a permit. 64.
    pub queue: usize,
    /// Longest wait for a permit. 5 s.
    pub wait: Duration,
}

impl PasswordPolicy {
    /// What a block without `#[password]` means.
    pub const DEFAULT: Self = Self {
        min: 8,
        max: 1024,
        uppercase: false,
        lowercase: false,
        digit: false,
        special: false,
        danger_common: false,
        reuse: false,
        words: &[],
        argon2: Argon2Params::DEFAULT,
        permits: 0,
        queue: 64,
        wait: Duration::from_secs(5),
    };
}

/// Cost of one argon2id hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Argon2Params {
    /// m = 19 MiB, t = 2, p = 1 (OWASP Password Storage Cheat Sheet).
    pub const DEFAULT: Self = Self {
        m_kib: 19 * 1024,
        t: 2,
        p: 1,
    };
}

/// `#[lockout(…)]`: failed sign-ins per client address and per account.
#[derive(Debug, Clone, Copy)]
pub struct LockoutPolicy {
    /// Failures allowed within `window`. 5.
    pub max_attempts: u32,
    /// 60 s.
    pub window: Duration,
    /// Length of the first lock; doubles each round. 60 s.
    pub base: Duration,
    /// Longest lock. 1 h.
    pub max: Duration,
    /// How long after the end of a lock its round is remembered. 1 h.
    pub retention: Duration,
    /// Whether a success gives the address back the failures which this account caused. On (`clear_all`).
    pub clear_address: bool,
    /// Failures in a row after which an account is closed to strangers until the application unlocks it. 100
    /// (NIST SP 800-63B-4 §3.2.2).
    pub hard_stop: u32,
}

impl LockoutPolicy {
    /// What a block without `#[lockout]` means.
    pub const DEFAULT: Self = Self {
        max_attempts: 5,
        window: MINUTE,
        base: MINUTE,
        max: HOUR,
        retention: HOUR,
        clear_address: true,
        hard_stop: 100,
    };
}

/// A fixed-window limit. `times == 0` switches it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests allowed in one window.
    pub times: u32,
    /// Length of a window, aligned to the wall clock.
    pub per: Duration,
}

impl Limit {
    /// `times` in each period of `per`.
    #[must_use]
    pub const fn new(times: u32, per: Duration) -> Self {
        Self { times, per }
    }

    /// Beginning and end of the window that `now` lies in: aligned to the wall clock (contract §2.8).
    #[must_use]
    pub fn window(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let per = i64::try_from(self.per.as_micros())
            .unwrap_or(i64::MAX)
            .max(1);
        let start = now.as_micros() - now.as_micros().rem_euclid(per);
        (
            Timestamp::from_micros(start),
            Timestamp::from_micros(start.saturating_add(per)),
        )
    }
}

/// `#[rate_limit(…)]`: limits of the mounted routes.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// `POST /register`, per address: 5 an hour.
    pub register: Limit,
    /// `POST /change-password`, per user: 5 an hour.
    pub change_password: Limit,
    /// `POST /logout-all`, per user: 10 an hour.
    pub logout_all: Limit,
    /// `POST /csrf/refresh`, per address: 30 an hour.
    pub csrf_refresh: Limit,
    /// `POST /email/verify-request`, per address: 5 an hour. As many messages go to one account.
    pub email_verify_request: Limit,
    /// `POST /password/reset-request`, per address: 5 an hour. As many messages go to one account.
    pub password_reset_request: Limit,
    /// `POST /email/change-request`, per user: 3 an hour. As many messages go to one new address.
    pub email_change_request: Limit,
    /// `GET /oauth/{provider}/authorize`, per address: 30 an hour.
    pub oauth_authorize: Limit,
    /// Notices to the owner of an address that somebody tried to register: 5 an hour. What is above is not sent.
    pub existing_account_notice: Limit,
}

impl RateLimits {
    /// What a block without `#[rate_limit]` means.
    pub const DEFAULT: Self = Self {
        register: Limit::new(5, HOUR),
        change_password: Limit::new(5, HOUR),
        logout_all: Limit::new(10, HOUR),
        csrf_refresh: Limit::new(30, HOUR),
        email_verify_request: Limit::new(5, HOUR),
        password_reset_request: Limit::new(5, HOUR),
        email_change_request: Limit::new(3, HOUR),
        oauth_authorize: Limit::new(30, HOUR),
        existing_account_notice: Limit::new(5, HOUR),
    };
}

/// `#[email(…)]` and `#[channel(…)]`: proving an address, getting back into an account, moving to another address.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch of the block"
)]
#[derive(Debug, Clone, Copy)]
pub struct RecoveryPolicy {
    /// The block declares `#[email]`: links are mailed.
    pub mail: bool,
    /// The block declares `#[channel]`: the application delivers.
    pub channel: bool,
    /// Where every link begins: scheme and host of the application's pages, never taken from a request (SEC-094).
    /// The builder may give another.
    pub frontend_url: Option<&'static str>,
    /// How long a verification link is good. 24 h.
    pub verify_ttl: Duration,
    /// How long a link to a new password is good. 1 h.
    pub reset_ttl: Duration,
    /// How long a link that confirms another address is good. 24 h.
    pub change_ttl: Duration,
    /// How long the former address can take a change back. 7 d.
    pub undo_ttl: Duration,
    /// The page that reads a verification link. `/verify-email`.
    pub verify_path: &'static str,
    /// The page that asks for the new password. `/reset-password`.
    pub reset_path: &'static str,
    /// The page that confirms another address. `/confirm-email-change`.
    pub change_path: &'static str,
    /// The page that takes a change back. `/undo-email-change`.
    pub undo_path: &'static str,
    /// Whether nobody signs in before the address is proven. Off.
    pub require_verified: bool,
    /// Whether a change of address ends the account's other sessions. Off: contract §1.13 keeps them.
    pub evict_on_change: bool,
}

impl RecoveryPolicy {
    /// What a block without `#[email]` and `#[channel]` means: nothing of it is mounted.
    pub const DEFAULT: Self = Self {
        mail: false,
        channel: false,
        frontend_url: None,
        verify_ttl: DAY,
        reset_ttl: HOUR,
        change_ttl: DAY,
        undo_ttl: DAY.saturating_mul(7),
        verify_path: "/verify-email",
        reset_path: "/reset-password",
        change_path: "/confirm-email-change",
        undo_path: "/undo-email-change",
        require_verified: false,
        evict_on_change: false,
    };

    /// Whether messages go out at all, so that `/register` can answer alike for every address.
    #[must_use]
    pub const fn delivers(&self) -> bool {
        self.mail || self.channel
    }
}

/// `#[sudo(…)]`: proving once more who one is, before what cannot be taken back.
#[derive(Debug, Clone, Copy)]
pub struct SudoPolicy {
    /// How long a proof is good, whatever the session does meanwhile. 5 min; 15 min at most, or a stolen session would inherit
    /// it (SEC-122).
    pub ttl: Duration,
    /// Wrong proofs of an account before its elevations end and no other is looked at. 3.
    pub max_attempts: u32,
    /// For how long. 15 min.
    pub lockout: Duration,
    /// Mount `POST /sudo`. Off.
    pub route: bool,
}

impl SudoPolicy {
    /// What `#[sudo]` means.
    pub const DEFAULT: Self = Self {
        ttl: Duration::from_mins(5),
        max_attempts: 3,
        lockout: Duration::from_mins(15),
        route: false,
    };
}

/// `#[proxy(…)]`: which forwarding headers are believed.
#[derive(Debug, Clone, Copy)]
pub struct ProxyPolicy {
    /// Reverse proxies in front of the application, each of which appends to `X-Forwarded-For`. 0: the header is ignored.
    pub trusted_hops: usize,
}

impl ProxyPolicy {
    /// What a block without `#[proxy]` means.
    pub const DEFAULT: Self = Self { trusted_hops: 0 };
}

/// `SameSite` of a cookie (RFC 6265bis §5.6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Sent on top-level navigation from elsewhere. The default.
    Lax,
    /// Sent from everywhere. For the refresh cookie of a page on another site only: no session has it.
    None,
    /// Sent only from the same site.
    Strict,
}

/// `#[session(…)]`: cookie sessions.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch of the block"
)]
#[derive(Debug, Clone, Copy)]
pub struct SessionPolicy {
    /// Name of the session cookie. `session_id`.
    pub cookie: &'static str,
    /// Name of the CSRF cookie. `csrf_token`.
    pub csrf_cookie: &'static str,
    /// Name of the device cookie. `device_id`.
    pub device_cookie: &'static str,
    /// The `Secure` attribute. On; off only by `danger_insecure_cookies`, which binds to loopback only.
    pub secure: bool,
    /// The `SameSite` attribute. Lax.
    pub same_site: SameSite,
    /// The `Path` attribute. `/`.
    pub path: &'static str,
    /// A session unused for this long is dead. 30 min.
    pub idle: Duration,
    /// A session is dead this long after sign-in, whatever its use. 12 h.
    pub absolute: Duration,
    /// Both limits of a session opened with `remember_me`. 30 d.
    pub remember_me: Duration,
    /// Live sessions an account may have; the least recently active are ended. 5.
    pub max_sessions: u32,
    /// The synchroniser token. On; off only by `danger_no_csrf`.
    pub csrf: bool,
    /// Also mount `/sessions`, `/logout-all` and `/csrf/refresh`. Off.
    pub management: bool,
    /// Refuse unsafe requests marked `Sec-Fetch-Site: same-site` too. Off.
    pub refuse_same_site: bool,
    /// Give the calling session a new id and CSRF token on password change. Off: contract §1.6 keeps both.
    pub rotate_on_change: bool,
    /// Name of a form field that may carry the CSRF token in place of the header, for server-rendered pages.
    pub csrf_field: Option<&'static str>,
    /// How often expired sessions are swept. 15 min.
    pub sweep: Duration,
}

impl SessionPolicy {
    /// What a block without `#[session]` keys means.
    pub const DEFAULT: Self = Self {
        cookie: "session_id",
        csrf_cookie: "csrf_token",
        device_cookie: "device_id",
        secure: true,
        same_site: SameSite::Lax,
        path: "/",
        idle: Duration::from_mins(30),
        absolute: Duration::from_hours(12),
        remember_me: DAY.saturating_mul(30),
        max_sessions: 5,
        csrf: true,
        management: false,
        refuse_same_site: false,
        rotate_on_change: false,
        csrf_field: None,
        sweep: Duration::from_mins(15),
    };
}
