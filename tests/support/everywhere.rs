//! Each provider that is built in, at the addresses that it really has, and one of every other kind: all of them are the included
//! one behind an HTTP client of the application's own. A test file that uses it declares `elsewhere`, `http`, `oidc` and `support`
//! besides.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::collections::HashMap;

use axum::http::{HeaderMap, Request, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crudauth::auth;
use crudauth::oauth::{
    Api, BoxFuture, Credentials, Endpoints, Failure, HttpClient, HttpError, OAuthProvider, Profile,
};
use crudauth::testing::{Clock, TestBuilder};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use url::form_urlencoded::{self, Serializer};

use crate::elsewhere::{PUBLIC, bring, depart, provider};
use crate::oidc::{Misbehaviour, Person, Posted, Provider, sign_in, sign_in_by_post};
use crate::support::{self, Answer, Client, Db, FORM, SECRET, TempDb, User};

const TENANT: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[oauth(
        google, github, microsoft, apple, gitlab, discord, oidc("public"), provider("forge"),
        default_redirect = "/landing",
    )]
    #[rate_limit(oauth_authorize = "1000/m")]
    struct Everybody<User>;
}

/// Where each of them is, and what it calls itself.
pub fn issuer(name: &str) -> String {
    match name {
        "google" => "https://accounts.google.com".to_owned(),
        "github" => "https://github.com".to_owned(),
        "microsoft" => format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        "apple" => "https://appleid.apple.com".to_owned(),
        "gitlab" => "https://gitlab.com".to_owned(),
        "discord" => "https://discord.com".to_owned(),
        other => format!("https://{other}.example.com"),
    }
}

const NAMES: [&str; 8] = [
    "google",
    "github",
    "microsoft",
    "apple",
    "gitlab",
    "discord",
    "public",
    "forge",
];

/// Says nothing of itself but where it is.
struct Forge;

impl OAuthProvider for Forge {
    fn endpoints(&self) -> Endpoints {
        let at = |path| format!("{}/{path}", issuer("forge"));
        Endpoints {
            authorize: at("authorize"),
            token: at("token"),
            userinfo: at("userinfo"),
        }
    }

    fn scopes(&self) -> &[&str] {
        &["who"]
    }

    fn profile<'a>(
        &'a self,
        me: Value,
        api: &'a Api<'a>,
    ) -> BoxFuture<'a, Result<Profile, Failure>> {
        Box::pin(async move {
            let sub = me["sub"].as_str().ok_or(Failure::new("nobody"))?;
            let mut profile = api.profile(sub);
            profile.username = me["preferred_username"].as_str().map(str::to_owned);
            profile.email = me["email"].as_str().map(str::to_owned);
            profile.email_verified = me["email_verified"] == true;
            Ok(profile)
        })
    }
}

/// The way out of the application: every host is one of the providers of the test.
struct Proxy(HashMap<String, Target>);

struct Target {
    url: String,
    secret: String,
}

fn host(url: &str) -> String {
    url.parse::<url::Url>()
        .unwrap()
        .host_str()
        .unwrap()
        .to_owned()
}

impl HttpClient for Proxy {
    fn call(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            assert_eq!(parts.uri.scheme_str(), Some("https"), "{}", parts.uri);
            let host = parts.uri.host().unwrap();
            let target = &self.0[host.strip_prefix("api.").unwrap_or(host)];
            let url = format!("{}{}", target.url, parts.uri.path_and_query().unwrap());
            let mut headers = HeaderMap::new();
            for name in ["accept", "authorization", "content-type"] {
                if let Some(value) = parts.headers.get(name) {
                    headers.insert(name, value.clone());
                }
            }
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            let body = apple_proves(&String::from_utf8(body).unwrap(), &target.secret);
            let reply = crate::http::call(parts.method.as_str(), &url, &headers, &body).await;
            let mut response = Response::new(reply.body.to_vec());
            *response.status_mut() = reply.status.try_into().unwrap();
            *response.headers_mut() = reply.headers;
            Ok(response)
        })
    }
}

