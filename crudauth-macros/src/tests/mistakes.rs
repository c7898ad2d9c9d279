//! Every mistake is told in our words.

use proc_macro2::TokenStream;

use super::{messages, told};
use crate::guard;

const FIELDS: &str = "id: i64, email: String, password_hash: PasswordHash";

#[test]
fn mistakes_in_the_struct_are_told() {
    for (text, needle) in [
        (format!("enum User {{ A({FIELDS}) }}").replace("id: i64, email: String, password_hash: PasswordHash", "i64"), "this is not a struct"),
        ("struct User(i64);".into(), "takes column names from field names"),
        (format!("struct User<T> {{ {FIELDS}, t: T }}"), "takes no parameters"),
        ("struct User { email: String, password_hash: PasswordHash }".into(), "has no primary key"),
        ("struct User { id: i64, password_hash: PasswordHash }".into(), "no column to sign in with"),
        ("struct User { id: i64, email: String }".into(), "no column for the password hash"),
        (format!("struct User {{ {FIELDS}, #[auth(email)] mail: String }}"), "two fields are the `email` column"),
        (format!("struct User {{ {FIELDS}, #[auth(column = \"EMAIL\")] x: String }}"), "two fields are the column `EMAIL`"),
        (format!("struct User {{ {FIELDS}, #[auth(register)] is_superuser: bool }}"), "mass assignment"),
        (format!("struct User {{ {FIELDS}, #[auth(register, skip)] x: bool }}"), "`skip` says"),
        (format!("struct User {{ {FIELDS}, #[auth(regster)] x: bool }}"), "did you mean `register`"),
        (format!("struct User {{ {FIELDS}, #[auth(emial)] x: String }}"), "did you mean `email`"),
        (format!("struct User {{ {FIELDS}, #[auth(column = \"a\\\";--\")] x: String }}"), "is not an SQL name"),
        (format!("#[auth(table = \"us ers\")] struct User {{ {FIELDS} }}"), "is not an SQL name"),
        (format!("#[auth(tabel = \"users\")] struct User {{ {FIELDS} }}"), "did you mean `table`"),
        (format!("#[auth(crate(renamed))] struct User {{ {FIELDS} }}"), "write `crate(::renamed)`"),
        (format!("struct User {{ {FIELDS}, is_active: i64 }}"), "cannot hold it"),
        (format!("struct User {{ {FIELDS}, #[auth(default = f())] x: i64 }}"), "a default is a literal"),
        (format!("struct User {{ {FIELDS}, #[auth(max_length = 5)] x: String }}"), "no client can set"),
        (format!("struct User {{ {FIELDS}, #[auth(repr = \"simpel\")] x: Uuid }}"), "did you mean \"simple\"?"),
        (format!("struct User {{ {FIELDS}, #[auth(repr = \"text\")] x: Uuid }}"), "expected one of: simple, hyphenated, blob"),
        (format!("struct User {{ {FIELDS}, #[auth(repr)] x: Uuid }}"), "write `repr = \"hyphenated\"`"),
        (format!("struct User {{ {FIELDS}, #[auth(repr = \"simple\")] x: Option<String> }}"), "`Option<String>` is none; remove `repr`, or write `x: Option<Uuid>`"),
        (format!("struct User {{ {FIELDS}, #[auth(repr = \"simple\")] created_at: Instant }}"), "`created_at` is none; remove `repr`"),
        ("struct User { #[auth(repr = \"blob\")] id: i64, email: String, password_hash: PasswordHash }".into(), "write `id: Uuid`"),
        (format!("struct User {{ {FIELDS}, #[auth(repr = \"simple\", skip)] x: Uuid }}"), "and `repr` that it is"),
        (format!("struct User {{ {FIELDS}, #[auth] x: String }}"), "says nothing without its keys"),
        (format!("struct User {{ {FIELDS}, #[auth(id = 3)] x: String }}"), "is a role and takes no value"),
        (format!("struct User {{ {FIELDS}, #[auth(id, email)] x: String }}"), "already marked `id`"),
        (format!("struct User {{ {FIELDS}, #[auth(default = true)] is_active: bool }}"), "crudauth itself fills"),
        ("struct User { id: i64, username: String, password_hash: PasswordHash, email_verified: bool }".into(), "there is no e-mail column"),
        (format!("struct User {{ {FIELDS}, #[auth(recovry)] phone: String }}"), "did you mean `recovery`?"),
        (format!("struct User {{ {FIELDS}, #[auth(recovery)] a: String, #[auth(recovery)] b: String }}"), "two fields are the `recovery` column: `a` and `b`"),
        (format!("struct User {{ {FIELDS}, #[auth(recovery)] phone: u64 }}"), "`recovery` is a text"),
        (format!("struct User {{ {FIELDS}, #[auth(recovery)] phone: String, phone_verified: i64 }}"), "`recovery_verified` is a yes or no"),
        (format!("struct User {{ {FIELDS}, #[auth(recovery)] phone: String, #[auth(register)] phone_verified: bool }}"), "a client that may set `recovery_verified`"),
        (format!("struct User {{ {FIELDS}, #[auth(recovery)] phone: String, #[auth(default = true)] phone_verified: bool }}"), "crudauth itself fills `recovery_verified`"),
        (format!("struct User {{ {FIELDS}, #[auth(recovery, max_length = 20)] phone: String }}"), "no client can set"),
        (format!("struct User {{ {FIELDS}, #[auth(recovery_verified)] phone_verified: bool }}"), "no field is marked `recovery`"),
        ("struct User { id: i64, #[auth(recovery)] email: String, password_hash: PasswordHash }".into(), "recovered by the e-mail address already"),
        ("struct User { id: i64, #[auth(recovery, email)] mail: String, password_hash: PasswordHash }".into(), "recovered by the e-mail address already"),
        ("struct User { id: i64, #[auth(email, recovery)] mail: String, password_hash: PasswordHash }".into(), "recovered by the e-mail address already"),
    ] {
        told("user", &text, needle);
    }
}

