//! A whole journey by each provider that is built in, and by those that one describes (contract §2.12).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::auth;
use crudauth::testing::{Clock, TestBuilder};
use serde_json::{Value, json};
use sha2::Digest;
use url::form_urlencoded::Serializer;

use crate::elsewhere::{PUBLIC, bring, credentials, depart, error, me, provider};
use crate::everywhere::{hop, issuer, microsoft, world};
use crate::oidc::Endpoint::Token;
use crate::oidc::{Person, Posted, query, sign_in, sign_in_by_post, with};
use crate::support::{self, Client, SECRET, User};

#[tokio::test]
async fn somebody_signs_in_by_each_provider_that_there_is() {
    let world = world().await;
    microsoft(&world.providers["microsoft"], true);
    for (name, scopes) in [
        ("google", "openid email profile"),
        ("github", "read:user user:email"),
        ("microsoft", "openid email profile"),
        ("apple", "openid email name"),
        ("gitlab", "openid email profile"),
        ("discord", "identify email"),
        ("public", "openid email profile"),
        ("forge", "who"),
    ] {
        let openid = scopes.starts_with("openid");
        let asked = query(&depart(&mut Client::new(world.router.clone()), name, "").await);
        assert_eq!(asked["scope"], scopes, "{name}");
        assert_eq!(asked.contains_key("nonce"), openid, "{name}");
        assert_eq!(
            asked["redirect_uri"],
            format!("{PUBLIC}/oauth/{name}/callback")
        );
        assert_eq!(asked["code_challenge_method"], "S256", "{name}");

        for outcome in ["created", "known"] {
            let mut client = Client::new(world.router.clone());
            let answer = world.by(&mut client, name).await;
            assert_eq!(
                answer.header("location"),
                Some("/landing"),
                "{name}, {outcome}"
            );
            assert_eq!(me(&client).await, name, "{outcome}");
        }
        let sent = world.providers[name].seen(Token).pop().unwrap();
        let body = String::from_utf8(sent.body.to_vec()).unwrap();
        let form = query(&format!("http://x/?{body}"));
        assert_eq!(form["code_verifier"].len(), 64, "{name}");
        let has_secret = form.contains_key("client_secret");
        assert_eq!(has_secret, name != "public", "{name}");
        assert!(!sent.headers.contains_key("authorization"), "{name}");

        let identity = "SELECT issuer FROM auth_identities WHERE provider = $1";
        let stored: String = world.db.query(identity).bind(name).scalar().await;
        assert_eq!(stored, issuer(name));
    }
}

/// What is said to the provider is said to nobody else: the verifier's digest goes first, the verifier with the code.
#[tokio::test]
async fn the_challenge_is_the_digest_of_the_verifier() {
    let world = world().await;
    for name in ["google", "github", "forge"] {
        let mut client = Client::new(world.router.clone());
        let url = depart(&mut client, name, "").await;
        let challenge = query(&url)["code_challenge"].clone();
        let callback = sign_in(&world.page(name, &url), "17").await;
        bring(&mut client, &callback).await;
        let sent = world.providers[name].seen(Token).pop().unwrap();
        let form = query(&format!(
            "http://x/?{}",
            String::from_utf8_lossy(&sent.body)
        ));
        let digest = sha2::Sha256::digest(&form["code_verifier"]);
        assert_eq!(challenge, URL_SAFE_NO_PAD.encode(digest), "{name}");
        assert!(!url.contains(&form["code_verifier"]), "{name}");
    }
}

/// nOAuth: the administrator of any tenant writes any address into `email`, and Microsoft says so by `xms_edov`.
#[tokio::test]
async fn sec_105_an_address_that_a_tenant_of_microsoft_made_up_opens_nothing() {
    let world = world().await;
    microsoft(&world.providers["microsoft"], false);
    let mut client = Client::new(world.router.clone());
    let answer = world.by(&mut client, "microsoft").await;
    assert_eq!(error(&answer), "email_unverified");
    assert_eq!(me(&client).await, "");
}

