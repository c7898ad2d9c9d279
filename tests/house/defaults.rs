//! The attribute reference and the runtime mean the same defaults: a block that spells out every one of them is the
//! empty block.

use crudauth::__private::oauth::HasOAuth;
use crudauth::__private::sudo::HasSudo;
use crudauth::bearer::HasBearer;
use crudauth::session::HasSession;
use crudauth::{AuthUser, Authority, PasswordHash, auth};

const REFERENCE: &str = include_str!("../../src/guide/reference.md");

/// An account.
#[derive(Debug, Clone, AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

/// A block, and its text beside it.
macro_rules! spelled {
    ($($block:tt)*) => {
        auth! { $($block)* }
        const TEXT: &str = stringify!($($block)*);
    };
}

spelled! {
    #[password(
        min = 8,
        max = 1024,
        strict = false,
        uppercase = false,
        lowercase = false,
        digit = false,
        special = false,
        danger_common = false,
        reuse = false,
        argon2(m = "19MiB", t = 2, p = 1),
        queue = 64,
        wait = "5s",
        fresh_sign_in = "10m"
    )]
    #[session(
        cookie = "session_id",
        csrf_cookie = "csrf_token",
        device_cookie = "device_id",
        host_prefix = false,
        danger_insecure_cookies = false,
        same_site = "lax",
        path = "/",
        idle = "30m",
        absolute = "12h",
        remember_me = "30d",
        max_sessions = 5,
        danger_no_csrf = false,
        management = false,
        refuse_same_site = false,
        rotate_on_change = false,
        sweep = "15m"
    )]
    #[bearer(
        access = "15m",
        refresh(
            ttl = "30d",
            deliver = "cookie",
            rotate,
            grace = "10s",
            cookie = "refresh_token",
            device_cookie = "device_id",
            path = "/",
            same_site = "lax",
            danger_insecure_cookies = false
        ),
        algorithm = "HS256",
        typ = "JWT",
        check = "epoch",
        revocation = false,
        introspection = false,
        jwks = false
    )]
    #[lockout(
        max_attempts = 5,
        window = "60s",
        base = "60s",
        max = "1h",
        retention = "1h",
        hard_stop = 100,
        on_success = "clear_all"
    )]
    #[rate_limit(
        register = "5/h",
        change_password = "5/h",
        logout_all = "10/h",
        csrf_refresh = "30/h",
        oauth_authorize = "30/h",
        email_verify_request = "5/h",
        password_reset_request = "5/h",
        email_change_request = "3/h",
        existing_account_notice = "5/h"
    )]
    #[email(
        frontend_url = "https://app.example.com",
        verify_ttl = "24h",
        reset_ttl = "1h",
        change_ttl = "24h",
        undo_ttl = "7d",
        verify_path = "/verify-email",
        reset_path = "/reset-password",
        change_path = "/confirm-email-change",
        undo_path = "/undo-email-change",
        require_verified = false,
        evict_on_change = false
    )]
    #[sudo(ttl = "5m", max_attempts = 3, lockout = "15m", route = false)]
    #[oauth(
        google(trusted = true),
        response = "redirect",
        default_redirect = "/",
        paths(
            prefix = "/oauth",
            authorize = "/{provider}/authorize",
            callback = "/{provider}/callback"
        ),
        state_ttl = "10m",
        keep_tokens = false
    )]
    #[proxy(trusted_hops = 0)]
    #[database(sqlite)]
    #[tables(prefix = "auth_")]
    pub struct Spelled<User>;
}

auth! {
    #[session]
    #[bearer]
    #[sudo]
    #[oauth(google)]
    #[email(frontend_url = "https://app.example.com")]
    pub struct Empty<User>;
}

/// `section key = value` for each key of a section that has a default.
fn documented() -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in REFERENCE.lines() {
        if let Some(name) = line.strip_prefix("### `#[") {
            name.trim_end_matches("]`").clone_into(&mut section);
        } else if line.starts_with('#') {
            section.clear();
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, key, kind, default, ..] = cells[..] else {
            continue;
        };
        let key = key.trim_matches('`');
        let key = key
            .split_once('(')
            .map_or(key, |(_, key)| key.trim_end_matches(')'));
        let value = match (kind, default) {
            ("switch", "off") => "false",
            ("switch", "on") => {
                found.push((section.clone(), key.to_owned()));
                continue;
            }
            (_, default) if default.starts_with('`') => default.trim_matches('`'),
            _ => continue,
        };
        found.push((section.clone(), format!("{key} = {value}")));
    }
    found.retain(|(section, _)| !section.is_empty());
    found
}

#[test]
fn every_documented_default_is_spelled_out_above() {
    let text = TEXT.split_whitespace().collect::<Vec<_>>().join(" ");
    let documented = documented();
    assert!(documented.len() > 35, "{}", documented.len());
    for (section, entry) in documented {
        // Beside `#[email]`, which has the same keys, `#[channel]` takes none.
        let section = if section == "channel" {
            "email"
        } else {
            &section
        };
        let (_, rest) = text.split_once(&format!("#[{section}(")).unwrap();
        let (keys, _) = rest.split_once(")]").unwrap();
        let keys = keys
            .replace("argon2(", "")
            .replace("refresh(", "")
            .replace("paths(", "")
            .replace(')', "");
        assert!(
            keys.split(',').any(|key| key.trim() == entry),
            "{section}: {entry}"
        );
    }
}

#[test]
fn a_block_of_defaults_is_the_empty_block() {
    assert_eq!(
        format!("{:?}", Spelled::POLICY),
        format!("{:?}", Empty::POLICY)
    );
    assert_eq!(
        format!("{:?}", Spelled::BEARER),
        format!("{:?}", Empty::BEARER)
    );
    assert_eq!(
        format!("{:?}", Empty::BEARER),
        format!("{:?}", crudauth::__private::BearerPolicy::DEFAULT)
    );
    assert_eq!(format!("{:?}", Spelled::SUDO), format!("{:?}", Empty::SUDO));
    assert_eq!(
        format!("{:?}", Spelled::OAUTH),
        format!("{:?}", Empty::OAUTH)
    );
    assert_eq!(
        format!("{:?}", Spelled::SESSION),
        format!("{:?}", Empty::SESSION)
    );
}
