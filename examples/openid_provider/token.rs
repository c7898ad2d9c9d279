//! A code for tokens, and a token for claims (RFC 6749 §4.1.3, OpenID Connect Core §3.1.3, §5.3).

use std::collections::HashMap;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::authorize::{Grant, parameters};
use super::misbehaviour::{Misbehaviour, Signed, put};
use super::{Broken, Desk, Key, Person, Seen};
use super::{held, random};

/// How long a code is good for, in seconds.
const CODE_LIFETIME: i64 = 60;
/// How long an `id_token` is, in seconds.
const ID_TOKEN_LIFETIME: i64 = 300;

type Form = HashMap<String, String>;

impl Desk {
    pub(super) fn exchange(&self, request: &Seen) -> Result<Response, Broken> {
        let (status, body) = match self.redeem(request) {
            Ok(grant) => (StatusCode::OK, self.tokens(&grant)?),
            Err(error) if error == "invalid_client" => {
                (StatusCode::UNAUTHORIZED, json!({ "error": error }))
            }
            Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
        };
        if request.uri.path().ends_with("/access_token") {
            return Ok(super::github::token_answer(request, body));
        }
        let uncached = [(header::CACHE_CONTROL, "no-store")];
        Ok((status, uncached, Json(body)).into_response())
    }

