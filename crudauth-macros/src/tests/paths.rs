//! Where the routes of `#[oauth]` may be, and what is said of where they may not.

use super::told;

fn block(keys: &str) -> String {
    format!("#[oauth({keys})] pub struct Auth<User>;")
}

#[test]
#[cfg(feature = "oauth")]
fn paths_that_go_together_are_silent() {
    for keys in [
        "google, paths()",
        "google, paths(prefix = \"/oauth\", authorize = \"/{provider}/authorize\", callback = \"/{provider}/callback\")",
        "google, paths(prefix = \"/auth/social\", authorize = \"/{provider}/login\", callback = \"/{provider}/done\"),",
        "google, paths(prefix = \"/tokens\")",
        "google, paths(prefix = \"/v1.0/~ada_b-C\")",
        "google, paths(authorize = \"/{provider}\")",
        "google, paths(authorize = \"/{provider}\", callback = \"/{provider}/back\")",
        "google, paths(authorize = \"/to/{provider}\", callback = \"/from/{provider}\")",
        "google, paths(authorize = \"/{provider}/callback\", callback = \"/{provider}/authorize\")",
        "google, paths(authorize = \"/a/b/{provider}/c\", callback = \"/a/{provider}/b/c\")",
        "google, paths(authorize = \"/link/{provider}\")",
        "google, paths(callback = \"/token/{provider}\")",
        "oidc(\"token\"), paths(callback = \"/{provider}/token\")",
        "oidc(\"paths\"), paths(prefix = \"/paths\")",
    ] {
        assert_eq!(
            super::messages("auth", &block(keys)),
            Vec::<String>::new(),
            "{keys}"
        );
    }
}

#[test]
#[cfg(feature = "oauth")]
fn every_path_is_put_together() {
    let keys = "google, paths(prefix = \"/auth/social\", callback = \"/done/{provider}\")";
    let out = super::expand("auth", &block(keys)).to_string();
    for (field, path) in [
        ("authorize", "/auth/social/{provider}/authorize"),
        ("callback", "/auth/social/done/{provider}"),
        ("link", "/auth/social/{provider}/link"),
        ("identities", "/auth/social/identities"),
        ("identity", "/auth/social/identities/{id}"),
        ("token", "/auth/social/token"),
    ] {
        let wanted = format!("p . paths . {field} = {path:?} ;");
        assert!(out.contains(&wanted), "{wanted}\n{out}");
    }
    assert!(out.contains("(`/auth/social/…`)"), "{out}");
}

#[test]
fn words_that_are_no_paths_are_told() {
    for (keys, needle) in [
        (
            "paths",
            "`paths` takes its keys in parentheses; write `paths(prefix = …)`",
        ),
        ("paths = \"/auth\"", "`paths` takes its keys in parentheses"),
        (
            "path(prefix = \"/auth\")",
            "`#[oauth]` has no key `path`; did you mean `paths`?",
        ),
        ("pahts(prefix = \"/auth\")", "did you mean `paths`?"),
        ("paths(), paths()", "`paths` is given twice in `#[oauth]`"),
        (
            "paths(prefx = \"/auth\")",
            "`paths(…)` has no key `prefx`; did you mean `prefix`?",
        ),
        (
            "paths(link = \"/{provider}/join\")",
            "`paths(…)` has no key `link`; expected one of: prefix, authorize, callback",
        ),
        (
            "paths(prefix = \"/a\", prefix = \"/a\")",
            "`prefix` is given twice in `paths(…)`",
        ),
        (
            "paths(\"/auth\")",
            "`paths(…)` takes keys, not a bare value",
        ),
        (
            "paths(prefix)",
            "`prefix` needs a path; write `prefix = \"/auth/social\"`",
        ),
        ("paths(prefix = 1)", "`prefix` takes a path, in quotes"),
        (
            "paths(callback)",
            "`callback` needs a path; write `callback = \"/{provider}/done\"`",
        ),
    ] {
        told("auth", &block(&format!("google, {keys}")), needle);
    }
}

