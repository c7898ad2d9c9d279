use super::*;
use ring::digest;

#[tokio::test]
async fn a_signed_id_token_says_who_it_is() {
    let (world, key) = idp();
    world.answer(&format!("{IDP}/token"), &tokens(&key.sign("1", &claims())));
    let clients = sso(&world);
    let client = clients.find("sso").unwrap();

    let found = client.identify(NOW, &answer()).await.unwrap();

    let profile = &found.profile;
    assert_eq!(
        (profile.issuer.as_str(), profile.subject.as_str()),
        (IDP, "248289761001")
    );
    assert_eq!(profile.email.as_deref(), Some("jane@example.com"));
    assert!(profile.email_verified);
    assert_eq!(profile.username.as_deref(), Some("j.doe"));
    assert_eq!(profile.given_name.as_deref(), Some("Jane"));
    assert_eq!(profile.name.as_deref(), Some("Jane Doe"));
    assert_eq!(profile.claims.get("locale"), Some(&json!("en")));
    assert!(profile.claims.get("nonce").is_none() && profile.claims.get("sub").is_none());
    assert_eq!(found.tokens.access.expose(), "SlAV32hkKG");
    assert_eq!(found.tokens.expires_in.unwrap().as_secs(), 3600);
    let shown = format!("{:?} {clients:?}", found.tokens);
    assert!(
        !shown.contains("SlAV32hkKG") && !shown.contains("8xLOxBtZp8") && !shown.contains("s3cr3t"),
        "{shown}"
    );

    let call = &world.asked(&format!("{IDP}/token"))[0];
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "SplxlOBeZQQYbYS6WxSbIA"),
        ("redirect_uri", HERE),
        ("code_verifier", VERIFIER),
        ("client_id", "app"),
        ("client_secret", "s3cr3t&="),
    ] {
        assert_eq!(
            call.form.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
    assert!(call.headers.get("authorization").is_none());
}

#[tokio::test]
async fn the_browser_goes_with_pkce_a_nonce_and_the_scopes() {
    let (world, _) = idp();
    let clients = sso(&world);

    let url = clients
        .find("sso")
        .unwrap()
        .authorize(NOW, &ask())
        .await
        .unwrap();

    let url = url::Url::parse(&url).unwrap();
    assert_eq!(
        url.as_str().split('?').next(),
        Some("https://idp.example.com/authorize")
    );
    let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    query.sort();
    let expected = [
        ("client_id", "app"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ), // RFC 7636, appendix B
        ("code_challenge_method", "S256"),
        ("nonce", NONCE),
        ("redirect_uri", HERE),
        ("response_type", "code"),
        ("scope", "openid email profile"),
        ("state", "af0ifjsldkj"),
    ];
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(query, expected);
}

#[tokio::test]
async fn sec_101_every_claim_of_an_id_token_is_checked() {
    let (world, key) = idp();
    let now = NOW.as_secs();
    for (name, members) in [
        ("iss", json!({"iss": null})),
        ("iss", json!({"iss": "https://idp.example.com/"})),
        ("iss", json!({"iss": "https://evil.example.com"})),
        ("iss", json!({"iss": 5})),
        ("aud", json!({"aud": null})),
        ("aud", json!({"aud": "other"})),
        ("aud", json!({"aud": ["other"]})),
        ("aud", json!({"aud": []})),
        ("aud", json!({"aud": ["app", 5], "azp": "app"})),
        ("aud", json!({"aud": {"app": 1}})),
        ("azp", json!({"azp": "other"})),
        ("azp", json!({"azp": 5})),
        ("azp", json!({"aud": ["app", "other"]})),
        ("azp", json!({"aud": ["app", "other"], "azp": "other"})),
        ("exp", json!({"exp": null})),
        ("exp", json!({"exp": now - 60})),
        ("exp", json!({"exp": (now + 300).to_string()})),
        ("iat", json!({"iat": null})),
        ("iat", json!({"iat": now + 61})),
        ("iat", json!({"iat": "now"})),
        ("nbf", json!({"nbf": now + 61})),
        ("nbf", json!({"nbf": "now"})),
        ("nonce", json!({"nonce": null})),
        ("nonce", json!({"nonce": ""})),
        ("nonce", json!({"nonce": "n-0S6_WzA2Mk"})),
        ("at_hash", json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"})),
        ("at_hash", json!({"at_hash": ""})),
        ("at_hash", json!({"at_hash": 5})),
        ("sub", json!({"sub": null})),
        ("sub", json!({"sub": ""})),
        ("sub", json!({"sub": 248_289_761_001_i64})),
        ("sub", json!({"sub": "x".repeat(256)})),
        ("sub", json!({"sub": "a\0b"})),
    ] {
        let failure = signed_in(&world, &key, &with(&claims(), &members))
            .await
            .unwrap_err();
        assert!(
            failure.to_string().contains(&format!("`{name}`")),
            "{members}: {failure}"
        );
    }
    let hash = digest::digest(&digest::SHA512, b"SlAV32hkKG");
    let hash = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..32]);
    for members in [
        json!({"aud": ["app"]}),
        json!({"aud": ["app", "other"], "azp": "app"}),
        json!({"exp": now - 59}),
        json!({"exp": f64::from(1_700_000_300) + 0.5}),
        json!({"iat": now + 60, "nbf": now + 60}),
        json!({"at_hash": hash}),
        json!({"sub": "x".repeat(255)}),
    ] {
        let outcome = signed_in(&world, &key, &with(&claims(), &members)).await;
        assert!(outcome.is_ok(), "{members}: {outcome:?}");
    }
}

