//! The shapes of providers that know OAuth 2.0 and not OpenID Connect: GitHub and Discord.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::token::unauthorized;
use super::{Desk, Person, Seen};

impl Desk {
    /// `GET /user`. Its address is the public one, which GitHub does not vouch for; most people show none.
    pub(super) fn github_user(&self, request: &Seen) -> Response {
        let Some(person) = self.bearer(request) else {
            return unauthorized();
        };
        let body = json!({
            "id": number(&person), "login": person.username, "name": person.name, "email": null,
        });
        Json(body).into_response()
    }

    /// `GET /user/emails`: one address. For others, the endpoint can be told what to answer.
    pub(super) fn github_emails(&self, request: &Seen) -> Response {
        let Some(person) = self.bearer(request) else {
            return unauthorized();
        };
        let verified = person.email_verified == json!(true);
        let emails = person.email.map(|email| {
            json!({ "email": email, "primary": true, "verified": verified, "visibility": "private" })
        });
        Json(Value::Array(emails.into_iter().collect())).into_response()
    }

    /// `GET /users/@me`.
    pub(super) fn discord_user(&self, request: &Seen) -> Response {
        let Some(person) = self.bearer(request) else {
            return unauthorized();
        };
        let body = json!({
            "id": number(&person).to_string(), "username": person.username, "global_name": person.name,
            "email": person.email, "verified": person.email_verified,
        });
        Json(body).into_response()
    }
}

/// GitHub says errors with a status of 200, and speaks JSON only to those who ask for it.
pub(super) fn token_answer(request: &Seen, body: Value) -> Response {
    let accept = request.headers.get(header::ACCEPT);
    if accept.is_some_and(|accept| accept.as_bytes().ends_with(b"json")) {
        return Json(body).into_response();
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in body.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(name, &text);
    }
    let kind = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")];
    (kind, form.finish()).into_response()
}

/// The number of somebody whose `sub` may be a word.
fn number(person: &Person) -> u64 {
    let digest = Sha256::digest(&person.sub);
    let of_word = digest
        .iter()
        .take(4)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    person.sub.parse().unwrap_or(of_word)
}
