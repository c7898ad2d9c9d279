//! The page on which somebody says who they are, and where it leads (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).

use std::collections::HashMap;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::misbehaviour::{Misbehaviour, put};
use super::{Broken, Desk, Person, Seen, held, random};

/// What a code stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    /// S256, always (RFC 7636 §4.2).
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) scope: String,
    pub(super) sub: String,
    pub(super) issued_at: i64,
}

/// A question that may be answered.
struct Ask {
    grant: Grant,
    state: Option<String>,
    by_post: bool,
}

/// Why a question may not be answered, and whether the client is told by way of the browser.
enum Refusal {
    /// Not even that the client is the client is certain, so the browser stays here (RFC 6749 §4.1.2.1).
    Here(&'static str),
    There(Box<Ask>, &'static str),
}

impl Desk {
    pub(super) fn page(&self, request: &Seen) -> Response {
        match self.ask(request) {
            Ok(_) => self.choices(),
            Err(Refusal::Here(why)) => refused(why),
            Err(Refusal::There(ask, error)) => self.answer(
                &ask,
                &[("error", json!(error)), ("state", json!(ask.state))],
            ),
        }
    }

    /// `login=…`, from the page or from a program that needs no page; without it, somebody who would rather not.
    pub(super) fn chosen(&self, request: &Seen) -> Result<Response, Broken> {
        let Ok(ask) = self.ask(request) else {
            return Ok(self.page(request)); // which says why
        };
        let form = parameters(&request.body).unwrap_or_default();
        let state = ("state", json!(ask.state));
        let Some(login) = form.get("login") else {
            return Ok(self.answer(&ask, &[("error", json!("access_denied")), state]));
        };
        let Some(person) = self.find(login) else {
            return Ok(refused("Nobody of that name has an account here."));
        };
        let code = random()?;
        let grant = Grant {
            sub: person.sub,
            ..ask.grant.clone()
        };
        held(&self.codes).insert(code.clone(), grant);
        Ok(self.answer(&ask, &[("code", json!(code)), state]))
    }

    fn ask(&self, request: &Seen) -> Result<Ask, Refusal> {
        let query = request.uri.query().unwrap_or_default();
        let sent = parameters(query.as_bytes()).ok_or(Refusal::Here("A parameter comes twice."))?;
        let of = |name| sent.get(name).cloned();
        let client_id =
            of("client_id").filter(|id| *id == self.client_id || *id == self.public_client_id);
        let client_id = client_id.ok_or(Refusal::Here("No client has that name."))?;
        let redirect_uri = of("redirect_uri").filter(|uri| is_web(uri));
        let redirect_uri = redirect_uri.ok_or(Refusal::Here("There is no way back."))?;
        let challenge = of("code_challenge");
        let grant = Grant {
            client_id,
            redirect_uri,
            challenge: challenge.clone().unwrap_or_default(),
            nonce: of("nonce"),
            scope: of("scope").unwrap_or_default(),
            sub: String::new(),
            issued_at: self.now(),
        };
        let ask = Ask {
            grant,
            state: of("state"),
            by_post: of("response_mode").is_some_and(|mode| mode == "form_post"),
        };
        let error = if of("response_type").as_deref() != Some("code") {
            "unsupported_response_type"
        } else if challenge.is_none_or(|challenge| challenge.len() != 43)
            || of("code_challenge_method").as_deref() != Some("S256")
        {
            "invalid_request"
        } else {
            return Ok(ask);
        };
        Err(Refusal::There(Box::new(ask), error))
    }

    fn choices(&self) -> Response {
        let person = |person: &Person| {
            let name = person.name.as_ref().unwrap_or(&person.sub);
            let email = person.email.as_deref().unwrap_or("no address");
            let (sub, name, email) = (escaped(&person.sub), escaped(name), escaped(email));
            format!("<button name=\"login\" value=\"{sub}\"><b>{name}</b><br>{email}</button>\n")
        };
        let buttons: String = held(&self.people).iter().map(person).collect();
        let page = include_str!("page.html").replace("{people}", &buttons);
        // No `form-action`: Chromium holds the redirection after a form against it, and that leads to the client.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
    }

    /// The way back to the client.
    fn answer(&self, ask: &Ask, members: &[(&str, Value)]) -> Response {
        let mut answer = Map::new();
        put(&mut answer, "iss", &json!(self.issuer())); // RFC 9207
        for (name, value) in members {
            put(&mut answer, name, value);
        }
        for (name, value) in self.wrongs(|wrong| match wrong {
            Misbehaviour::Callback(name, value) => Some((*name, value.clone())),
            _ => None,
        }) {
            put(&mut answer, name, &value);
        }
        let answer = answer.iter().filter_map(|(k, v)| Some((&**k, v.as_str()?)));
        if ask.by_post {
            return by_post(&ask.grant.redirect_uri, answer);
        }
        let Ok(mut url) = Url::parse(&ask.grant.redirect_uri) else {
            return refused("There is no way back.");
        };
        url.query_pairs_mut().extend_pairs(answer);
        let location = [(header::LOCATION, url.to_string())];
        (StatusCode::SEE_OTHER, location).into_response()
    }
}

/// A page that sends itself (OAuth 2.0 Form Post Response Mode §2).
fn by_post<'a>(action: &str, fields: impl Iterator<Item = (&'a str, &'a str)>) -> Response {
    const SCRIPT: &str = "document.forms[0].submit()";
    let input = |(name, value)| {
        let (name, value) = (escaped(name), escaped(value));
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n")
    };
    let inputs: String = fields.map(input).collect();
    let action = escaped(action);
    let page = format!(
        "<!doctype html>\n<title>One moment</title>\n<form method=\"post\" action=\"{action}\">\n{inputs}\
         <noscript><button>Go on</button></noscript>\n</form>\n<script>{SCRIPT}</script>\n"
    );
    let digest = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy = format!("default-src 'none'; script-src 'sha256-{digest}'");
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

fn refused(why: &str) -> Response {
    let page = format!("<!doctype html>\n<title>Refused</title>\n<p>{why}</p>\n");
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}

/// The parameters of a query or a form; none if one comes twice (RFC 6749 §3.1).
pub(super) fn parameters(text: &[u8]) -> Option<HashMap<String, String>> {
    let mut found = HashMap::new();
    for (name, value) in form_urlencoded::parse(text) {
        if found.insert(name.into(), value.into()).is_some() {
            return None;
        }
    }
    Some(found)
}

fn is_web(uri: &str) -> bool {
    let uri = Url::parse(uri);
    uri.is_ok_and(|uri| matches!(uri.scheme(), "http" | "https") && uri.fragment().is_none())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