#[test]
fn paths_that_are_not_read_in_one_way_are_told() {
    for (path, needle) in [
        ("", "leaves the routes of providers among all the others"),
        ("/", "leaves the routes of providers among all the others"),
        ("auth", "does not begin with a slash"),
        ("https://evil.example", "does not begin with a slash"),
        ("/auth/", "ends with a slash"),
        (
            "//auth",
            "has a segment that is empty, `.` or `..`, which browsers and proxies take out",
        ),
        ("/a//b", "has a segment that is empty, `.` or `..`"),
        ("/a/./b", "has a segment that is empty, `.` or `..`"),
        ("/..", "has a segment that is empty, `.` or `..`"),
        ("/a b", "has ' ', and a path here is of letters"),
        ("/a?b", "has '?'"),
        ("/a#b", "has '#'"),
        ("/%61", "has '%'"),
        ("/a\\b", "has '\\\\'"),
        ("/é", "has 'é'"),
        ("/:a", "has ':'"),
        ("/*", "has '*'"),
        ("/a\r\n", "has '\\r'"),
        (
            "/{provider}",
            "has a parameter, and the provider's name stands in `authorize` and `callback`",
        ),
        ("/{tenant}/oauth", "has a parameter"),
    ] {
        let keys = format!("google, paths(prefix = {path:?})");
        let needle = format!("{path:?} {needle}");
        told("auth", &block(&keys), &needle);
    }
    for (path, needle) in [
        ("", "does not say where the provider's name stands"),
        ("/login", "does not say where the provider's name stands"),
        ("/{provider}/{provider}", "has `{provider}` more than once"),
        ("/x-{provider}", "has `{provider}` in a part of a segment"),
        (
            "/{provider}.html",
            "has `{provider}` in a part of a segment",
        ),
        (
            "/{providers}/login",
            "has `{providers}`, and its only parameter is `{provider}`",
        ),
        ("/{provider}/{id}", "has `{id}`, and its only parameter"),
        ("/{*provider}", "has `{*provider}`, and its only parameter"),
        ("/{{provider}}", "has `{provider}` in a part of a segment"),
        (
            "/{provider/login",
            "has `{provider`, and its only parameter",
        ),
        ("{provider}/login", "does not begin with a slash"),
        ("/{provider}/", "ends with a slash"),
        ("/{provider}//login", "has a segment that is empty"),
        ("/../{provider}", "has a segment that is empty"),
        ("/{provider}/a b", "has ' '"),
        ("/{provider}?a=b", "has `{provider}` in a part of a segment"),
        ("/{provider}/*", "has '*'"),
    ] {
        for key in ["authorize", "callback"] {
            let keys = format!("google, paths({key} = {path:?})");
            let needle = format!("{path:?} {needle}");
            told("auth", &block(&keys), &needle);
        }
    }
}

#[test]
fn a_right_path_is_told_that_is_like_the_wrong_one() {
    for (key, wrong, right) in [
        ("prefix", "", "/auth/social"),
        ("prefix", "/", "/auth/social"),
        ("prefix", "/a b/", "/auth/social"),
        ("prefix", "/auth/", "/auth"),
        ("prefix", "//auth", "/auth"),
        ("prefix", "auth/by", "/auth/by"),
        ("authorize", "/login", "/{provider}/login"),
        ("authorize", "/{provider}/", "/{provider}"),
        ("authorize", "to/{provider}", "/to/{provider}"),
        ("callback", "/{id}/back", "/{provider}/done"),
        ("callback", "{provider}/back", "/{provider}/back"),
    ] {
        let keys = format!("google, paths({key} = {wrong:?})");
        let fix = format!("; write `{key} = {right:?}`");
        told("auth", &block(&keys), &fix);
    }
}

#[test]
#[cfg(feature = "oauth")]
fn paths_that_could_be_another_route_are_told() {
    for (keys, needle) in [
        (
            "google, paths(prefix = \"/token\")",
            "`/token` is what other routes of crudauth begin with; write `prefix = \"/auth/social\"`, or another",
        ),
        (
            "google, paths(prefix = \"/sessions\")",
            "`/sessions` is what",
        ),
        (
            "google, paths(prefix = \"/email/oauth\")",
            "`/email` is what",
        ),
        (
            "google, paths(prefix = \"/.well-known/oauth\")",
            "`/.well-known` is what",
        ),
        (
            "google, paths(callback = \"/{provider}/authorize\")",
            "`/oauth/google/authorize` would be two routes, `callback` and `authorize`; write `callback = \"/{provider}/callback\"`, or another path",
        ),
        (
            "google, paths(authorize = \"/{provider}/callback\")",
            "write `authorize = \"/{provider}/authorize\"`, or another path",
        ),
        (
            "google, paths(authorize = \"/{provider}/callback\", callback = \"/{provider}/callback\")",
            "write `authorize = \"/{provider}/authorize\"`, or another path",
        ),
        (
            "google, paths(prefix = \"/auth\", callback = \"/{provider}/link\")",
            "`/auth/google/link` would be two routes, `callback` and the one that links an account; write `callback = \"/{provider}/callback\"`",
        ),
        (
            "google, paths(authorize = \"/identities/{provider}\")",
            "`/oauth/identities/google` would be two routes, `authorize` and the one that unlinks an account; write `authorize = \"/{provider}/authorize\"`",
        ),
        (
            "google, oidc(\"token\"), paths(authorize = \"/{provider}\")",
            "`/oauth/token` would be two routes, `authorize` and the one that redeems codes",
        ),
        (
            "google, oidc(\"back\"), paths(callback = \"/back/{provider}\")",
            "`/oauth/back/authorize` would be two routes, `callback` and `authorize`",
        ),
        (
            "oidc(\"link\"), paths(callback = \"/google/{provider}\")",
            "`/oauth/google/link` would be two routes, `callback` and the one that links an account",
        ),
    ] {
        told("auth", &block(keys), needle);
        assert_eq!(super::messages("auth", &block(keys)).len(), 1, "{keys}");
    }
}