#[test]
fn mistakes_in_the_block_are_told() {
    for (sections, needle) in [
        ("#[sesion]", "did you mean `session`?"),
        ("#[passkey]", "expected one of: password, session"),
        ("#[session(idel = \"3m\")]", "did you mean `idle`?"),
        ("#[session] #[session]", "is given twice"),
        (
            "#[session(path = \"/\", path = \"/\")]",
            "`path` is given twice",
        ),
        ("#[session = 3]", "takes its keys in parentheses"),
        ("#[session(\"x\")]", "not a bare value"),
        (
            "#[session(same_site = \"none\")]",
            "cross-site request forgery",
        ),
        (
            "#[session(cookie = \"csrf_token\")]",
            "two cookies are called",
        ),
        ("#[session(host_prefix, path = \"/app\")]", "needs the path"),
        (
            "#[session(host_prefix, danger_insecure_cookies)]",
            "needs `Secure`",
        ),
        (
            "#[session(host_prefix, cookie = \"sid\")]",
            "names the cookies",
        ),
        ("#[session(idle = \"13h\")]", "longer than `absolute`"),
        ("#[session(remember_me = \"401d\")]", "400 days"),
        (
            "#[session(csrf_field = \"csrf\", danger_no_csrf)]",
            "switches off",
        ),
        ("#[password(min = 6)]", "danger_min = 6"),
        ("#[password(min = 12, strict)]", "asks for 15"),
        ("#[password(min = 12, danger_min = 6)]", "twice"),
        ("#[password(max = 32)]", "out of range"),
        ("#[password(min = 100, max = 64)]", "more than `max` allows"),
        ("#[password(words)]", "takes texts in parentheses"),
        ("#[password(words(\"abc\"))]", "shorter than 4"),
        (
            "#[password(argon2(m = \"8MiB\", t = 2))]",
            "weaker than OWASP",
        ),
        (
            "#[password(argon2(memory = \"8MiB\"))]",
            "`argon2(…)` has no key `memory`",
        ),
        ("#[lockout(max_attempts = 0)]", "out of range"),
        (
            "#[lockout(hard_stop = 2)]",
            "a stranger could close any account",
        ),
        ("#[lockout(base = \"2h\")]", "longer than the longest"),
        ("#[lockout(on_success = \"clear\")]", "has no value"),
        ("#[rate_limit(register = \"5\")]", "is not a limit"),
        ("#[proxy]", "how many proxies"),
        ("#[database(postgresql)]", "write `postgres`"),
        ("#[database(mysql)]", "crudauth does not speak it yet"),
        ("#[database(sqlit)]", "did you mean `sqlite`?"),
        ("#[database]", "names no product"),
        ("#[tables(prefix = \"a b\")]", "is not an SQL name"),
        ("#[hooks]", "takes the path of one type"),
        ("#[allow(nothing, reason = \"x\")]", "has no key `nothing`"),
        ("#[allow(insecure_cookies_behind_proxy)]", "add `reason"),
        (
            "#[session(danger_insecure_cookies)] #[proxy(trusted_hops = 1)]",
            "session hijacking",
        ),
        (
            "#[password(danger_common)] #[lockout(max_attempts = 50)]",
            "password spraying",
        ),
        ("#[cfg(test)]", "is never evaluated"),
        ("#[derive(Clone)]", "`Clone` and `Debug` already"),
        ("#[crate(renamed)]", "is relative"),
    ] {
        told(
            "auth",
            &format!("{sections} pub struct Auth<User>;"),
            needle,
        );
    }
    told("auth", "pub struct Auth;", "needs the account type");
    told("auth", "pub struct Auth<User, Other>;", "one account type");
    told("auth", "pub struct Auth<User>; fn f() {}", "takes one item");
    told("auth", "", "cannot read this block");
}

