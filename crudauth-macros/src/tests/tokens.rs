//! Mistakes in `#[bearer]`, `#[transport]` and what `#[require]` says of them are told in our words.

use super::{messages, told};

fn block(sections: &str) -> String {
    format!("{sections} pub struct Auth<User>;")
}

#[test]
fn mistakes_in_bearer_are_told() {
    for (keys, needle) in [
        ("acces = \"5m\"", "did you mean `access`?"),
        ("token = \"5m\"", "expected one of: access, refresh"),
        (
            "access = \"5m\", access = \"6m\"",
            "`access` is given twice in `#[bearer]`",
        ),
        ("access = 15", "a lifetime is a string with a unit"),
        (
            "access = \"59s\"",
            "would be renewed all the time; write a lifetime from \"1m\" to \"24h\"",
        ),
        (
            "access = \"25h\"",
            "is a password that travels with every request",
        ),
        ("algorithm = \"EDDSA\"", "did you mean \"EdDSA\"?"),
        (
            "algorithm = \"none\"",
            "`algorithm` has no value \"none\"; write \"HS256\"",
        ),
        (
            "algorithm = \"HS512\"",
            "write \"HS256\", \"EdDSA\", \"ES256\" or \"RS256\"",
        ),
        ("issuer = \"\"", "`issuer` is empty"),
        ("audience = \"\"", "`audience` is empty"),
        ("typ = \"jwt\"", "did you mean \"JWT\"?"),
        ("typ = \"at\"", "write \"JWT\" or \"at+jwt\""),
        ("check = \"stateles\"", "did you mean \"stateless\"?"),
        (
            "check = \"never\"",
            "`check` has no value \"never\"; write \"epoch\" or \"stateless\"",
        ),
        ("claims", "write `claims(MyClaims)`"),
        ("claims = Plan", "write `claims(MyClaims)`"),
        ("claims(\"Plan\")", "write `claims(MyClaims)`"),
        ("claims(Plan, Other)", "write `claims(MyClaims)`"),
        ("revocation = \"on\"", "`revocation` is a switch"),
        ("introspection = 1", "`introspection` is a switch"),
        ("jwks", "with HS256 whoever verifies can sign"),
        (
            "revocation, refresh = \"off\"",
            "`refresh = \"off\"` issues none; remove one of them",
        ),
    ] {
        told("auth", &block(&format!("#[bearer({keys})]")), needle);
    }
}

#[test]
fn mistakes_in_refresh_are_told() {
    for (keys, needle) in [
        (
            "refresh",
            "takes its keys in parentheses; write `refresh(ttl = …)`, or `refresh = \"off\"` for none",
        ),
        ("refresh = \"on\"", "or `refresh = \"off\"` for none"),
        ("refresh = true", "takes its keys in parentheses"),
        (
            "refresh(tll = \"1d\")",
            "`refresh(…)` has no key `tll`; did you mean `ttl`?",
        ),
        (
            "refresh(ttl = \"1d\", ttl = \"2d\")",
            "`ttl` is given twice in `refresh(…)`",
        ),
        (
            "refresh(ttl = \"15m\")",
            "ends before the access token renews nothing",
        ),
        (
            "access = \"2h\", refresh(ttl = \"1h\")",
            "ends before the access token",
        ),
        ("refresh(ttl = \"401d\")", "never ends for whoever stole it"),
        (
            "refresh(deliver = \"header\")",
            "write \"cookie\" or \"body\"",
        ),
        ("refresh(grace = \"61s\")", "beside its owner's"),
        ("refresh(rotate = \"no\")", "`rotate` is a switch"),
        (
            "refresh(rotate = false)",
            "token theft; RFC 9700 §4.14.2); remove `rotate = false`, or write `#[allow(refresh_without_rotation",
        ),
        (
            "refresh(rotate = false, grace = \"5s\")",
            "`rotate = false` replaces none",
        ),
        ("refresh(cookie = \"a b\")", "is not a cookie name"),
        ("refresh(path = \"auth\")", "is not a cookie path"),
        (
            "refresh(deliver = \"body\", cookie = \"r\")",
            "`cookie` is about a cookie",
        ),
        (
            "refresh(deliver = \"body\", device_cookie = \"d\")",
            "`device_cookie` is about a cookie",
        ),
        (
            "refresh(deliver = \"body\", path = \"/a\")",
            "`path` is about a cookie",
        ),
        (
            "refresh(deliver = \"body\", same_site = \"lax\")",
            "`same_site` is about a cookie",
        ),
        (
            "refresh(deliver = \"body\", danger_insecure_cookies)",
            "`danger_insecure_cookies` is about a cookie",
        ),
        ("refresh(same_site = \"None\")", "did you mean \"none\"?"),
        (
            "refresh(same_site = \"none\", danger_insecure_cookies)",
            "a `SameSite=None` cookie that is not `Secure`",
        ),
        (
            "refresh(cookie = \"__Host-r\", path = \"/auth\")",
            "unless its path is \"/\"",
        ),
        (
            "refresh(cookie = \"__Host-r\", danger_insecure_cookies)",
            "unless it is `Secure`",
        ),
        (
            "refresh(device_cookie = \"__secure-d\", danger_insecure_cookies)",
            "unless it is `Secure`",
        ),
        (
            "refresh(cookie = \"one\", device_cookie = \"one\")",
            "two cookies are called `one`",
        ),
        (
            "refresh(cookie = \"device_id\")",
            "two cookies are called `device_id`",
        ),
        (
            "refresh(device_cookie = \"refresh_token\")",
            "two cookies are called `refresh_token`",
        ),
    ] {
        told("auth", &block(&format!("#[bearer({keys})]")), needle);
    }
}

