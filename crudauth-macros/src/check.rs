//! Step 3, rules that look at more than one declaration.
//!
//! - [`user`]: the shape of the account struct
//!   - [`roles`]: every role once, the needed ones there
//!   - [`proofs`]: what says whether something is proven stands beside it
//!   - [`register`]: nothing of ours can be set by a client
//!   - [`names`]: no column twice
//!   - [`types`]: a column can hold what its role stores
//!   - [`repr`]: only a UUID has forms to choose from
//! - [`app`]: refused combinations of sections (design §7), each with its attack and its override
//!   - [`shared_keys`]: a setting is written once
//!   - [`pages`]: a page reads one kind of link
//!   - [`cookies`]: no two sections set the same cookie

use proc_macro2::Span;

use crate::diag::{Cx, spelled};
use crate::model::{App, Column, Facts, Page, Role, UserModel, last_segment, option_of};

/// Judges the account struct.
pub(crate) fn user(cx: &Cx, user: &UserModel) {
    roles(cx, user);
    proofs(cx, user);
    names(cx, user);
    for column in user.columns() {
        register(cx, column);
        types(cx, column);
        repr(cx, column);
    }
}

/// Every role is played once, and the roles without which nobody could sign in are there.
fn roles(cx: &Cx, user: &UserModel) {
    for (at, column) in user.columns().enumerate() {
        let first = user.columns().take(at).find(|other| {
            let same = other.role == column.role && other.provider == column.provider;
            same && other.role != Role::Own
        });
        if let Some(first) = first {
            let at = |provider| format!(" = {provider:?}");
            let provider = column.provider.as_ref().map(at).unwrap_or_default();
            let word = format!("{}{provider}", column.role.word());
            cx.error(
                column.role_span,
                format!(
                    "two fields are the `{word}` column: `{}` and `{}`",
                    first.ident, column.ident
                ),
                format!("mark the one that is not with `#[auth(own)]`, or remove `{word}` from it"),
            );
        }
    }
    let missing = |role: Role| user.column(role).is_none();
    if missing(Role::Id) {
        cx.error_on(
            &user.name,
            format!("`{}` has no primary key", user.name),
            "add a field `id: i64`, or mark yours `#[auth(id)]`",
        );
    }
    if missing(Role::Email) && missing(Role::Username) {
        cx.error_on(
            &user.name,
            format!("`{}` has no column to sign in with", user.name),
            "add a field `email: String` or `username: String`, or mark yours `#[auth(email)]` or `#[auth(username)]`",
        );
    }
    if missing(Role::PasswordHash) {
        cx.error_on(
            &user.name,
            format!("`{}` has no column for the password hash", user.name),
            "add a field `password_hash: PasswordHash`, or mark yours `#[auth(password)]`",
        );
    }
}

/// What says whether something is proven stands beside it.
fn proofs(cx: &Cx, user: &UserModel) {
    let alone = |proof: Role, of: Role| user.column(proof).filter(|_| user.column(of).is_none());
    if let Some(column) = alone(Role::EmailVerified, Role::Email) {
        cx.error(
            column.role_span,
            "`email_verified` says whether the e-mail address is proven, and there is no e-mail column",
            "add a field `email: String`, or mark this one `#[auth(own)]`",
        );
    }
    if let Some(column) = alone(Role::RecoveryVerified, Role::Recovery) {
        cx.error(
            column.role_span,
            "`recovery_verified` says whether what recovers a password is proven, and no field is marked `recovery`",
            "mark one `#[auth(recovery)]`, or write `#[auth(email_verified)]` for the e-mail address",
        );
    }
}

/// What a client may set at sign-up is an allow-list of the application's own columns. A privileged column in it would
/// be mass assignment: `{"is_superuser": true}` in a sign-up body makes an administrator.
fn register(cx: &Cx, column: &Column) {
    let ident = &column.ident;
    if matches!(column.role, Role::Own | Role::Recovery) {
        if column.register.is_none() && column.max_length.is_some() {
            cx.error_on(
                ident,
                "`max_length` limits what a client may send, and no client can set this column",
                "add `register`, or remove `max_length`",
            );
        }
        return;
    }
    let (word, owns) = (
        column.role.word(),
        "mark the field `#[auth(own)]` if it is not what its name says",
    );
    if let Some(span) = column.register {
        let attack = match column.role {
            Role::Email | Role::Username => format!("`{word}` is part of every sign-up already, checked and made unique"),
            Role::PasswordHash => "a password hash that a client may set skips hashing and every password rule (mass assignment)".into(),
            _ => format!("a client that may set `{word}` at sign-up gives itself what only crudauth may give (mass assignment)"),
        };
        cx.error(span, attack, format!("remove `register`, or {owns}"));
    }
    if column.default.is_some() || column.new_user {
        cx.error(
            column.role_span,
            format!("crudauth itself fills `{word}` in a new row"),
            format!("remove `default` and `new_user`, or {owns}"),
        );
    }
}

