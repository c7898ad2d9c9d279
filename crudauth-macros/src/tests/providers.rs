//! Mistakes in `#[oauth]` are told in our words.

#[cfg(feature = "oauth")]
use super::messages;
use super::told;

fn block(keys: &str) -> String {
    format!("#[oauth({keys})] pub struct Auth<User>;")
}

#[test]
#[cfg(feature = "oauth")]
fn providers_that_go_together_are_silent() {
    let long = "n".repeat(32);
    for keys in [
        "google",
        "google()",
        "google(trusted)",
        "google(trusted = false), github(trusted = true)",
        "google, github, microsoft, apple, gitlab, discord,",
        "oidc(\"sso\"), oidc(\"corp\",), provider(\"linkedin\", trusted = false)",
        "oidc(\"a\"), provider(\"0-_z\")",
        "google, response = \"redirect\"",
        "response = \"json\", google",
        "google, state_ttl = \"1m\"",
        "google, state_ttl = \"10m\", default_redirect = \"/\"",
        "google, default_redirect = \"/a/b/?c=d&e=%20/\"",
        &format!("oidc(\"{long}\")"),
    ] {
        assert_eq!(
            messages("auth", &block(keys)),
            Vec::<String>::new(),
            "{keys}"
        );
    }
}

#[test]
fn mistakes_in_providers_are_told() {
    let long = format!("oidc(\"{}\")", "n".repeat(33));
    for (keys, needle) in [
        ("", "`#[oauth]` names no provider; write `#[oauth(google)]`"),
        ("response = \"json\"", "`#[oauth]` names no provider"),
        ("gogle", "did you mean `google`?"),
        ("gihtub(trusted = false)", "did you mean `github`?"),
        (
            "facebook",
            "`#[oauth]` has no provider `facebook`; write `provider(\"facebook\")` and give the builder an `OAuthProvider`",
        ),
        (
            "facebook(trusted = false)",
            "write `provider(\"facebook\")`",
        ),
        ("Twitter", "write `provider(\"linkedin\")`"),
        (
            "google = true",
            "`google` is a provider and takes no value; write `google`, or `google(trusted = false)`",
        ),
        (
            "oidc = \"sso\"",
            "`oidc` is a provider and takes no value; write `oidc(\"sso\")`",
        ),
        (
            "google, google(trusted = false)",
            "`google` is given twice in `#[oauth]`; remove one of them",
        ),
        (
            "oidc(\"a\"), oidc(\"a\")",
            "two providers are called `a`, and their paths would be the same; give one of them another name",
        ),
        (
            "oidc(\"a\"), provider(\"a\")",
            "two providers are called `a`",
        ),
        ("oidc", "`oidc` does not say which; write `oidc(\"sso\")`"),
        (
            "provider()",
            "`provider` does not say which; write `provider(\"linkedin\")`",
        ),
        (
            "oidc(sso)",
            "`oidc` takes the provider's name first, as a text; write `oidc(\"sso\")`",
        ),
        (
            "provider(trusted = false, \"a\")",
            "takes the provider's name first",
        ),
        ("oidc(\"\")", "it is 1 to 32 of a-z, 0-9, `_` and `-`"),
        ("oidc(\"SSO\")", "\"SSO\" is part of a path"),
        ("oidc(\"a/b\")", "\"a/b\" is part of a path"),
        ("oidc(\"é\")", "is part of a path"),
        (&long, "is part of a path"),
        (
            "oidc(\"identities\")",
            "`identities` is a route of its own; give the provider another name",
        ),
        (
            "oidc(\"google\")",
            "`google` is a word of `#[oauth]` already; write `google`, or give this one another name",
        ),
        (
            "provider(\"oidc\")",
            "`oidc` is a word of `#[oauth]` already; write `provider(\"linkedin\")`",
        ),
    ] {
        told("auth", &block(keys), needle);
    }
}

