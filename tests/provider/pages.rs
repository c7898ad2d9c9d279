//! What a real browser does with the pages of a provider, and with cookies that are `Secure`.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{AppendHeaders, Html};
use axum::routing::any;
use tokio::net::TcpListener;
use url::Url;

use crate::browser::Browser;
use crate::oidc::{Provider, query};

/// What a client of the provider was sent.
#[derive(Debug, Clone)]
struct Request {
    uri: Uri,
    body: Bytes,
    cookies: Option<String>,
}

const COOKIES: [&str; 4] = [
    "lax=1; Path=/; HttpOnly; SameSite=Lax; Secure",
    "none=1; Path=/; HttpOnly; SameSite=None; Secure",
    "__Secure-lax=1; Path=/; HttpOnly; SameSite=Lax; Secure",
    "__Host-lax=1; Path=/; HttpOnly; SameSite=Lax; Secure",
];

impl Request {
    fn has_cookie(&self, cookie: &str) -> bool {
        let sent = self.cookies.as_deref().unwrap_or_default();
        sent.split("; ").any(|own| own == cookie)
    }
}

/// A client of the provider that notes what comes, and sets a cookie of each kind.
async fn client() -> (u16, Arc<Mutex<Vec<Request>>>) {
    let came = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&came);
    let app = Router::new().fallback(any(
        async move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let cookies = headers.get(header::COOKIE);
            let cookies = cookies.map(|cookies| cookies.to_str().unwrap().to_owned());
            notes.lock().unwrap().push(Request { uri, body, cookies });
            let page = "<!doctype html><link rel=icon href=data:,><h1>Welcome</h1>";
            (
                AppendHeaders(COOKIES.map(|cookie| (header::SET_COOKIE, cookie))),
                Html(page),
            )
        },
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(axum::serve(listener, app).into_future());
    (port, came)
}

fn authorize_url(provider: &Provider, callback: &str, mode: &str) -> String {
    let mut url = Url::parse(&format!("{}/authorize", provider.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("response_mode", mode)
        .append_pair("client_id", provider.client_id())
        .append_pair("redirect_uri", callback)
        .append_pair("scope", "openid")
        .append_pair("state", "S")
        .append_pair("code_challenge", &"c".repeat(43))
        .append_pair("code_challenge_method", "S256");
    url.into()
}

#[tokio::test]
async fn somebody_chooses_who_they_are_and_is_back_at_the_client() {
    let provider = Provider::start().await.unwrap();
    let (port, came) = client().await;
    let callback = format!("http://127.0.0.1:{port}/callback");
    let browser = Browser::start().await;

    browser
        .goto(&authorize_url(&provider, &callback, "query"))
        .await;
    assert_eq!(browser.text("h1").await, "Who are you?");
    assert!(
        browser
            .text("[value=ada]")
            .await
            .contains("ada@example.com")
    );
    assert!(browser.screenshot().await.starts_with(b"\x89PNG"));
    browser.follow("[value=ada]").await;

    assert_eq!(browser.text("h1").await, "Welcome");
    let sent = query(&browser.url().await);
    assert_eq!((&*sent["state"], sent["code"].len()), ("S", 43));
    let came = came.lock().unwrap().clone();
    assert_eq!((came.len(), came[0].uri.path()), (1, "/callback"));

    browser
        .goto(&authorize_url(&provider, &callback, "query"))
        .await;
    browser.follow("[name=cancel]").await;
    assert_eq!(browser.text("h1").await, "Welcome");
    assert_eq!(query(&browser.url().await)["error"], "access_denied");
}

/// By `form_post` the callback is a POST from another site, and only a cookie that is `SameSite=None` goes along.
#[tokio::test]
async fn an_answer_by_post_arrives_with_no_cookie_but_those_for_other_sites() {
    let provider = Provider::start().await.unwrap();
    let (port, came) = client().await;
    let browser = Browser::start().await;
    browser.goto(&format!("http://localhost:{port}/")).await;

    // The provider is at 127.0.0.1, which is another site.
    let callback = format!("http://localhost:{port}/callback");
    browser
        .goto(&authorize_url(&provider, &callback, "form_post"))
        .await;
    browser.follow("[value=grace]").await;
    browser.arrives_at(&callback).await;

    assert_eq!(browser.text("h1").await, "Welcome");
    let last = came.lock().unwrap().last().unwrap().clone();
    let sent = query(&format!(
        "{callback}?{}",
        std::str::from_utf8(&last.body).unwrap()
    ));
    assert_eq!((&*sent["state"], sent["code"].len()), ("S", 43));
    assert_eq!(last.cookies.as_deref(), Some("none=1"));
}

#[tokio::test]
async fn secure_cookies_come_back_over_plain_http_on_this_machine() {
    let (port, came) = client().await;
    let browser = Browser::start().await;

    for host in ["localhost", "127.0.0.1"] {
        let url = format!("http://{host}:{port}/");
        browser.goto(&url).await;
        browser.goto(&url).await;
        let last = came.lock().unwrap().last().unwrap().clone();
        for cookie in ["lax=1", "none=1", "__Secure-lax=1", "__Host-lax=1"] {
            assert!(last.has_cookie(cookie), "{host}: {cookie}: {last:?}");
        }
        let kept = browser.cookie("__Host-lax").await.unwrap();
        assert_eq!(
            (&kept["secure"], &kept["httpOnly"]),
            (&true.into(), &true.into())
        );
    }
}