/// No two fields share a column; SQL names do not distinguish case.
fn names(cx: &Cx, user: &UserModel) {
    for (at, column) in user.columns().enumerate() {
        if let Some(first) = user
            .columns()
            .take(at)
            .find(|other| other.name.eq_ignore_ascii_case(&column.name))
        {
            cx.error(
                column.name_span,
                format!(
                    "two fields are the column `{}`: `{}` and `{}`",
                    column.name, first.ident, column.ident
                ),
                "give one of them another `#[auth(column = \"…\")]`, or mark it `#[auth(skip)]`",
            );
        }
    }
}

/// Well-known types that cannot hold the column are told here, once; the rest is left to the compiler by an assertion
/// on the field's type.
fn types(cx: &Cx, column: &Column) {
    let flag: &[&str] = &["bool"];
    let (wanted, why) = match column.role {
        Role::EmailVerified | Role::RecoveryVerified | Role::IsActive | Role::IsSuperuser => {
            (flag, "is a yes or no")
        }
        Role::TokenVersion => (
            &["i64"] as &[&str],
            "is a counter that starts at a random number",
        ),
        Role::Email | Role::Username | Role::Recovery => {
            (&["String", "Option<String>"] as &[&str], "is a text")
        }
        Role::PasswordHash => (
            &["PasswordHash", "Option<PasswordHash>"] as &[&str],
            "is redacted in Debug and never serialised",
        ),
        Role::Id => (&["i64", "Uuid", "String"] as &[&str], "is the primary key"),
        Role::Identity => (
            &["Option<String>"] as &[&str],
            "is a text, and NULL for whoever has none there",
        ),
        Role::CreatedAt | Role::UpdatedAt | Role::Own => return,
    };
    let shown = short(&column.ty);
    let id = column.role == Role::Id;
    if wanted.contains(&shown.as_str())
        || !(KNOWN.contains(&shown.as_str()) || option_of(&column.ty).is_some())
    {
        return;
    }
    let hint = if id {
        ", or a newtype that implements `AccountKey`"
    } else {
        ""
    };
    cx.error_on(
        &column.ty,
        format!(
            "`{}` {why}, and `{}` cannot hold it",
            column.role.word(),
            spelled(&column.ty)
        ),
        format!(
            "write `{}: {}`{hint}, or mark the field `#[auth(own)]`",
            column.ident,
            wanted.first().copied().unwrap_or_default()
        ),
    );
}

/// `repr` names one of the forms of a UUID. Of a type that is not known here, a newtype over a UUID perhaps, the compiler
/// decides.
fn repr(cx: &Cx, column: &Column) {
    let Some((_, span)) = column.repr else { return };
    let what = "`repr` says how a UUID is kept, and";
    let shown = short(column.optional().unwrap_or(&column.ty));
    if !matches!(column.role, Role::Id | Role::Own) {
        cx.error(
            span,
            format!("{what} `{}` is none", column.role.word()),
            "remove `repr`",
        );
    } else if KNOWN.contains(&shown.as_str()) && !column.is_uuid() {
        let uuid = if column.optional().is_some() {
            "Option<Uuid>"
        } else {
            "Uuid"
        };
        let fix = format!("remove `repr`, or write `{}: {uuid}`", column.ident);
        cx.error(
            span,
            format!("{what} `{}` is none", spelled(&column.ty)),
            fix,
        );
    }
}

/// A type without the modules in its path.
fn short(ty: &syn::Type) -> String {
    match (option_of(ty), last_segment(ty)) {
        (Some(inner), _) => format!("Option<{}>", short(inner)),
        (None, Some(segment)) if segment.arguments.is_none() => segment.ident.to_string(),
        _ => spelled(ty),
    }
}

/// Types whose names everybody knows.
const KNOWN: &[&str] = &[
    "bool",
    "char",
    "String",
    "str",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "f32",
    "f64",
    "Uuid",
    "OffsetDateTime",
    "PrimitiveDateTime",
    "PasswordHash",
    "Vec<u8>",
    "&'staticstr",
];

/// One refused combination.
pub(crate) struct Refused {
    /// As written in `#[allow(…)]`.
    pub(crate) name: &'static str,
    /// Where it was declared, if it was.
    found: fn(&Facts) -> Option<Span>,
    /// What is combined, and the attack that it opens.
    pub(crate) attack: &'static str,
    fix: &'static str,
}