#[test]
fn mistakes_in_what_a_provider_is_given_are_told() {
    for (keys, needle) in [
        (
            "google(trustd = false)",
            "`google(…)` has no key `trustd`; did you mean `trusted`?",
        ),
        (
            "oidc(\"a\", issuer = \"b\")",
            "`oidc(…)` has no key `issuer`, which the builder takes; write `.oidc(\"a\", Credentials::new(id, secret).issuer(\"https://…\"))` there",
        ),
        (
            "google(client_id = \"a\")",
            "`google(…)` has no key `client_id`, which the builder takes; write `.google(Credentials::new(id, secret))` there",
        ),
        (
            "github(scopes(\"a\"))",
            "write `.github(Credentials::new(id, secret).scopes([\"…\"]))` there",
        ),
        (
            "oidc(\"a\", untrusted)",
            "`oidc(…)` has no key `untrusted`; write `trusted = false`",
        ),
        (
            "oidc(\"a\", \"b\")",
            "each provider has one name; write `oidc(…)`, or `provider(…)`, once for each",
        ),
        (
            "google, trusted = false",
            "`#[oauth]` has no key `trusted`; write `oidc(\"sso\", trusted = false)`",
        ),
        (
            "google(trusted = \"no\")",
            "`trusted` is a switch and takes no value; write `trusted`, or `trusted = false`",
        ),
        (
            "google(trusted, trusted)",
            "`trusted` is given twice in `google(…)`",
        ),
        ("google(\"a\")", "`google(…)` takes keys, not a bare value"),
        (
            "\"google\"",
            "`#[oauth]` takes keys, not a bare value; write `google` without quotes, or `key = value`",
        ),
    ] {
        told("auth", &block(keys), needle);
    }
}

#[test]
fn mistakes_in_what_the_routes_do_are_told() {
    for (keys, needle) in [
        ("respons = \"json\"", "did you mean `response`?"),
        (
            "scopes = \"email\"",
            "`#[oauth]` has no key `scopes`, which the builder takes; write `.google(Credentials::new(id, secret).scopes([\"…\"]))` there",
        ),
        (
            "redirect_uri = \"https://app.example.com/callback\"",
            "`#[oauth]` has no key `redirect_uri`, which the builder takes; write `.public_url(\"https://app.example.com\")` there",
        ),
        (
            "nonce = \"a\"",
            "`#[oauth]` has no key `nonce`; expected one of: google, github",
        ),
        (
            "response = \"json\", response = \"json\"",
            "`response` is given twice in `#[oauth]`",
        ),
        ("response = \"JSON\"", "did you mean \"json\"?"),
        (
            "response = \"html\"",
            "`response` has no value \"html\"; write \"redirect\" or \"json\"",
        ),
        ("response", "write `response = \"json\"`"),
        ("state_ttl = 600", "a lifetime is a string with a unit"),
        (
            "state_ttl = \"601s\"",
            "`state_ttl` is longer than 10 minutes, and a sign-in that somebody else began may be finished all that time (login CSRF; RFC 9700 §4.7); write \"10m\", or less",
        ),
        (
            "state_ttl = \"59s\"",
            "`state_ttl` is shorter than a minute",
        ),
        ("default_redirect = /a", "`#[oauth]` cannot read this"),
        (
            "default_redirect = \"/a#b\"",
            "has a fragment, behind which no server finds why a sign-in failed; write `default_redirect = \"/welcome\"`",
        ),
    ] {
        let keys = format!("google, {keys}");
        told("auth", &block(&keys), needle);
    }
    let long = format!("/{}", "a".repeat(2048));
    for path in [
        "",
        "welcome",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2f/evil.example",
        "/%5cevil.example",
        "/..//evil.example",
        "javascript:x",
        "https://evil.example",
        "/a b",
        "/a\tb",
        "/a\r\nb",
        "/a?b\\c",
        "/a?b\u{7f}",
        "/a?é",
        " /a",
        &long,
    ] {
        let keys = format!("google, default_redirect = {path:?}");
        told(
            "auth",
            &block(&keys),
            "is not a page of this site to every browser (open redirect); write `default_redirect = \"/welcome\"`",
        );
    }
}

#[test]
#[cfg(not(feature = "oauth"))]
fn a_cargo_feature_that_is_off_is_told() {
    told(
        "auth",
        &block("google"),
        "`#[oauth]` needs the cargo feature `oauth`, and this build does not have it; write `crudauth = { version = \"…\", features = [\"oauth\"] }` in Cargo.toml",
    );
}

#[test]
#[cfg(feature = "oauth")]
fn each_mistake_is_told_once() {
    for keys in [
        "",
        "facebook",
        "gogle",
        "oidc",
        "oidc(\"A\", trusted = false)",
        "google, google",
        "google(trusted = 1)",
        "google, state_ttl = \"1h\"",
        "google = 1",
    ] {
        assert_eq!(messages("auth", &block(keys)).len(), 1, "{keys}");
    }
}
