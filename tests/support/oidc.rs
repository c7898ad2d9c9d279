//! The included OpenID provider, and a browser's way through its page.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

#[path = "../../examples/openid_provider/provider.rs"]
pub mod provider;

use std::collections::HashMap;

use url::Url;
use url::form_urlencoded::{self, Serializer};

pub use provider::{Endpoint, Fault, Key, Misbehaviour, Person, Provider, Seen, Signed};

use crate::http::{Reply, call};

/// Where a browser is sent with what is in its hands.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    pub url: String,
    /// As a form has it.
    pub body: String,
}

/// Opens the page, chooses somebody; where that leads: the callback, with its query.
pub async fn sign_in(authorize_url: &str, sub: &str) -> String {
    let reply = choose(authorize_url, Some(sub)).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    reply.header("location").unwrap()
}

/// Opens the page, and would rather not.
pub async fn cancel(authorize_url: &str) -> String {
    let reply = choose(authorize_url, None).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    reply.header("location").unwrap()
}

/// As [`sign_in`], for `response_mode=form_post`: what the page that it leads to sends, and where.
pub async fn sign_in_by_post(authorize_url: &str, sub: &str) -> Posted {
    let reply = choose(authorize_url, Some(sub)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let page = reply.text();
    let mut body = Serializer::new(String::new());
    for input in page.split("<input ").skip(1) {
        body.append_pair(&attribute(input, "name"), &attribute(input, "value"));
    }
    let url = attribute(&page, "action");
    Posted {
        url,
        body: body.finish(),
    }
}

/// The parameters of a URL's query.
pub fn query(url: &str) -> HashMap<String, String> {
    let url = Url::parse(url).unwrap();
    let mut found = HashMap::new();
    for (name, value) in form_urlencoded::parse(url.query().unwrap_or_default().as_bytes()) {
        let twice = found.insert(name.clone().into_owned(), value.into_owned());
        assert_eq!(twice, None, "{name} comes twice in {url}");
    }
    found
}

/// `url`, with another value of a parameter, or without it.
pub fn with(url: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(url).unwrap();
    let mut rest: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    rest.retain(|(own, _)| own != name);
    url.query_pairs_mut()
        .clear()
        .extend_pairs(rest)
        .extend_pairs(value.map(|value| (name, value)));
    url.into()
}

async fn choose(authorize_url: &str, sub: Option<&str>) -> Reply {
    let page = call("GET", authorize_url, &[], "").await;
    if page.status != 200 {
        return page; // the provider has refused already
    }
    let text = page.text();
    let form = match sub {
        Some(sub) => {
            let button = format!(r#"name="login" value="{sub}""#);
            assert!(text.contains(&button), "nobody called {sub} is on: {text}");
            Serializer::new(String::new())
                .append_pair("login", sub)
                .finish()
        }
        None => "cancel=1".to_owned(),
    };
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    call("POST", authorize_url, &kind, &form).await
}

fn attribute(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!("{name}=\"")).unwrap();
    let (value, _) = rest.split_once('"').unwrap();
    value
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&amp;", "&")
}