/// Combinations that are known to be unsafe. Each can be allowed with `#[allow(name, reason = "…")]`.
pub(crate) const REFUSED: &[Refused] = &[
    Refused {
        name: "insecure_cookies_behind_proxy",
        found: |facts| facts.insecure_cookies.filter(|_| facts.trusted_hops > 0),
        // Firesheep, 2010: whoever shares the network reads the cookie and is signed in.
        attack: "`danger_insecure_cookies` is for a laptop, and `#[proxy(…)]` says that others reach this server: a session cookie without `Secure` can be read on the network (session hijacking)",
        fix: "remove `danger_insecure_cookies`",
    },
    Refused {
        name: "common_passwords_without_lockout",
        found: |facts| {
            facts
                .common_passwords
                .filter(|_| facts.max_attempts.is_some_and(|most| most > 20))
        },
        attack: "`danger_common` accepts the passwords that attackers try first, and `max_attempts` above 20 lets them try (password spraying)",
        fix: "remove one of them",
    },
    Refused {
        name: "unlimited_messages",
        found: |facts| {
            facts
                .unlimited_messages
                .filter(|_| facts.mails || facts.delivers)
        },
        attack: "a limit of messages that is \"off\" lets anybody fill a stranger's mailbox in your name, at your cost (mail bombing)",
        fix: "write a limit such as \"5/h\"",
    },
    Refused {
        name: "refresh_without_rotation",
        found: |facts| facts.unrotated,
        attack: "a refresh token that is never replaced works for a thief as long as for its owner, and nobody notices (token theft; RFC 9700 §4.14.2)",
        fix: "remove `rotate = false`",
    },
];

/// Judges the block.
pub(crate) fn app(cx: &Cx, app: &App) {
    for section in &app.sections {
        section.feature.check(cx);
    }
    let facts = app.facts();
    shared_keys(cx, &facts);
    pages(cx, &facts);
    cookies(cx, &facts);
    let rules: Vec<_> = REFUSED.iter().map(|rule| rule.name).collect();
    for name in &facts.allowed {
        if !rules.iter().any(|rule| name.is_ident(rule)) {
            cx.unknown_key("`#[allow]` inside `auth!`", name, &rules);
        }
    }
    for rule in REFUSED {
        let allowed = facts.allowed.iter().any(|name| name.is_ident(rule.name));
        if let Some(span) = (rule.found)(&facts).filter(|_| !allowed) {
            let fix = format!(
                "{}, or write `#[allow({}, reason = \"…\")]`",
                rule.fix, rule.name
            );
            cx.error(span, rule.attack, fix);
        }
    }
}

/// What `#[email]` and `#[channel]` have in common is written once.
fn shared_keys(cx: &Cx, facts: &Facts) {
    for (key, span) in facts.channel_keys.iter().filter(|_| facts.mails) {
        cx.error(
            *span,
            format!("`{key}` is one setting of both `#[email]` and `#[channel]`"),
            format!("write it in `#[email({key} = …)]`, and remove it here"),
        );
    }
}

/// A page reads one kind of link: it could not tell what another is for.
fn pages(cx: &Cx, facts: &Facts) {
    let path = |page: &Page| page.path.trim_end_matches('/').to_owned();
    for (at, page) in facts.pages.iter().enumerate() {
        let before = facts.pages.iter().take(at);
        for other in before.filter(|other| path(other) == path(page)) {
            if let Some(span) = page.written.or(other.written) {
                cx.error(
                    span,
                    format!(
                        "`{}` and `{}` are the same page, which could not tell what a link is for",
                        other.key, page.key
                    ),
                    "write another path",
                );
            }
        }
    }
}

/// Two cookies of one name would overwrite each other. Those of one section it judges itself; the device cookie is meant to be
/// one for both.
fn cookies(cx: &Cx, facts: &Facts) {
    let ours = |key: &str| matches!(key, "refresh" | "refresh_device");
    for (name, ours_is, span) in facts.cookies.iter().filter(|(_, key, _)| ours(key)) {
        let shared = |key: &str| *ours_is == "refresh_device" && key == "device_cookie";
        let other = facts
            .cookies
            .iter()
            .find(|(other, key, _)| other == name && !ours(key) && !shared(key));
        if let Some((_, key, _)) = other {
            let fix = if *ours_is == "refresh" {
                "write another name, such as `refresh(cookie = \"refresh_token\")`"
            } else {
                "write another name, such as `refresh(device_cookie = \"device_id\")`"
            };
            cx.error(
                *span,
                format!(
                    "the session's `{key}` is called `{name}` too, so one would overwrite the other"
                ),
                fix,
            );
        }
    }
}