#[test]
fn an_allowed_combination_is_silent() {
    let text = "#[session(danger_insecure_cookies)] #[proxy(trusted_hops = 1)] #[allow(insecure_cookies_behind_proxy, reason = \"lab\")] pub struct Auth<User>;";
    assert_eq!(messages("auth", text), Vec::<String>::new());
}

#[test]
fn mistakes_in_the_links_are_told() {
    for (sections, needle) in [
        (
            "#[rate_limit(password_reset = \"5/h\")]",
            "`#[rate_limit]` has no key `password_reset`",
        ),
        (
            "#[rate_limit(email_verify_request = \"5\")]",
            "is not a limit",
        ),
        (
            "#[email(frontend = \"https://a\")]",
            "has no key `frontend`",
        ),
        ("#[email(reset_tll = \"1h\")]", "did you mean `reset_ttl`?"),
        (
            "#[email(frontend_url = \"http://app.example.com\")]",
            "can be read on the network",
        ),
        (
            "#[email(frontend_url = \"app.example.com\")]",
            "is not an absolute URL; write `frontend_url = \"https://app.example.com\"`",
        ),
        ("#[email(verify_ttl = \"8d\")]", "longer than 7 days"),
        ("#[email(reset_ttl = \"2d\")]", "account takeover"),
        ("#[email(change_ttl = \"1m\")]", "`change_ttl` is shorter"),
        ("#[email(undo_ttl = \"10m\")]", "shorter than an hour"),
        ("#[email(verify_path = \"verify\")]", "begin with `/`"),
        ("#[email(reset_path = \"/reset?x\")]", "has a query"),
        (
            "#[email(change_path = \"//evil.example\")]",
            "more than one way",
        ),
        (
            "#[email(undo_path = 3)]",
            "takes the path of a page, in quotes",
        ),
        ("#[email(require_verified = \"yes\")]", "is a switch"),
        ("#[email(evict_on_change = 1)]", "is a switch"),
        (
            "#[email(verify_path = \"/link\", undo_path = \"/link/\")]",
            "`verify_path` and `undo_path` are the same page",
        ),
        (
            "#[email(reset_path = \"/verify-email\")]",
            "`verify_path` and `reset_path` are the same page",
        ),
        ("#[channel(undo_ttl = \"7d\")]", "`#[channel]` has no key"),
        ("#[channel(reset_ttl = \"25h\")]", "account takeover"),
        (
            "#[channel(verify_path = \"/reset-password\")]",
            "are the same page",
        ),
        (
            "#[email(reset_ttl = \"1h\")] #[channel(verify_ttl = \"1h\")]",
            "`verify_ttl` is one setting of both `#[email]` and `#[channel]`; write it in `#[email(verify_ttl = …)]`",
        ),
        (
            "#[channel(require_verified)] #[email]",
            "`require_verified` is one setting",
        ),
        (
            "#[email] #[rate_limit(password_reset_request = \"off\")]",
            "mail bombing",
        ),
        (
            "#[rate_limit(existing_account_notice = \"off\")] #[channel]",
            "mail bombing",
        ),
    ] {
        told(
            "auth",
            &format!("{sections} pub struct Auth<User>;"),
            needle,
        );
    }
}