    fn redeem(&self, request: &Seen) -> Result<Grant, &'static str> {
        let form = parameters(&request.body).ok_or("invalid_request")?;
        let client = self.client(request, &form).ok_or("invalid_client")?;
        let of = |name| form.get(name).map_or("", String::as_str);
        if of("grant_type") != "authorization_code" {
            return Err("unsupported_grant_type");
        }
        // Whatever comes of it, a code is good for one attempt.
        let grant = held(&self.codes).remove(of("code"));
        let verifier = of("code_verifier");
        let good = |grant: &Grant| {
            grant.client_id == client
                && grant.redirect_uri == of("redirect_uri")
                && (43..=128).contains(&verifier.len())
                && grant.challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
                && self.now() < grant.issued_at + CODE_LIFETIME
        };
        grant.filter(good).ok_or("invalid_grant")
    }

    /// The client that the request proves to be from (RFC 6749 §2.3.1).
    fn client(&self, request: &Seen, form: &Form) -> Option<String> {
        let (id, secret) = (form.get("client_id"), form.get("client_secret"));
        let basic = request.headers.get(header::AUTHORIZATION);
        let (id, secret) = match (basic, secret) {
            (Some(basic), None) if !self.does(&Misbehaviour::PostOnly) => {
                let (own, secret) = read_basic(basic.to_str().ok()?)?;
                // Who says it twice says it alike.
                let alike = id.is_none_or(|id| *id == own);
                (alike.then_some(own)?, Some(secret))
            }
            (None, Some(secret)) if !self.does(&Misbehaviour::BasicOnly) => {
                (id?.clone(), Some(secret.clone()))
            }
            (None, None) => (id?.clone(), None),
            _ => return None, // by both ways, or by one that is not on offer
        };
        let good = match secret.as_deref() {
            Some(secret) => id == self.client_id && secret == self.client_secret,
            None => id == self.public_client_id,
        };
        good.then_some(id)
    }

    fn tokens(&self, grant: &Grant) -> Result<Value, Broken> {
        let access = random()?;
        held(&self.tokens).insert(access.clone(), grant.sub.clone());
        let mut body = Map::new();
        put(&mut body, "access_token", &json!(access));
        put(&mut body, "token_type", &json!("Bearer"));
        put(&mut body, "expires_in", &json!(3600));
        put(&mut body, "scope", &json!(grant.scope));
        let mut scopes = grant.scope.split(' ');
        if scopes.clone().any(|scope| scope == "offline_access") {
            put(&mut body, "refresh_token", &json!(random()?));
        }
        if scopes.any(|scope| scope == "openid") {
            put(
                &mut body,
                "id_token",
                &json!(self.id_token(grant, &access)?),
            );
        }
        for (name, value) in self.wrongs(|wrong| match wrong {
            Misbehaviour::Token(name, value) => Some((*name, value.clone())),
            _ => None,
        }) {
            put(&mut body, name, &value);
        }
        Ok(Value::Object(body))
    }

    fn id_token(&self, grant: &Grant, access: &str) -> Result<String, Broken> {
        let person = self.find(&grant.sub).ok_or("the account is gone")?;
        let now = self.now();
        let mut claims = if person.in_id_token {
            person.claims()
        } else {
            Map::new()
        };
        // OpenID Connect Core §3.1.3.6: the left half of the digest.
        let digest = Sha256::digest(access);
        let at_hash = URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default());
        let members = [
            ("iss", json!(self.issuer())),
            ("sub", json!(grant.sub)),
            ("aud", json!(grant.client_id)),
            ("iat", json!(now)),
            ("exp", json!(now + ID_TOKEN_LIFETIME)),
            ("nonce", json!(grant.nonce)),
            ("at_hash", json!(at_hash)),
        ];
        for (name, value) in &members {
            put(&mut claims, name, value);
        }
        for (name, value) in self.wrongs(|wrong| match wrong {
            Misbehaviour::Claim(name, value) => Some((*name, value.clone())),
            _ => None,
        }) {
            put(&mut claims, name, &value);
        }
        let mut payload = serde_json::to_string(&claims)?;
        for (name, value) in self.wrongs(|wrong| match wrong {
            Misbehaviour::SecondClaim(name, value) => Some((*name, value.clone())),
            _ => None,
        }) {
            payload.truncate(payload.len() - 1);
            payload.extend([",", &json!(name).to_string(), ":", &value.to_string(), "}"]);
        }
        self.signed(&payload)
    }

    fn signed(&self, payload: &str) -> Result<String, Broken> {
        let key = std::sync::Arc::clone(&held(&self.keys));
        let wrong = self.wrongs(|wrong| match wrong {
            Misbehaviour::Signed(how) => Some(*how),
            _ => None,
        });
        let how = wrong.into_iter().next_back();
        let another = Key::es256()?;
        let mut header = json!({ "alg": key.alg(), "typ": "JWT", "kid": key.kid });
        match how {
            Some(Signed::None | Signed::NoneAndYet) => header = json!({ "alg": "none" }),
            Some(Signed::WithClientSecret | Signed::WithPublicKey) => {
                header = json!({ "alg": "HS256", "typ": "JWT", "kid": key.kid });
            }
            Some(Signed::ByAnotherInHeader) => {
                header = json!({ "alg": "ES256", "kid": another.kid, "jwk": another.jwk() });
            }
            Some(Signed::UnknownKid) => {
                header = json!({ "alg": key.alg(), "typ": "JWT", "kid": another.kid });
            }
            Some(Signed::WithoutKid) => header = json!({ "alg": key.alg(), "typ": "JWT" }),
            Some(Signed::WrongAlg) => {
                let alg = if key.alg() == "RS256" {
                    "ES256"
                } else {
                    "RS256"
                };
                header = json!({ "alg": alg, "typ": "JWT", "kid": key.kid });
            }
            None | Some(Signed::Empty | Signed::Flipped | Signed::ByAnother) => {}
        }
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = text(header.to_string().as_bytes());
        let input = format!("{header}.{}", text(payload.as_bytes()));
        let mut signature = match how {
            Some(Signed::None | Signed::Empty) => Vec::new(),
            Some(Signed::WithClientSecret) => hs256(&self.client_secret, &input)?,
            Some(Signed::WithPublicKey) => hs256(&key.jwk().to_string(), &input)?,
            Some(Signed::ByAnother | Signed::ByAnotherInHeader) => {
                another.sign(input.as_bytes())?
            }
            _ => key.sign(input.as_bytes())?,
        };
        if let (Some(Signed::Flipped), Some(byte)) = (how, signature.first_mut()) {
            *byte ^= 1;
        }
        Ok(format!("{input}.{}", text(&signature)))
    }

    pub(super) fn userinfo(&self, request: &Seen) -> Response {
        let Some(person) = self.bearer(request) else {
            return unauthorized();
        };
        let mut claims = person.claims();
        put(&mut claims, "sub", &json!(person.sub));
        for (name, value) in self.wrongs(|wrong| match wrong {
            Misbehaviour::Userinfo(name, value) => Some((*name, value.clone())),
            _ => None,
        }) {
            put(&mut claims, name, &value);
        }
        Json(claims).into_response()
    }

    /// Whom the access token of a request is about.
    pub(super) fn bearer(&self, request: &Seen) -> Option<Person> {
        let sent = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = sent.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer");
        let sub = known.then(|| held(&self.tokens).get(token).cloned())??;
        self.find(&sub)
    }
}

pub(super) fn unauthorized() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
    let body = Json(json!({ "error": "invalid_token" }));
    (StatusCode::UNAUTHORIZED, challenge, body).into_response()
}

/// The id and the secret, each written as in a form.
fn read_basic(sent: &str) -> Option<(String, String)> {
    let (scheme, value) = sent.split_once(' ')?;
    let value = scheme.eq_ignore_ascii_case("basic").then_some(value)?;
    let value = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (id, secret) = value.split_once(':')?;
    let plain = |text: &str| {
        let pair = format!("_={text}");
        let mut read = form_urlencoded::parse(pair.as_bytes());
        // A sign that separates, or that is missing one, is for a form to encode.
        let only = !text.contains(['&', '=']);
        read.next()
            .filter(|_| only)
            .map(|(_, text)| text.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

fn hs256(key: &str, input: &str) -> Result<Vec<u8>, Broken> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())?;
    mac.update(input.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}
