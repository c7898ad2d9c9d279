use super::*;

const TOKEN: &str =
    r#"{"access_token":"gho_16C7","token_type":"bearer","scope":"read:user,user:email"}"#;

fn github(world: &World) -> Clients {
    const GITHUB: &[ProviderPolicy] = &[declared("github", ProviderKind::GitHub)];
    world.answer_with("https://github.com/login/oauth/access_token", 200, TOKEN);
    only(world, GITHUB, Credentials::new("app", "s"))
}

#[tokio::test]
async fn github_is_known_by_a_number() {
    let world = World::default();
    let clients = github(&world);
    let client = clients.find("github").unwrap();
    world.answer("https://api.github.com/user", &json!({"id": 583_231, "login": "octocat", "name": "The Octocat", "email": null, "bio": "x"}));
    world.answer(
        "https://api.github.com/user/emails",
        &json!([
            {"email": "o@public.example", "primary": false, "verified": true},
            {"email": "octocat@github.com", "primary": true, "verified": true},
        ]),
    );

    let url = client.authorize(NOW, &ask()).await.unwrap();
    assert!(
        url.starts_with("https://github.com/login/oauth/authorize?"),
        "{url}"
    );
    assert!(
        url.contains("scope=read%3Auser+user%3Aemail") && !url.contains("nonce"),
        "{url}"
    );
    assert_eq!(world.calls(), 0);

    let profile = client.identify(NOW, &answer()).await.unwrap().profile;
    assert_eq!(
        (profile.issuer.as_str(), profile.subject.as_str()),
        ("https://github.com", "583231")
    );
    assert_eq!(
        (profile.email.as_deref(), profile.email_verified),
        (Some("octocat@github.com"), true)
    );
    assert_eq!(profile.username.as_deref(), Some("octocat"));
    assert_eq!(profile.claims.get("bio"), Some(&json!("x")));
    let call = &world.asked("https://api.github.com/user/emails")[0];
    assert_eq!(call.headers["authorization"], "Bearer gho_16C7");
    assert!(call.headers.contains_key("user-agent"));

    for odd in [
        json!({"id": "583231"}),
        json!({"login": "x"}),
        json!([]),
        json!(null),
    ] {
        world.answer("https://api.github.com/user", &odd);
        assert!(client.identify(NOW, &answer()).await.is_err(), "{odd}");
    }
}

#[tokio::test]
async fn what_a_github_user_shows_to_everybody_is_not_proven() {
    const GITHUB: &[ProviderPolicy] = &[declared("github", ProviderKind::GitHub)];
    let world = World::default();
    world.answer_with(
        "https://ghe.example.com/login/oauth/access_token",
        200,
        TOKEN,
    );
    world.answer(
        "https://ghe.example.com/api/v3/user",
        &json!({"id": 1, "login": "o", "email": "o@example.com"}),
    );
    let clients = only(
        &world,
        GITHUB,
        Credentials::new("app", "s")
            .scopes(["read:user"])
            .issuer("https://ghe.example.com"),
    );
    let profile = clients
        .find("github")
        .unwrap()
        .identify(NOW, &answer())
        .await
        .unwrap()
        .profile;
    assert_eq!(profile.issuer, "https://ghe.example.com");
    assert_eq!(
        (profile.email.as_deref(), profile.email_verified),
        (Some("o@example.com"), false)
    );
}

#[tokio::test]
async fn sec_102_an_answer_of_another_issuer_is_refused_by_plain_providers_too() {
    let world = World::default();
    let clients = github(&world);
    let client = clients.find("github").unwrap();
    world.answer("https://api.github.com/user", &json!({"id": 1}));
    world.answer("https://api.github.com/user/emails", &json!([]));
    let from = |issuer| Answer {
        issuer: Some(issuer),
        ..answer()
    };
    assert!(client.identify(NOW, &from(IDP)).await.is_err());
    assert_eq!(world.calls(), 0);
    for issuer in ["https://github.com", "https://github.com/login/oauth"] {
        client.identify(NOW, &from(issuer)).await.unwrap();
    }
}