#[test]
fn mistakes_between_the_session_and_bearer_are_told() {
    for (sections, needle) in [
        (
            "#[session] #[bearer(refresh(cookie = \"session_id\"))]",
            "the session's `cookie` is called `session_id` too",
        ),
        (
            "#[session(csrf_cookie = \"refresh_token\")] #[bearer]",
            "the session's `csrf_cookie` is called `refresh_token` too",
        ),
        (
            "#[bearer] #[session(device_cookie = \"refresh_token\")]",
            "the session's `device_cookie` is called `refresh_token` too",
        ),
        (
            "#[session] #[bearer(refresh(device_cookie = \"csrf_token\"))]",
            "such as `refresh(device_cookie = \"device_id\")`",
        ),
        (
            "#[bearer(refresh(danger_insecure_cookies))] #[proxy(trusted_hops = 1)]",
            "session hijacking",
        ),
        (
            "#[bearer] #[bearer(access = \"5m\")]",
            "`#[bearer]` is given twice",
        ),
        ("#[bearrer]", "did you mean `bearer`?"),
        ("#[bearer = \"15m\"]", "takes its keys in parentheses"),
    ] {
        told("auth", &block(sections), needle);
    }
}

#[test]
fn mistakes_in_scopes_are_told() {
    for (keys, needle) in [
        (
            "grantabel(\"read\")",
            "`scopes(…)` has no key `grantabel`; did you mean `grantable`?",
        ),
        (
            "default(\"read\"), default(\"write\")",
            "`default` is given twice",
        ),
        (
            "default = \"read\"",
            "`default` takes scopes in parentheses; write `default(\"read\", \"reports:read\")`",
        ),
        (
            "grantable(read)",
            "`grantable` takes scopes in parentheses; write `grantable(\"read\", \"reports:read\")`",
        ),
        ("grantable", "`grantable` takes scopes in parentheses"),
        (
            "grantable()",
            "`grantable` names no scope; write `grantable(\"read\")`, or remove it",
        ),
        ("grantable(\"\")", "\"\" is no scope"),
        (
            "grantable(\"read write\")",
            "\"read write\" is no scope: 1 to 128 visible ASCII characters without space",
        ),
        ("grantable(\"lé\")", "is no scope"),
        ("grantable(\"a\\\"b\")", "is no scope"),
        (
            "grantable(\"read\", \"read\")",
            "the scope \"read\" is given twice",
        ),
        (
            "default(\"wirte\"), grantable(\"read\", \"write\")",
            "is granted by default and not grantable; did you mean \"write\"?",
        ),
        (
            "default(\"admin\"), grantable(\"read\")",
            "add \"admin\" to `grantable(…)`",
        ),
    ] {
        told(
            "auth",
            &block(&format!("#[bearer(scopes({keys}))]")),
            needle,
        );
    }
    told(
        "auth",
        &block("#[bearer(scopes = \"read\")]"),
        "write `scopes(default(…))`",
    );
    told(
        "auth",
        &block("#[bearer(scopes)]"),
        "write `scopes(default(…))`",
    );
}

#[test]
fn mistakes_in_transport_are_told() {
    for (sections, needle) in [
        ("#[transport]", "write `#[transport(ApiKeys)]`"),
        ("#[transport()]", "write `#[transport(ApiKeys)]`"),
        ("#[transport(\"ApiKeys\")]", "write `#[transport(ApiKeys)]`"),
        (
            "#[transport(ApiKeys, ApiKeys)]",
            "`ApiKeys` is given twice in `#[transport]`",
        ),
        (
            "#[transport(name = ApiKeys)]",
            "write `#[transport(ApiKeys)]`",
        ),
    ] {
        told("auth", &block(sections), needle);
    }
}

