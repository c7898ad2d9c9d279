//! A browser, and what it is answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::{FORM, JSON};

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().unwrap())
            .collect()
    }
}

/// A browser: a cookie jar, a CSRF token, an address.
#[derive(Debug, Clone)]
pub struct Client {
    router: axum::Router,
    pub cookies: BTreeMap<String, String>,
    pub csrf: Option<String>,
    address: SocketAddr,
}

impl Client {
    pub fn new(router: axum::Router) -> Self {
        let address = SocketAddr::from(([192, 0, 2, 1], 40000));
        Self {
            router,
            cookies: BTreeMap::new(),
            csrf: None,
            address,
        }
    }

    /// The same browser at another address.
    pub fn from(mut self, ip: &str) -> Self {
        self.address = SocketAddr::new(ip.parse().unwrap(), 40000);
        self
    }

    pub fn cookie_header(&self) -> Option<String> {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .extension(ConnectInfo(self.address));
        if let Some(cookies) = self.cookie_header() {
            request = request.header(COOKIE, cookies);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        request
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str) -> Answer {
        self.send(
            self.request(Method::POST, path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(
            self.request(Method::DELETE, path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post_body(path, JSON, body.to_string()).await
    }

    pub async fn post_body(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        self.send(
            self.request(Method::POST, path)
                .header(CONTENT_TYPE, kind)
                .body(body.into())
                .unwrap(),
        )
        .await
    }

    /// Signs in and keeps the cookies.
    pub async fn login(&mut self, name: &str, password: &str) -> Answer {
        self.login_with(name, password, "").await
    }

    pub async fn login_with(&mut self, name: &str, password: &str, more: &str) -> Answer {
        let body = format!(
            "username={}&password={}{more}",
            encode(name),
            encode(password)
        );
        let answer = self.post_body("/login", FORM, body).await;
        self.keep(&answer);
        answer
    }

    /// Takes over what an answer sets and deletes.
    pub fn keep(&mut self, answer: &Answer) {
        for cookie in answer.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(token) = answer.json()["csrf_token"].as_str() {
            self.csrf = Some(token.to_owned());
        }
    }
}

/// Percent-encodes everything but letters and digits.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