#[tokio::test]
async fn a_refusal_that_github_writes_as_success_is_one() {
    let world = World::default();
    let clients = github(&world);
    world.answer(
        "https://github.com/login/oauth/access_token",
        &json!({"error": "bad_verification_code"}),
    );
    assert!(
        clients
            .find("github")
            .unwrap()
            .identify(NOW, &answer())
            .await
            .is_err()
    );
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn discord_says_by_a_boolean_whether_an_address_is_proven() {
    const DISCORD: &[ProviderPolicy] = &[declared("discord", ProviderKind::Discord)];
    let world = World::default();
    world.answer_with("https://discord.com/api/v10/oauth2/token", 200, TOKEN);
    let clients = only(&world, DISCORD, Credentials::new("app", "s"));
    let client = clients.find("discord").unwrap();
    let url = client.authorize(NOW, &ask()).await.unwrap();
    assert!(
        url.starts_with("https://discord.com/oauth2/authorize?")
            && url.contains("scope=identify+email"),
        "{url}"
    );
    for (word, proven) in [
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (json!(null), false),
    ] {
        world.answer("https://discord.com/api/v10/users/@me", &json!({
            "id": "80351110224678912", "username": "nelly", "global_name": "Nelly", "email": "nelly@discord.com", "verified": word,
        }));
        let profile = client.identify(NOW, &answer()).await.unwrap().profile;
        assert_eq!(
            (profile.issuer.as_str(), profile.subject.as_str()),
            ("https://discord.com", "80351110224678912")
        );
        assert_eq!(
            (profile.email.as_deref(), profile.email_verified),
            (Some("nelly@discord.com"), proven)
        );
        assert_eq!(
            (profile.username.as_deref(), profile.name.as_deref()),
            (Some("nelly"), Some("Nelly"))
        );
    }
}

/// A provider that the application describes.
pub(super) struct Forge(pub(super) &'static str);

impl OAuthProvider for Forge {
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorize: format!("{}/authorize?audience=api", self.0),
            token: format!("{}/token", self.0),
            userinfo: format!("{}/me", self.0),
        }
    }

    fn scopes(&self) -> &[&str] {
        &["me"]
    }

    fn authenticates_by_basic(&self) -> bool {
        true
    }

    fn profile<'a>(
        &'a self,
        me: Value,
        api: &'a Api<'a>,
    ) -> BoxFuture<'a, Result<Profile, Failure>> {
        Box::pin(async move {
            let mail = api.get(&format!("{}/mail", self.0)).await?;
            let mut profile = api.profile(me["id"].as_str().unwrap_or_default());
            profile.email = mail["address"].as_str().map(str::to_owned);
            profile.email_verified = true;
            profile.name = me["name"].as_str().map(str::to_owned);
            Ok(profile)
        })
    }
}

#[tokio::test]
async fn a_provider_of_ones_own_is_asked_with_the_token() {
    const OWN: &[ProviderPolicy] = &[declared("forge", ProviderKind::Own)];
    let world = World::default();
    world.answer_with("https://forge.example.com/token", 200, TOKEN);
    world.answer(
        "https://forge.example.com/me",
        &json!({"id": "7", "name": "a\u{0}b"}),
    );
    world.answer(
        "https://forge.example.com/mail",
        &json!({"address": "f@example.com"}),
    );
    let mut settings = Settings::default();
    settings.public_url("https://app.example.com");
    settings.http_client(world.clone());
    settings.register_own(
        "forge",
        Forge("https://forge.example.com"),
        Credentials::new("app", "s"),
    );
    let clients = Clients::new(&policy(OWN), settings).unwrap();
    let client = clients.find("forge").unwrap();

    let url = client.authorize(NOW, &ask()).await.unwrap();
    assert!(
        url.starts_with("https://forge.example.com/authorize?audience=api&")
            && url.contains("scope=me"),
        "{url}"
    );
    let profile = client.identify(NOW, &answer()).await.unwrap().profile;
    assert_eq!(
        (profile.issuer.as_str(), profile.subject.as_str()),
        ("https://forge.example.com", "7")
    );
    assert!(profile.email_verified && profile.name.is_none());
    assert_eq!(
        world.asked("https://forge.example.com/mail")[0].headers["authorization"],
        "Bearer gho_16C7"
    );
    assert_eq!(
        world.asked("https://forge.example.com/token")[0].headers["authorization"],
        "Basic YXBwOnM="
    );

    world.answer("https://forge.example.com/me", &json!({"name": "nobody"}));
    assert!(client.identify(NOW, &answer()).await.is_err());
}