/// Apple tells a name once, in the form, unsigned: it names somebody, and says nothing of whom the code is about.
#[tokio::test]
async fn what_apple_says_in_the_form_names_and_proves_nothing() {
    let world = world().await;
    let apple = &world.providers["apple"];
    apple.person(Person::new("17", Some("relay@example.com"), "true"));
    let mut client = Client::new(world.router.clone());
    let url = depart(&mut client, "apple", "?redirect_to=/dash").await;
    let page = world.page("apple", &url);
    let posted = sign_in_by_post(&page, "17").await;
    let state = query(&url)["state"].clone();
    let user = json!({
        "name": { "firstName": "Johnny", "lastName": "Appleseed" }, "email": "victim@example.com", "email_verified": true,
        "sub": "1",
    });
    let more = |user: &str| {
        let mut form = Serializer::new(posted.body.clone());
        form.append_pair("user", user);
        Posted {
            url: posted.url.clone(),
            body: form.finish(),
        }
    };
    let callback = hop(&client, &more(&user.to_string())).await;
    assert!(
        !callback.contains("Johnny") && !callback.contains("victim"),
        "{callback}"
    );
    assert_eq!(query(&callback)["state"], state);
    // Said once: a second form changes nothing.
    let again = json!({ "name": { "firstName": "Mallory" } });
    assert_eq!(hop(&client, &more(&again.to_string())).await, callback);

    // The hop spends nothing, and opens nothing without the browser that left.
    let mut stranger = Client::new(world.router.clone());
    assert_eq!(
        error(&bring(&mut stranger, &callback).await),
        "invalid_state"
    );
    assert_eq!(apple.calls(Token), 0);
    let answer = bring(&mut client, &callback).await;
    assert_eq!(answer.header("location"), Some("/dash"));
    let told = client.get("/me").await.json();
    assert_eq!(
        (&told["username"], &told["email"]),
        (&json!("johnny"), &json!("relay@example.com"))
    );
    assert_eq!(error(&bring(&mut client, &callback).await), "invalid_state");

    // Whoever would rather not is told so by a form as well.
    let url = depart(&mut client, "apple", "").await;
    let form = format!(
        "error=user_cancelled_authorize&state={}",
        query(&url)["state"]
    );
    let refused = hop(
        &client,
        &Posted {
            url: posted.url.clone(),
            body: form,
        },
    )
    .await;
    assert_eq!(error(&bring(&mut client, &refused).await), "oauth_failed");
    // What is too long to be a name is dropped, and nothing else is.
    let url = depart(&mut client, "apple", "").await;
    let long = json!({ "name": { "firstName": "J".repeat(4000) } }).to_string();
    let posted = sign_in_by_post(&world.page("apple", &url), "17").await;
    let mut form = Serializer::new(posted.body.clone());
    form.append_pair("user", &long);
    let callback = hop(
        &client,
        &Posted {
            url: posted.url,
            body: form.finish(),
        },
    )
    .await;
    assert_eq!(
        bring(&mut client, &callback).await.header("location"),
        Some("/landing")
    );
}

/// GitHub answers an error with a status of 200, and a client of one's own is held to the limits like the one that is built in.
#[tokio::test]
async fn plain_providers_vouch_for_nobody_by_a_wrong_code_or_issuer() {
    let world = world().await;
    for name in ["github", "discord", "forge"] {
        for (parameter, value) in [("code", "not-a-code"), ("iss", "https://evil.example")] {
            let mut client = Client::new(world.router.clone());
            let url = depart(&mut client, name, "").await;
            let callback = sign_in(&world.page(name, &url), "17").await;
            let callback = with(&callback, parameter, Some(value));
            let answer = bring(&mut client, &callback).await;
            assert_eq!(error(&answer), "oauth_failed", "{name} {parameter}");
            assert_eq!(me(&client).await, "", "{name}");
        }
        let provider = &world.providers[name];
        let email = format!("{name}@example.com");
        provider.person(Person::new("17", Some(&email), false).named("Ada", name));
        let mut client = Client::new(world.router.clone());
        assert_eq!(
            error(&world.by(&mut client, name).await),
            "email_unverified",
            "{name}"
        );
        provider.person(Person::new("17", None, Value::Null).named("Ada", name));
        assert_eq!(
            error(&world.by(&mut client, name).await),
            "email_missing",
            "{name}"
        );
    }
    assert_eq!(world.db.count("SELECT count(*) FROM users").await, 0);
}

/// Not one of the eight: an installation of GitLab, or of GitHub, on this machine.
#[tokio::test]
async fn an_installation_of_ones_own_is_its_issuer() {
    auth! {
        #[database(sqlite, postgres)]
        #[oauth(gitlab, github, default_redirect = "/landing")]
        struct Own<User>;
    }
    let (file, pool) = support::database(5).await;
    let clock = Clock::manual();
    let (gitlab, github) = (provider(&clock).await, provider(&clock).await);
    github.person(Person::new("17", Some("octo@example.com"), true).named("Octo", "octo"));
    let auth = Own::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .public_url(PUBLIC)
        .gitlab(credentials(&gitlab))
        .github(credentials(&github))
        .await
        .unwrap();
    for (name, sub, username) in [("gitlab", "ada", "ada"), ("github", "17", "octo")] {
        let mut client = Client::new(auth.router());
        let url = depart(&mut client, name, "").await;
        let answer = bring(&mut client, &sign_in(&url, sub).await).await;
        assert_eq!(answer.header("location"), Some("/landing"), "{name}");
        assert_eq!(me(&client).await, username);
    }
    let issuers =
        "SELECT count(DISTINCT issuer) FROM auth_identities WHERE issuer LIKE 'http://127.0.0.1:%'";
    let db = support::pool(&file.url(), 1).await;
    assert_eq!(db.count(issuers).await, 2);
}
