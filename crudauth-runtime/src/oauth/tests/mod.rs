//! A provider that answers from a table, and keeps what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, Request, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;
use crate::clock::Timestamp;
use crate::policy::{OAuthPolicy, ProviderKind, ProviderPolicy};

mod caching;
mod calls;
mod openid;
mod plain;
mod quirks;
mod settings;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const IDP: &str = "https://idp.example.com";
const NONCE: &str = "n-0S6_WzA2Mj";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SSO: &[ProviderPolicy] = &[declared("sso", ProviderKind::Oidc)];
const HERE: &str = "https://app.example.com/auth/oauth/sso/callback";

/// Every provider of the tests.
#[derive(Clone, Default)]
struct World(Arc<Inner>);

#[derive(Default)]
struct Inner {
    answers: Mutex<HashMap<String, (u16, String)>>,
    asked: Mutex<Vec<Asked>>,
}

#[derive(Clone)]
struct Asked {
    url: String,
    form: HashMap<String, String>,
    headers: HeaderMap,
}

impl World {
    fn answer(&self, url: &str, body: &Value) {
        self.answer_with(url, 200, &body.to_string());
    }

    fn answer_with(&self, url: &str, status: u16, body: &str) {
        let mut answers = self.0.answers.lock().unwrap();
        answers.insert(url.to_owned(), (status, body.to_owned()));
    }

    /// The calls to `url`.
    fn asked(&self, url: &str) -> Vec<Asked> {
        let asked = self.0.asked.lock().unwrap();
        asked.iter().filter(|one| one.url == url).cloned().collect()
    }

    fn calls(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }
}

impl HttpClient for World {
    fn call(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>> {
        let url = request.uri().to_string();
        let form = url::form_urlencoded::parse(request.body());
        let form = form.into_owned().collect();
        let headers = request.headers().clone();
        let answer = self.0.answers.lock().unwrap().get(&url).cloned();
        let mut asked = self.0.asked.lock().unwrap();
        asked.push(Asked { url, form, headers });
        Box::pin(async move {
            let (status, body) = answer.ok_or_else(|| HttpError::new("no such host"))?;
            let mut answer = Response::new(body.into_bytes());
            *answer.status_mut() = status.try_into().unwrap();
            Ok(answer)
        })
    }
}

/// A key of a provider.
struct Key(Ed25519KeyPair);

impl Key {
    fn new() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self(Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap())
    }

    fn jwk(&self, kid: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x})
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        self.sign_under(&json!({"alg": "EdDSA", "typ": "JWT", "kid": kid}), claims)
    }

    /// Claims that `serde_json` would not write.
    fn sign_raw(&self, kid: &str, claims: &str) -> String {
        let header = json!({"alg": "EdDSA", "kid": kid}).to_string();
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        self.seal(&format!("{}.{}", part(&header), part(claims)))
    }

    fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        self.seal(&format!("{}.{}", part(header), part(claims)))
    }

    fn seal(&self, input: &str) -> String {
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }
}

/// `value` with these members in place of, or besides, its own; `null` takes one away.
fn with(value: &Value, members: &Value) -> Value {
    let mut value = value.clone();
    for (name, member) in members.as_object().unwrap() {
        let object = value.as_object_mut().unwrap();
        if member.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), member.clone());
        }
    }
    value
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{IDP}/authorize"),
        "token_endpoint": format!("{IDP}/token"),
        "jwks_uri": format!("{IDP}/keys"),
        "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
}

fn claims() -> Value {
    json!({
        "iss": IDP,
        "aud": "app",
        "sub": "248289761001",
        "exp": NOW.as_secs() + 300,
        "iat": NOW.as_secs(),
        "nonce": NONCE,
        "email": "jane@example.com",
        "email_verified": true,
        "preferred_username": "j.doe",
        "given_name": "Jane",
        "name": "Jane Doe",
        "locale": "en",
    })
}

fn tokens(id_token: &str) -> Value {
    json!({"access_token": "SlAV32hkKG", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "8xLOxBtZp8", "id_token": id_token})
}

/// An OpenID provider at [`IDP`] that publishes itself and its key.
fn idp() -> (World, Key) {
    let (world, key) = (World::default(), Key::new());
    world.answer(
        &format!("{IDP}/.well-known/openid-configuration"),
        &metadata(IDP),
    );
    world.answer(&format!("{IDP}/keys"), &json!({"keys": [key.jwk("1")]}));
    (world, key)
}

const fn declared(name: &'static str, kind: ProviderKind) -> ProviderPolicy {
    ProviderPolicy {
        name,
        kind,
        trusted: true,
    }
}

fn policy(providers: &'static [ProviderPolicy]) -> OAuthPolicy {
    OAuthPolicy {
        providers,
        ..OAuthPolicy::DEFAULT
    }
}

/// The client of the only provider.
fn only(world: &World, providers: &'static [ProviderPolicy], credentials: Credentials) -> Clients {
    let mut settings = Settings::default();
    settings.public_url("https://app.example.com/auth");
    settings.http_client(world.clone());
    settings.register(providers[0].kind, providers[0].name, credentials);
    Clients::new(&policy(providers), settings).unwrap()
}

fn sso(world: &World) -> Clients {
    only(world, SSO, Credentials::new("app", "s3cr3t&=").issuer(IDP))
}

fn ask() -> Ask<'static> {
    Ask {
        state: "af0ifjsldkj",
        verifier: VERIFIER,
        nonce: NONCE,
        redirect_uri: HERE,
    }
}

fn answer() -> Answer<'static> {
    Answer {
        code: "SplxlOBeZQQYbYS6WxSbIA",
        issuer: None,
        verifier: VERIFIER,
        nonce: NONCE,
        redirect_uri: HERE,
        user: None,
    }
}

/// What comes of an `id_token` with these claims.
async fn signed_in(world: &World, key: &Key, claims: &Value) -> Result<Profile, Failure> {
    world.answer(&format!("{IDP}/token"), &tokens(&key.sign("1", claims)));
    let clients = sso(world);
    let client = clients.find("sso").unwrap();
    Ok(client.identify(NOW, &answer()).await?.profile)
}