#[test]
fn tokens_that_go_together_are_silent() {
    for sections in [
        "#[bearer]",
        "#[bearer(access = \"1m\")]",
        "#[bearer(access = \"24h\", refresh(ttl = \"400d\", grace = \"60s\"))]",
        "#[bearer(refresh = \"off\", introspection)]",
        "#[bearer(refresh(deliver = \"body\"), revocation, introspection, claims(a::Plan<u8>))]",
        "#[bearer(refresh(same_site = \"none\"), issuer = \"a\", audience = \"b\", typ = \"at+jwt\", check = \"stateless\")]",
        "#[bearer(refresh(cookie = \"__Host-r\"), scopes(default(\"read\")))]",
        "#[bearer(refresh(cookie = \"__Secure-r\", path = \"/auth\"), scopes(grantable(\"a:b/c.d*\")))]",
        "#[session(device_cookie = \"known\")] #[bearer(refresh(device_cookie = \"known\"))]",
        "#[session(cookie = \"refresh_token\")] #[bearer(refresh(deliver = \"body\"))]",
        "#[session(cookie = \"refresh_token\")] #[bearer(refresh = \"off\")]",
        "#[bearer(refresh(rotate = false))] #[allow(refresh_without_rotation, reason = \"an old client\")]",
        "#[transport(a::Keys, b::Keys, c::Keys<u8>)] #[bearer]",
    ] {
        let text = block(sections);
        assert_eq!(messages("auth", &text), Vec::<String>::new(), "{sections}");
    }
}

#[test]
fn mistakes_in_a_guard_of_tokens_are_told() {
    for (words, needle) in [
        (
            "scope",
            "`scope` does not say which; write `scope(\"reports:read\")`",
        ),
        ("scope()", "`scope` does not say which"),
        ("scope = \"read\"", "`scope` does not say which"),
        ("scope(read)", "`scope` takes the name of a scope as a text"),
        (
            "scope(\"read\", \"read\")",
            "the scope \"read\" is given twice",
        ),
        (
            "scope(\"read\"), scope(\"read\")",
            "is given twice in `#[require]`",
        ),
        ("scop(\"read\")", "did you mean `scope`?"),
        ("transport(baerer)", "did you mean `bearer`?"),
        (
            "transport(\"bearer\")",
            "`transport` takes the name of one transport",
        ),
        (
            "transport(session), transport(bearer)",
            "it never comes by both of these; remove one of them",
        ),
        (
            "transport(ApiKeys), transport(bearer)",
            "a request comes by one transport",
        ),
        (
            "transport(session), scope(\"read\")",
            "a session has no scopes",
        ),
    ] {
        let text = format!("#[require({words})] async fn f(u: Principal<Auth>) {{}}");
        told("require", &text, needle);
    }
}

#[test]
fn an_access_token_proves_scopes_alone() {
    for (words, needle) in [
        (
            "verified",
            "an access token alone does not prove `verified`, only scopes; take `Principal<Auth>` in place of `AccessToken<Auth>`",
        ),
        ("superuser", "does not prove `superuser`"),
        ("transport(bearer)", "does not prove a transport"),
        ("transport(ApiKeys)", "does not prove a transport"),
        ("check(a::b)", "does not prove what a function says"),
        ("gates::Staff", "does not prove a gate"),
    ] {
        for token in ["AccessToken<Auth>", "crudauth::bearer::AccessToken<Auth>"] {
            let text = format!("#[require({words})] async fn f(token: {token}) {{}}");
            told("require", &text, needle);
            assert_eq!(messages("require", &text).len(), 1, "{text}");
        }
    }
    for text in [
        "#[require] async fn f(token: AccessToken<Auth>) {}",
        "#[require(scope(\"read\", \"write\"))] async fn f(token: AccessToken<Auth>) {}",
        "#[require(scope(\"read\"))] fn f(token: &AccessToken<Auth>) {}",
        "#[require(transport(bearer), scope(\"read\"), verified)] async fn f(u: Principal<Auth>) {}",
        "#[require(transport(a::ApiKeys), scope(\"read\"))] async fn f(u: Principal<Auth>) {}",
    ] {
        assert_eq!(messages("require", text), Vec::<String>::new(), "{text}");
    }
}
