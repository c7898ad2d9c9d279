//! Every answer of the providers' routes, for the table of [`contract`](crate::contract).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crudauth::auth;
use crudauth::oauth::Credentials;
use crudauth::testing::{Clock, TestBuilder};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

use crate::elsewhere::{PUBLIC, bring, credentials, depart};
use crate::handover::{self, PAGE, VERIFIER, redeem, wish};
use crate::oidc::{Person, Provider, sign_in};
use crate::support::{self, Answer, Client, Db, FORM, PASSWORD, SECRET, TempDb, User};
use crate::world::foreign;

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer]
    #[sudo(route)]
    #[oauth(
        oidc("demo"), oidc("loose", trusted = false), apple,
        default_redirect = "/landing", response = "json", exchange("https://spa.example.com/callback"),
    )]
    struct Page<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[oauth(oidc("demo"), oidc("loose", trusted = false), apple, default_redirect = "/landing")]
    struct Web<User>;
}

/// An application, its provider, and the account `ada` with a browser signed in to it by password.
struct World {
    demo: Provider,
    ada: Client,
    stranger: Client,
    db: Db,
    clock: Clock,
    _file: TempDb,
}

macro_rules! world {
    ($auth:ty) => {{
        let (file, pool) = support::database(5).await;
        let (clock, demo) = (Clock::manual(), Provider::start().await.unwrap());
        let time = clock.clone();
        demo.set_clock(move || time.now().as_secs());
        let auth = <$auth>::builder(pool)
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .public_url(PUBLIC)
            .oidc("demo", credentials(&demo))
            .oidc("loose", credentials(&demo))
            .apple(Credentials::apple("client", "team", "key", apple_key()))
            .await
            .unwrap();
        let router = crudauth::routing::Router::new()
            .mount(&auth)
            .with_state(auth.clone())
            .into_axum();
        let stranger = Client::new(router);
        let mut ada = stranger.clone().from("198.51.100.1");
        let body = json!({ "email": "eve@example.com", "username": "eve", "password": PASSWORD });
        assert_eq!(ada.post_json("/register", &body).await.status, 200);
        assert_eq!(ada.login("eve", PASSWORD).await.status, 200);
        let db = support::pool(&file.url(), 1).await;
        World {
            demo,
            ada,
            stranger,
            db,
            clock,
            _file: file,
        }
    }};
}