#[tokio::test]
async fn sec_101_only_the_provider_signs_and_with_an_algorithm_that_it_announced() {
    let (world, key) = idp();
    let good = key.sign("1", &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let other = Key::new();
    let forged = other.sign("1", &claims());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let hs = key.sign_under(&json!({"alg": "HS256", "kid": "1"}), &claims());
    let es = key.sign_under(&json!({"alg": "ES256", "kid": "1"}), &claims());
    let access = key.sign_under(
        &json!({"alg": "EdDSA", "kid": "1", "typ": "at+jwt"}),
        &claims(),
    );
    let embedded = other.sign_under(
        &json!({"alg": "EdDSA", "kid": "1", "jwk": other.jwk("1")}),
        &claims(),
    );
    let twice = claims().to_string().replacen('{', r#"{"sub":"1","#, 1);
    let twice = key.sign_raw("1", &twice);
    for (what, token) in [
        ("of another key", forged.as_str()),
        ("with its own key", &embedded),
        ("unsigned", &format!("{none}.{}.", parts[1])),
        ("unsigned, filled", &format!("{none}.{}.AAAA", parts[1])),
        ("HS256", &hs),
        ("an algorithm not announced", &es),
        ("an access token", &access),
        ("claims twice", &twice),
        ("no token", "x"),
        ("four parts", &format!("{good}.AAAA")),
        ("empty", ""),
    ] {
        world.answer(&format!("{IDP}/token"), &tokens(token));
        let clients = sso(&world);
        let outcome = clients.find("sso").unwrap().identify(NOW, &answer()).await;
        let failure = outcome.expect_err(what).to_string();
        assert!(failure.contains("id_token"), "{what}: {failure}");
    }
    // EdDSA is a key of the provider's, and not announced.
    let url = format!("{IDP}/.well-known/openid-configuration");
    for algs in [json!(["RS256"]), json!(null), json!(["none", "HS256"])] {
        world.answer(
            &url,
            &with(
                &metadata(IDP),
                &json!({"id_token_signing_alg_values_supported": algs}),
            ),
        );
        assert!(signed_in(&world, &key, &claims()).await.is_err(), "{algs}");
    }
}

#[tokio::test]
async fn sec_102_discovery_declares_exactly_the_configured_issuer() {
    let (world, key) = idp();
    let url = format!("{IDP}/.well-known/openid-configuration");
    for issuer in [
        json!("https://idp.example.com/"),
        json!("https://IDP.example.com"),
        json!("https://evil.example.com"),
        json!(null),
        json!(5),
    ] {
        world.answer(&url, &with(&metadata(IDP), &json!({"issuer": issuer})));
        let failure = signed_in(&world, &key, &claims()).await.unwrap_err();
        assert!(
            failure.to_string().contains("another issuer"),
            "{issuer}: {failure}"
        );
    }
    assert!(world.asked(&format!("{IDP}/token")).is_empty());
}

#[tokio::test]
async fn sec_102_the_issuer_of_an_answer_is_checked_before_any_call() {
    let (world, key) = idp();
    world.answer(&format!("{IDP}/token"), &tokens(&key.sign("1", &claims())));
    let clients = sso(&world);
    let client = clients.find("sso").unwrap();
    let from = |issuer| Answer { issuer, ..answer() };

    for issuer in ["https://evil.example.com", "https://idp.example.com/", ""] {
        let failure = client.identify(NOW, &from(Some(issuer))).await.unwrap_err();
        assert!(failure.to_string().contains("another issuer"), "{failure}");
    }
    assert_eq!(world.calls(), 0);
    client.identify(NOW, &from(Some(IDP))).await.unwrap();
    client.identify(NOW, &from(None)).await.unwrap();

    let announced = json!({"authorization_response_iss_parameter_supported": true});
    world.answer(
        &format!("{IDP}/.well-known/openid-configuration"),
        &with(&metadata(IDP), &announced),
    );
    let exchanges = world.asked(&format!("{IDP}/token")).len();
    let clients = sso(&world);
    let client = clients.find("sso").unwrap();
    assert!(client.identify(NOW, &from(None)).await.is_err());
    assert_eq!(world.asked(&format!("{IDP}/token")).len(), exchanges);
    client.identify(NOW, &from(Some(IDP))).await.unwrap();
}

#[tokio::test]
async fn sec_108_endpoints_that_a_provider_publishes_are_https() {
    let (world, key) = idp();
    let url = format!("{IDP}/.well-known/openid-configuration");
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
    ] {
        for odd in [
            "http://idp.example.com/x",
            "http://127.0.0.1/x",
            "file:///etc/passwd",
            "/x",
            "https://a:b@idp.example.com/",
        ] {
            world.answer(&url, &with(&metadata(IDP), &json!({name: odd})));
            let failure = signed_in(&world, &key, &claims()).await.unwrap_err();
            assert!(failure.to_string().contains(name), "{failure}");
        }
    }
}

#[tokio::test]
async fn userinfo_is_asked_for_the_address_and_is_about_the_same_person() {
    let (world, key) = idp();
    let url = format!("{IDP}/userinfo");
    world.answer(
        &format!("{IDP}/.well-known/openid-configuration"),
        &with(&metadata(IDP), &json!({"userinfo_endpoint": url})),
    );
    let bare = with(
        &claims(),
        &json!({"email": null, "email_verified": null, "name": null}),
    );
    let same = json!({"sub": "248289761001", "email": "jane@example.org", "email_verified": true, "name": "J"});

    signed_in(&world, &key, &claims()).await.unwrap();
    assert!(world.asked(&url).is_empty());

    world.answer(&url, &same);
    let profile = signed_in(&world, &key, &bare).await.unwrap();
    assert_eq!(profile.email.as_deref(), Some("jane@example.org"));
    assert!(profile.email_verified);
    assert_eq!(profile.name.as_deref(), Some("J"));
    assert_eq!(
        world.asked(&url)[0].headers["authorization"],
        "Bearer SlAV32hkKG"
    );

    // One's word is never for the other's address.
    let unproven = with(&claims(), &json!({"email_verified": null}));
    world.answer(&url, &with(&same, &json!({"email": null})));
    let profile = signed_in(&world, &key, &unproven).await.unwrap();
    assert_eq!(profile.email.as_deref(), Some("jane@example.com"));
    assert!(!profile.email_verified);

    for odd in [
        with(&same, &json!({"sub": "1"})),
        with(&same, &json!({"sub": null})),
        with(&same, &json!({"sub": 248_289_761_001_i64})),
        json!([]),
    ] {
        world.answer(&url, &odd);
        let failure = signed_in(&world, &key, &bare).await.unwrap_err();
        assert!(failure.to_string().contains("userinfo"), "{failure}");
    }
    world.answer_with(&url, 401, "{}");
    assert!(signed_in(&world, &key, &bare).await.is_err());
}

#[tokio::test]
async fn an_address_is_proven_by_the_boolean_and_nothing_else() {
    let (world, key) = idp();
    for (word, proven) in [
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (json!(1), false),
        (json!(null), false),
    ] {
        let said = with(&claims(), &json!({"email_verified": word}));
        let profile = signed_in(&world, &key, &said).await.unwrap();
        assert_eq!(profile.email_verified, proven, "{word}");
    }
}

#[tokio::test]
async fn the_secret_goes_where_the_provider_reads_it() {
    let (world, key) = idp();
    let url = format!("{IDP}/.well-known/openid-configuration");
    let token = format!("{IDP}/token");
    world.answer(&token, &tokens(&key.sign("1", &claims())));
    // RFC 6749 §2.3.1: both halves are encoded as in a form.
    let basic = "Basic YXBwOnMzY3IzdCUyNiUzRA==";
    for (methods, header) in [
        (json!(["client_secret_basic"]), Some(basic)),
        (json!(null), None),
        (json!(["client_secret_post"]), None),
        (json!(["client_secret_basic", "client_secret_post"]), None),
    ] {
        world.answer(
            &url,
            &with(
                &metadata(IDP),
                &json!({"token_endpoint_auth_methods_supported": methods}),
            ),
        );
        let clients = sso(&world);
        clients
            .find("sso")
            .unwrap()
            .identify(NOW, &answer())
            .await
            .unwrap();
        let call = world.asked(&token).pop().unwrap();
        let sent = call
            .headers
            .get("authorization")
            .map(|value| value.to_str().unwrap());
        assert_eq!(sent, header, "{methods}");
        assert_eq!(
            call.form.contains_key("client_secret"),
            header.is_none(),
            "{methods}"
        );
    }

    let clients = only(&world, SSO, Credentials::new("app", "").issuer(IDP));
    clients
        .find("sso")
        .unwrap()
        .identify(NOW, &answer())
        .await
        .unwrap();
    let call = world.asked(&token).pop().unwrap();
    assert_eq!(call.form["client_id"], "app");
    assert!(
        !call.form.contains_key("client_secret") && call.headers.get("authorization").is_none()
    );
}

#[tokio::test]
async fn a_failure_tells_nothing_that_was_sent_or_received() {
    let (world, _) = idp();
    let url = format!("{IDP}/token");
    let echo = "SplxlOBeZQQYbYS6WxSbIA s3cr3t&= jane@example.com";
    for (status, body) in [
        (
            400,
            json!({"error": "invalid_grant", "error_description": echo}),
        ),
        (400, json!({"error": echo})),
        (400, json!({ "x": echo })),
        (200, json!({"access_token": echo})),
        (200, json!({"access_token": "t", "token_type": echo})),
        (
            200,
            json!({"access_token": "t", "token_type": "Bearer", "id_token": echo}),
        ),
        (200, json!({"access_token": "t", "token_type": "Bearer"})),
        (500, json!(echo)),
    ] {
        world.answer_with(&url, status, &body.to_string());
        let clients = sso(&world);
        let failure = clients
            .find("sso")
            .unwrap()
            .identify(NOW, &answer())
            .await
            .unwrap_err();
        let text = format!("{failure} {failure:?}");
        for part in echo.split(' ') {
            assert!(!text.contains(part), "{text}");
        }
    }
}
