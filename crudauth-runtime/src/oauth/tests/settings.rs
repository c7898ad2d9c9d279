use super::plain::Forge;
use super::*;
use crate::error::Error;

fn mistakes(
    providers: &'static [ProviderPolicy],
    url: &str,
    fill: impl FnOnce(&mut Settings),
) -> Vec<String> {
    let mut settings = Settings::default();
    settings.public_url(url);
    fill(&mut settings);
    match Clients::new(&policy(providers), settings) {
        Ok(_) => Vec::new(),
        Err(Error::Config(lines)) => lines,
        Err(other) => panic!("{other}"),
    }
}

/// The one mistake in these credentials.
fn mistake(kind: ProviderKind, credentials: Credentials) -> String {
    const fn one(kind: ProviderKind) -> [ProviderPolicy; 1] {
        [declared("x", kind)]
    }
    const GOOGLE: &[ProviderPolicy] = &one(ProviderKind::Google);
    const MICROSOFT: &[ProviderPolicy] = &one(ProviderKind::Microsoft);
    const APPLE: &[ProviderPolicy] = &one(ProviderKind::Apple);
    const GITHUB: &[ProviderPolicy] = &one(ProviderKind::GitHub);
    const OIDC: &[ProviderPolicy] = &one(ProviderKind::Oidc);
    let providers = match kind {
        ProviderKind::Google => GOOGLE,
        ProviderKind::Microsoft => MICROSOFT,
        ProviderKind::Apple => APPLE,
        ProviderKind::GitHub => GITHUB,
        _ => OIDC,
    };
    let found = mistakes(providers, "https://app.example.com", |settings| {
        settings.register(kind, "x", credentials);
    });
    assert!(found.len() <= 1, "{found:?}");
    found.into_iter().next().unwrap_or_default()
}