fn apple_key() -> String {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let text = STANDARD.encode(pair.unwrap());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

impl World {
    /// Somebody signs in by `demo`, as `sub`.
    async fn by(&self, client: &mut Client, provider: &str, sub: &str) -> Answer {
        let url = depart(client, provider, "").await;
        bring(client, &sign_in(&url, sub).await).await
    }

    /// A stranger, of whom the provider says this.
    async fn of(&self, email: Option<&str>, verified: bool) -> Answer {
        self.demo.person(Person::new("odd", email, verified));
        self.by(&mut self.stranger.clone(), "demo", "odd").await
    }

    /// Links what `sub` has at the provider to the account of `client`.
    async fn link(&self, client: &mut Client, sub: &str) -> Answer {
        let answer = client.post_json("/oauth/demo/link", &json!({})).await;
        client.keep(&answer);
        let url = answer.json()["url"].as_str().unwrap().to_owned();
        bring(client, &sign_in(&url, sub).await).await
    }

    async fn identity(&self, client: &Client) -> String {
        let listed = client.get("/oauth/identities").await.json();
        format!("/oauth/identities/{}", listed[0]["id"].as_str().unwrap())
    }

    fn later(&self) {
        self.clock.advance(std::time::Duration::from_mins(10));
    }

    async fn sql(&self, text: &'static str) {
        self.db.query(text).execute().await;
    }
}

/// Produces one answer of one route.
#[expect(clippy::too_many_lines, reason = "a table, one line for each answer")]
pub async fn produce(route: &str, status: u16, code: &str) -> Answer {
    let mut w = if status == 307 {
        world!(Web)
    } else {
        world!(Page)
    };
    let (mut one, link) = (w.stranger.clone(), json!({}));
    match (route, status, code) {
        ("GET /oauth/{provider}/authorize", _, "") => one.get("/oauth/demo/authorize").await,
        ("GET /oauth/{provider}/authorize", 400, "oauth_failed") => {
            drop(std::mem::replace(
                &mut w.demo,
                Provider::start().await.unwrap(),
            ));
            one.get("/oauth/demo/authorize").await
        }
        ("GET /oauth/{provider}/authorize", 422, "validation_error") => {
            one.get("/oauth/demo/authorize?remember_me=perhaps").await
        }
        ("GET /oauth/{provider}/authorize", 429, "rate_limited") => {
            for _ in 0..30 {
                depart(&mut one, "demo", "").await;
            }
            one.get("/oauth/demo/authorize").await
        }
        (_, 400, "unknown_provider") => {
            let (method, path) = route.split_once(' ').unwrap();
            let path = path.replace("{provider}", "nope");
            let request = w.ada.request(method.parse().unwrap(), &path);
            w.ada
                .send(request.body(axum::body::Body::empty()).unwrap())
                .await
        }
        ("GET /oauth/{provider}/callback", 200 | 307, "") => w.by(&mut one, "demo", "ada").await,
        ("GET /oauth/{provider}/callback", 400, "account_inactive") => {
            w.by(&mut one, "demo", "ada").await;
            w.sql("UPDATE users SET is_active = false").await;
            w.by(&mut w.stranger.clone(), "demo", "ada").await
        }
        ("GET /oauth/{provider}/callback", 400, "email_missing") => w.of(None, false).await,
        ("GET /oauth/{provider}/callback", 400, "email_too_long") => {
            let long = format!("{}@example.com", "a".repeat(400));
            w.of(Some(&long), true).await
        }
        ("GET /oauth/{provider}/callback", 400, "email_unverified") => {
            w.of(Some("odd@example.com"), false).await
        }
        ("GET /oauth/{provider}/callback", 400, "identity_taken") => {
            w.by(&mut one, "demo", "ada").await;
            w.link(&mut w.ada.clone(), "ada").await
        }
        ("GET /oauth/{provider}/callback", 400, "invalid_state") => {
            let callback = sign_in(&depart(&mut one, "demo", "").await, "ada").await;
            bring(&mut w.stranger.clone(), &callback).await
        }
        ("GET /oauth/{provider}/callback", 400, "link_required") => {
            w.by(&mut one, "loose", "ada").await
        }
        ("GET /oauth/{provider}/callback", 400, "oauth_failed") => {
            one.get("/oauth/demo/callback?error=access_denied").await
        }
        ("GET /oauth/{provider}/callback", 400, "provider_already_linked") => {
            w.by(&mut one, "demo", "ada").await;
            w.of(Some("ada@example.com"), true).await
        }
        ("POST /oauth/{provider}/callback", 303, "") => {
            let form = format!("code=c&state={}", "A".repeat(43));
            one.post_body("/oauth/apple/callback", FORM, form).await
        }
        ("POST /oauth/{provider}/callback", 400, "oauth_failed") => {
            one.post_body("/oauth/demo/callback", FORM, "code=c").await
        }
        ("POST /oauth/token", 200, "") => {
            let url = depart(&mut one, "demo", &wish(PAGE)).await;
            let answer = bring(&mut one, &sign_in(&url, "ada").await).await;
            redeem(&one, &handover::code(&answer, PAGE), VERIFIER).await
        }
        ("POST /oauth/token", 400, "invalid_grant") => redeem(&one, "nobodys", VERIFIER).await,
        ("POST /oauth/token", 403, "cross_site_login") => foreign(&one, "/oauth/token", FORM).await,
        ("POST /oauth/token", 422, "validation_error") => one.post("/oauth/token").await,
        ("POST /oauth/token", 429, "rate_limited") => {
            for _ in 0..30 {
                one.post("/oauth/token").await;
            }
            one.post("/oauth/token").await
        }
        ("POST /oauth/{provider}/link", 200, "") => {
            w.ada.post_json("/oauth/demo/link", &link).await
        }
        ("POST /oauth/{provider}/link", 400, "oauth_failed") => {
            drop(std::mem::replace(
                &mut w.demo,
                Provider::start().await.unwrap(),
            ));
            w.ada.post_json("/oauth/demo/link", &link).await
        }
        ("POST /oauth/{provider}/link", 401, "not_authenticated") => {
            one.post_json("/oauth/demo/link", &link).await
        }
        ("POST /oauth/{provider}/link", 403, "recent_sign_in_required") => {
            w.later();
            w.ada.post_json("/oauth/demo/link", &link).await
        }
        ("POST /oauth/{provider}/link", 403, "session_required") => {
            let form = format!("username=eve&password={}", support::encode(PASSWORD));
            let issued = one.post_body("/token", FORM, form).await.json();
            let token = issued["access_token"].as_str().unwrap().to_owned();
            let request = one
                .request(axum::http::Method::POST, "/oauth/demo/link")
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", support::JSON);
            one.send(request.body("{}".into()).unwrap()).await
        }
        ("POST /oauth/{provider}/link", 422, "validation_error") => {
            w.ada
                .post_body("/oauth/demo/link", support::JSON, "{")
                .await
        }
        ("POST /oauth/{provider}/link", 429, "rate_limited") => {
            for _ in 0..30 {
                w.ada.post_json("/oauth/demo/link", &link).await;
            }
            w.ada.post_json("/oauth/demo/link", &link).await
        }
        ("GET /oauth/identities", 200, "") => w.ada.get("/oauth/identities").await,
        ("GET /oauth/identities", 401, "not_authenticated") => one.get("/oauth/identities").await,
        ("DELETE /oauth/identities/{id}", _, _) => {
            let none = format!("/oauth/identities/{}", "0".repeat(64));
            w.by(&mut one, "demo", "ada").await; // an account without a password
            let own = w.identity(&one).await;
            match code {
                "" => {
                    assert_eq!(w.link(&mut one, "grace").await.status, 200);
                    one.delete(&own).await
                }
                "not_authenticated" => w.stranger.delete(&own).await,
                "recent_sign_in_required" => {
                    w.later();
                    one.delete(&own).await
                }
                "sudo_required" => w.ada.delete(&own).await,
                "identity_not_found" => one.delete(&none).await,
                _ => one.delete(&own).await,
            }
        }
        _ => panic!("`{route}` declares {status} {code:?}: write here how it comes about"),
    }
}