#[test]
fn links_that_go_together_are_silent() {
    for sections in [
        "#[email] #[channel]",
        // Pages trade places, and the section that shares them says nothing of them.
        "#[channel] #[email(verify_path = \"/reset-password\", reset_path = \"/verify-email\")]",
        "#[email] #[rate_limit(register = \"off\")]",
        "#[rate_limit(password_reset_request = \"off\")]",
        "#[email] #[rate_limit(email_change_request = \"off\")] #[allow(unlimited_messages, reason = \"lab\")]",
    ] {
        let text = format!("{sections} pub struct Auth<User>;");
        assert_eq!(messages("auth", &text), Vec::<String>::new(), "{sections}");
    }
}

#[test]
fn a_field_recovers_only_where_it_is_marked() {
    for fields in [
        "recovery: bool, recovery_verified: u8",
        "phone: u64, phone_verified: u8",
        "#[auth(recovery)] phone: String, #[auth(own)] phone_verified: u8",
        "#[auth(recovery)] phone: String, phone_verified: bool",
        "#[auth(recovery)] phone: String, #[auth(recovery_verified)] proven: bool, phone_verified: u8",
        "#[auth(recovery, register, max_length = 20, unique)] phone: Option<String>",
        "#[auth(recovery, new_user)] r#type: String, type_verified: bool",
    ] {
        let text = format!("struct User {{ {FIELDS}, {fields} }}");
        assert_eq!(messages("user", &text), Vec::<String>::new(), "{fields}");
    }
}

#[test]
fn mistakes_in_a_guard_are_told() {
    for (text, needle) in [
        (
            "#[require(verifed)] async fn f(u: Principal<Auth>) {}",
            "did you mean `verified`?",
        ),
        (
            "#[require(mfa)] async fn f(u: Principal<Auth>) {}",
            "expected one of: verified",
        ),
        (
            "#[require(sudo(within = 120))] async fn f(u: Principal<Auth>) {}",
            "a string with a unit",
        ),
        (
            "#[require(sudo(by(totp)))] async fn f(u: Principal<Auth>) {}",
            "expected one of: password",
        ),
        (
            "#[require(verified, verified)] async fn f(u: Principal<Auth>) {}",
            "is given twice",
        ),
        (
            "#[require(verified = 3)] async fn f(u: Principal<Auth>) {}",
            "takes no value",
        ),
        (
            "#[require(transport)] async fn f(u: Principal<Auth>) {}",
            "does not say which",
        ),
        (
            "#[require(transport(sesion))] async fn f(u: Principal<Auth>) {}",
            "did you mean `session`?",
        ),
        (
            "#[require(check)] async fn f(u: Principal<Auth>) {}",
            "which function",
        ),
        (
            "#[require(verified)] fn f(u: Principal<Auth>) {}",
            "is `async`",
        ),
        (
            "#[require(verified)] async fn f(n: u8, u: Principal<Auth>) {}",
            "must be the first parameter",
        ),
        (
            "#[require(verified)] async fn f(u: Option<Principal<Auth>>) {}",
            "proves nothing",
        ),
        (
            "#[require(verified)] async fn f(Principal { user }: Principal<Auth>) {}",
            "cannot be taken apart",
        ),
        ("#[require(verified)] async fn f() {}", "finds no principal"),
        (
            "#[require(verified)] async fn f(u: Principal) {}",
            "cannot see the authority",
        ),
        (
            "#[require(verified)] fn f<T>(u: &Principal<Auth>, t: T) {}",
            "hidden type parameters",
        ),
        (
            "#[require(check(a::b))] fn f(u: &Principal<Auth>) {}",
            "make it a type that implements `Gate`",
        ),
        (
            "#[require(verified)] fn f(u: &mut Principal<Auth>) {}",
            "is never changed",
        ),
        ("#[public(verified)] async fn f() {}", "takes no conditions"),
        (
            "#[public] async fn f(u: Principal<Auth>) {}",
            "asks who is signed in",
        ),
    ] {
        told("require", text, needle);
    }
    let method = guard::require(
        TokenStream::new(),
        &"fn f(&self, by: &Principal<Auth>);".parse().unwrap(),
        "",
    );
    assert!(method.to_string().contains("trait's method"));
    let item = guard::public(TokenStream::new(), &"struct A;".parse().unwrap());
    assert!(item.to_string().contains("stands on a function"));
}

#[test]
fn all_mistakes_of_one_block_come_at_once() {
    let text = "#[session(idle = \"30\", same_site = \"none\", idel = \"3m\")] #[pasword] #[lockout(max_attempts = 0)] pub struct Auth<User>;";
    assert_eq!(messages("auth", text).len(), 5);
}
