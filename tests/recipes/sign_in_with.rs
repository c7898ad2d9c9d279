//! The example of signing in by a provider, end to end in a real browser.

#[path = "../../examples/sign_in_with.rs"]
#[allow(dead_code, unreachable_pub, reason = "an example is a program")]
mod example;

use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::browser::{Browser, said_by};
use crate::support::TempDb;

const CHILD: &str = "CRUDAUTH_TEST_SIGN_IN_WITH";

/// Not a test: what the next one starts as a process of its own.
#[test]
fn the_example_itself() {
    if std::env::var_os(CHILD).is_some() {
        example::main().unwrap();
    }
}

/// The example on a database of its own, and its URL. It ends with the child.
async fn example(database: &TempDb) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sign_in_with::the_example_itself", "--nocapture"])
        .envs([
            (CHILD, "1"),
            ("BIND", "127.0.0.1:0"),
            ("OIDC_BIND", "127.0.0.1:0"),
        ])
        .env("DATABASE_URL", database.url())
        .env_remove("GOOGLE_CLIENT_ID")
        .env_remove("GITHUB_CLIENT_ID")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let url = said_by(child.stdout.take().unwrap(), "listening on ").await;
    (child, url)
}

#[tokio::test]
async fn somebody_signs_in_links_unlinks_and_signs_out() {
    let database = TempDb::new();
    let (_child, url) = example(&database).await;
    let (home, browser) = (format!("{url}/"), Browser::start().await);

    browser.goto(&home).await;
    assert!(
        !browser.text("body").await.contains("google"),
        "nothing is registered there"
    );
    browser.follow("[href='/oauth/demo/authorize']").await;
    browser.follow("[value=ada]").await;
    browser.arrives_at(&home).await;
    assert_eq!(browser.text("p").await, "You are ada, ada@example.com.");
    let session = browser.cookie("session_id").await.unwrap();
    assert_eq!(
        (&session["secure"], &session["httpOnly"]),
        (&true.into(), &true.into())
    );
    let left = browser.cookies().await;
    assert!(
        left.iter()
            .all(|cookie| !cookie["name"].as_str().unwrap().starts_with("oauth_state"))
    );
    assert_eq!(
        browser
            .script("return document.cookie.includes('session_id')")
            .await,
        false
    );

    browser.follow("[data-link=demo]").await;
    browser.follow("[value=grace]").await;
    browser.arrives_at(&home).await;
    assert!(browser.text("ul").await.contains("grace@example.com"));
    assert_eq!(browser.text("p").await, "You are ada, ada@example.com.");

    browser.follow("li:nth-child(2) [data-unlink]").await;
    assert!(!browser.text("ul").await.contains("grace@example.com"));
    browser.click("[data-unlink]").await;
    browser
        .until("document.querySelector('[role=status]').textContent")
        .await;
    assert!(
        browser.text("ul").await.contains("ada@example.com"),
        "the last way in stays"
    );

    browser.follow("#sign-out").await;
    assert_eq!(browser.cookie("session_id").await, None);
    browser.follow("[href='/oauth/demo/authorize']").await;
    browser.follow("[value=ada]").await;
    browser.arrives_at(&home).await;
    assert_eq!(browser.text("p").await, "You are ada, ada@example.com.");
}

#[tokio::test]
async fn a_sign_in_that_fails_ends_on_the_page_with_a_word_for_why() {
    let database = TempDb::new();
    let (_child, url) = example(&database).await;
    let browser = Browser::start().await;

    for (choice, error) in [
        ("[value=mallory]", "email_unverified"),
        ("[value=nobody]", "email_missing"),
        ("[name=cancel]", "oauth_failed"),
    ] {
        browser.goto(&format!("{url}/")).await;
        browser.follow("[href='/oauth/demo/authorize']").await;
        browser.follow(choice).await;
        browser.arrives_at(&format!("{url}/?error={error}")).await;
        assert_eq!(browser.text("[role=status]").await, error);
        assert_eq!(browser.cookie("session_id").await, None);
    }
}