#[test]
fn every_mistake_is_told_at_once() {
    const ALL: &[ProviderPolicy] = &[
        declared("google", ProviderKind::Google),
        declared("github", ProviderKind::GitHub),
        declared("sso", ProviderKind::Oidc),
        declared("corp", ProviderKind::Oidc),
        declared("forge", ProviderKind::Own),
    ];
    let found = mistakes(ALL, "http://app.example.com", |settings| {
        settings.register(ProviderKind::GitHub, "github", Credentials::new("", "s"));
        settings.register(ProviderKind::Oidc, "sso", Credentials::new("app", "s"));
        settings.register(
            ProviderKind::Oidc,
            "corp",
            Credentials::new("app", "s").issuer(IDP),
        );
        settings.register(
            ProviderKind::Oidc,
            "corp",
            Credentials::new("app", "s").issuer(IDP),
        );
        settings.register(
            ProviderKind::Oidc,
            "other",
            Credentials::new("app", "s").issuer(IDP),
        );
        settings.register_own(
            "forge",
            Forge("http://forge.example.com"),
            Credentials::new("app", "s"),
        );
    });
    let expected = [
        "the public URL `http://app.example.com`",
        "declares `google`, and there are no credentials for it; call `.google(…)`",
        "`github`: the client id",
        "`sso`: it needs an issuer",
        "`.oidc(\"corp\", …)` is called more than once",
        "`forge`: its endpoint `authorize`",
        "`forge`: its endpoint `token`",
        "`forge`: its endpoint `userinfo`",
        "`.oidc(\"other\", …)` is called, and the block does not declare it",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (line, part) in found.iter().zip(expected) {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn sec_103_the_public_url_is_an_https_url() {
    for (url, kept) in [
        ("https://app.example.com", Some("https://app.example.com")),
        ("https://app.example.com/", Some("https://app.example.com")),
        (
            "https://app.example.com/auth/",
            Some("https://app.example.com/auth"),
        ),
        (
            "https://app.example.com:8443/a",
            Some("https://app.example.com:8443/a"),
        ),
        (
            "http://localhost:3000/auth",
            Some("http://localhost:3000/auth"),
        ),
        ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
        ("http://[::1]:3000", Some("http://[::1]:3000")),
        ("http://app.example.com", None),
        ("http://192.168.1.5", None),
        ("https://app.example.com/?x=1", None),
        ("https://app.example.com/#x", None),
        ("https://user@app.example.com", None),
        ("app.example.com", None),
        ("", None),
    ] {
        let mut settings = Settings::default();
        settings.public_url(url);
        let clients = Clients::new(&policy(&[]), settings).ok();
        assert_eq!(clients.as_ref().map(Clients::public_url), kept, "{url}");
    }
}

#[test]
fn sec_102_an_issuer_is_an_https_url_of_its_own() {
    for issuer in [
        "https://idp.example.com",
        "https://idp.example.com/realms/x",
        "https://idp.example.com/",
        "http://localhost:9000",
        "http://127.0.0.1:9000/x",
        "http://[::1]:9000",
    ] {
        let credentials = Credentials::new("app", "s").issuer(issuer);
        assert_eq!(mistake(ProviderKind::Oidc, credentials), "");
    }
    for issuer in [
        "http://idp.example.com",
        "http://10.0.0.1",
        "https://idp.example.com?x",
        "https://idp.example.com/#",
        "https://a@idp.example.com",
        "idp.example.com",
        // The URL that providers tell people to copy.
        "https://idp.example.com/.well-known/openid-configuration",
        "https://idp.example.com/realms/x/.well-known/openid-configuration/",
        "",
    ] {
        for kind in [ProviderKind::Oidc, ProviderKind::GitHub] {
            let credentials = Credentials::new("app", "s").issuer(issuer);
            let line = mistake(kind, credentials);
            assert!(line.contains("issuer"), "{issuer}: {line}");
        }
    }
    for issuer in [
        "https://login.microsoftonline.com",
        "https://login.microsoftonline.com/contoso.com/v2.0",
        "https://login.microsoftonline.com/common",
    ] {
        let line = mistake(
            ProviderKind::Microsoft,
            Credentials::new("app", "s").issuer(issuer),
        );
        assert!(line.contains("{tenant}/v2.0"), "{line}");
    }
}

#[test]
fn credentials_fit_their_provider_and_no_message_shows_them() {
    let new = || Credentials::new("app", "MARKER");
    for (kind, credentials, part) in [
        (ProviderKind::Google, new(), ""),
        (ProviderKind::Google, Credentials::new("app", ""), ""),
        (
            ProviderKind::Google,
            Credentials::new(" ", "MARKER"),
            "client id",
        ),
        (
            ProviderKind::Google,
            new().scopes(["email profile"]),
            "scope",
        ),
        (ProviderKind::Google, new().scopes([""]), "scope"),
        (
            ProviderKind::Google,
            Credentials::apple("app", "T", "K", "MARKER"),
            "`Credentials::new(…)`",
        ),
        (ProviderKind::Apple, new(), "`Credentials::apple("),
        (
            ProviderKind::Apple,
            Credentials::new("app", ""),
            "`Credentials::apple(",
        ),
        (
            ProviderKind::Apple,
            Credentials::apple("app", "T", "K", "MARKER"),
            ".p8",
        ),
        (
            ProviderKind::Apple,
            Credentials::apple("app", "", "K", "MARKER"),
            "team id",
        ),
    ] {
        let line = mistake(kind, credentials);
        assert!(
            line.contains(part) && line.is_empty() == part.is_empty(),
            "{part}: {line}"
        );
        assert!(!line.contains("MARKER"), "{line}");
    }
}

#[tokio::test]
async fn openid_is_asked_for_whatever_the_scopes() {
    let (world, _) = idp();
    let credentials = Credentials::new("app", "s")
        .issuer(IDP)
        .scopes(["email", "groups"]);
    let clients = only(&world, SSO, credentials);
    let url = clients
        .find("sso")
        .unwrap()
        .authorize(NOW, &ask())
        .await
        .unwrap();
    assert!(url.contains("scope=openid+email+groups"), "{url}");
}