/// Apple's secret is a signed token, of which the included provider knows nothing: its own takes the place.
fn apple_proves(form: &str, secret: &str) -> String {
    let mut proven = Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(form.as_bytes()) {
        let signed = name == "client_secret" && value.split('.').count() == 3;
        proven.append_pair(&name, if signed { secret } else { &value });
    }
    proven.finish()
}

fn apple_key() -> String {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let text = STANDARD.encode(pair.unwrap());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

pub struct World {
    pub providers: HashMap<&'static str, Provider>,
    pub router: axum::Router,
    pub db: Db,
    _file: TempDb,
}

pub async fn world() -> World {
    let (file, pool) = support::database(5).await;
    let clock = Clock::manual();
    let mut providers = HashMap::new();
    let mut reached = HashMap::new();
    for name in NAMES {
        let provider = provider(&clock).await;
        provider.poses_as(&issuer(name));
        let email = format!("{name}@example.com");
        provider.person(Person::new("17", Some(&email), true).named("Ada Lovelace", name));
        let target = Target {
            url: provider.url().to_owned(),
            secret: provider.client_secret().to_owned(),
        };
        reached.insert(host(&issuer(name)), target);
        providers.insert(name, provider);
    }
    let given = |name: &str| {
        let provider = &providers[name];
        Credentials::new(provider.client_id(), provider.client_secret())
    };
    let apple = Credentials::apple(providers["apple"].client_id(), "team", "key", apple_key());
    let public = Credentials::new(providers["public"].public_client_id(), "");
    let auth = Everybody::builder(pool)
        .secret(SECRET)
        .clock(clock)
        .cheap_hashing()
        .manual_workers()
        .public_url(PUBLIC)
        .oauth_http_client(Proxy(reached))
        .google(given("google"))
        .github(given("github"))
        .microsoft(given("microsoft"))
        .apple(apple)
        .gitlab(given("gitlab"))
        .discord(given("discord"))
        .oidc("public", public.issuer(issuer("public")))
        .provider("forge", Forge, given("forge"))
        .await
        .unwrap();
    World {
        router: auth.router(),
        db: support::pool(&file.url(), 2).await,
        providers,
        _file: file,
    }
}

impl World {
    /// The page, where it is within reach of the test.
    pub fn page(&self, name: &str, url: &str) -> String {
        assert_eq!(host(url), host(&issuer(name)), "{url}");
        let url: url::Url = url.parse().unwrap();
        let here = self.providers[name].url();
        format!("{here}{}?{}", url.path(), url.query().unwrap())
    }

    /// There and back, in the way of the provider.
    pub async fn by(&self, client: &mut Client, name: &str) -> Answer {
        let url = depart(client, name, "").await;
        let page = self.page(name, &url);
        let callback = if name == "apple" {
            let posted = sign_in_by_post(&page, "17").await;
            hop(client, &posted).await
        } else {
            sign_in(&page, "17").await
        };
        bring(client, &callback).await
    }
}

/// What a browser does with Apple's page: it posts from a foreign one, without our cookies, and goes where that leads.
pub async fn hop(client: &Client, posted: &Posted) -> String {
    let mut foreign = client.clone();
    foreign.cookies.clear();
    let path = posted.url.strip_prefix(PUBLIC).unwrap();
    let answer = foreign.post_body(path, FORM, posted.body.clone()).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(answer.set_cookies().is_empty());
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    answer.header("location").unwrap().to_owned()
}

/// What the provider that is included sees of itself under `common`.
pub fn microsoft(provider: &Provider, edov: bool) {
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    for wrong in [
        Misbehaviour::Metadata("issuer", json!(template)),
        Misbehaviour::Claim("tid", json!(TENANT)),
        Misbehaviour::Claim("xms_edov", json!(edov)),
    ] {
        provider.misbehave(wrong);
    }
}
