//! What may be written, and how it is read.

use darling::FromMeta;
use darling::util::SpannedValue;

use crate::read::name::{CookieName, CookiePath, FieldName, SameSite};
use crate::read::section::Key;
use crate::read::value::{Count, Lifetime, Switch};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "cookie",
        "cookie name",
        "\"session_id\"",
        "Name of the session cookie.",
    ),
    Key::new(
        "csrf_cookie",
        "cookie name",
        "\"csrf_token\"",
        "Name of the CSRF cookie.",
    ),
    Key::new(
        "device_cookie",
        "cookie name",
        "\"device_id\"",
        "Name of the device cookie.",
    ),
    Key::new(
        "host_prefix",
        "switch",
        "off",
        "Names the cookies `__Host-…`, so that no subdomain can plant one.",
    ),
    Key::new(
        "danger_insecure_cookies",
        "switch",
        "off",
        "Drops `Secure`: anyone on the network reads the cookie (session hijacking).",
    ),
    Key::new(
        "same_site",
        "\"lax\" or \"strict\"",
        "\"lax\"",
        "The `SameSite` attribute.",
    ),
    Key::new("path", "path", "\"/\"", "The `Path` attribute."),
    Key::new(
        "idle",
        "lifetime",
        "\"30m\"",
        "A session unused for this long is dead.",
    ),
    Key::new(
        "absolute",
        "lifetime",
        "\"12h\"",
        "A session is dead this long after sign-in.",
    ),
    Key::new(
        "remember_me",
        "lifetime",
        "\"30d\"",
        "Both limits of a session opened with `remember_me`.",
    ),
    Key::new(
        "max_sessions",
        "number",
        "5",
        "Live sessions an account may have.",
    ),
    Key::new(
        "danger_no_csrf",
        "switch",
        "off",
        "Drops the CSRF token: other sites can act as the user (cross-site request forgery).",
    ),
    Key::new(
        "csrf_field",
        "form field name",
        "none",
        "A form field that may carry the CSRF token.",
    ),
    Key::new(
        "management",
        "switch",
        "off",
        "Mounts `/sessions`, `/logout-all` and `/csrf/refresh`.",
    ),
    Key::new(
        "refuse_same_site",
        "switch",
        "off",
        "Refuses unsafe requests from sibling subdomains too.",
    ),
    Key::new(
        "rotate_on_change",
        "switch",
        "off",
        "Gives the session a new id when the password changes.",
    ),
    Key::new(
        "sweep",
        "lifetime",
        "\"15m\"",
        "How often expired sessions are removed.",
    ),
];

#[derive(FromMeta, Default)]
#[darling(default)]
pub(super) struct Args {
    pub(super) cookie: Option<SpannedValue<CookieName>>,
    pub(super) csrf_cookie: Option<SpannedValue<CookieName>>,
    pub(super) device_cookie: Option<SpannedValue<CookieName>>,
    pub(super) host_prefix: Option<SpannedValue<Switch>>,
    pub(super) danger_insecure_cookies: Option<SpannedValue<Switch>>,
    pub(super) same_site: Option<SameSite>,
    pub(super) path: Option<SpannedValue<CookiePath>>,
    pub(super) idle: Option<SpannedValue<Lifetime>>,
    pub(super) absolute: Option<SpannedValue<Lifetime>>,
    pub(super) remember_me: Option<SpannedValue<Lifetime>>,
    pub(super) max_sessions: Option<Count<1, 1000>>,
    pub(super) danger_no_csrf: Option<SpannedValue<Switch>>,
    pub(super) csrf_field: Option<SpannedValue<FieldName>>,
    pub(super) management: Option<Switch>,
    pub(super) refuse_same_site: Option<Switch>,
    pub(super) rotate_on_change: Option<Switch>,
    pub(super) sweep: Option<Lifetime>,
}
