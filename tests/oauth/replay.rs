//! A code that comes back: what was given for it ends (RFC 6749 §4.1.2).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crudauth::auth;
use crudauth::hooks::{AccountEvent, HookResult, Hooks};
use crudauth::testing::{Clock, TestBuilder};
use tokio::task::JoinSet;

use crate::elsewhere::{App, PUBLIC, credentials, provider, start};
use crate::exchange::is_dead;
use crate::handover::{CHALLENGE, VERIFIER, code_of, native, redeem, single};
use crate::support::{Client, SECRET, User};
use crate::tokens::{self, Pair};

/// Remembers whose tokens came back, and of which family.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Hooks<User> for Told {
    async fn refresh_token_reused(&self, event: &AccountEvent<i64>) -> HookResult {
        let who = event.account.username.as_deref().unwrap_or_default();
        let origin = &event.origin;
        let line = format!("{who} {}", origin.transport.unwrap_or_default());
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[session]
    #[bearer(refresh(deliver = "body"))]
    #[oauth(
        oidc("demo"), oidc("other"), oidc("loose"),
        exchange("https://spa.example.com/callback"),
    )]
    #[rate_limit(oauth_authorize = "1000/m")]
    #[hooks(Told)]
    struct Hooked<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session]
    #[bearer(refresh = "off")]
    #[oauth(
        oidc("demo"), oidc("other"), oidc("loose"),
        exchange("https://spa.example.com/callback"),
    )]
    #[rate_limit(oauth_authorize = "1000/m")]
    struct Brief<User>;
}

async fn pair(phone: &Client, code: &str) -> Pair {
    let answer = redeem(phone, code, VERIFIER).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Pair::of(&answer)
}

async fn lives(phone: &Client, access: &str) -> bool {
    let answer = tokens::me(phone, access).await;
    if answer.status != 200 {
        assert_eq!(answer.code(), "not_authenticated", "{}", answer.text);
    }
    answer.status == 200
}

#[tokio::test]
async fn a_code_that_comes_back_with_its_verifier_ends_what_was_given_for_it() {
    let told = Told::default();
    let app = start!(Hooked, 5, hooks(told.clone()));
    let (phone, tablet, thief) = (app.client(), app.client(), app.client());
    // At once, and when nobody remembers the code any more.
    for later in [Duration::ZERO, Duration::from_hours(24)] {
        let beside = pair(&tablet, &code_of(&app, "ada").await).await;
        let other = pair(&tablet, &code_of(&app, "grace").await).await;
        let code = code_of(&app, "ada").await;
        let first = pair(&phone, &code).await;
        app.clock.advance(later);
        app.auth.sessions().sweep().await.unwrap();
        let answer = tokens::refresh(&phone, &first.refresh).await;
        let newest = Pair::of(&answer);
        assert!(lives(&phone, &newest.access).await);

        is_dead(&redeem(&thief, &code, VERIFIER).await);
        for ended in [&first, &newest] {
            assert!(!lives(&phone, &ended.access).await);
            let answer = tokens::refresh(&phone, &ended.refresh).await;
            assert_eq!(answer.code(), "refresh_token_invalid");
        }
        assert_eq!(*told.0.lock().unwrap(), ["ada bearer"]);
        is_dead(&redeem(&thief, &code, VERIFIER).await);
        assert_eq!(told.0.lock().unwrap().drain(..).count(), 1, "once");
        for going_on in [&beside, &other] {
            let answer = tokens::refresh(&tablet, &going_on.refresh).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
}

/// Whoever read a code on its way has no verifier, and so cannot sign the app out either.
#[tokio::test]
async fn a_code_that_comes_back_without_its_verifier_ends_nothing() {
    let app = native(5).await;
    let (phone, thief) = (app.client(), app.client());
    let code = code_of(&app, "ada").await;
    let given = pair(&phone, &code).await;
    let unused = code_of(&app, "grace").await;
    for (code, verifier) in [
        (code.as_str(), ""),
        (&code, CHALLENGE),
        (&code, &VERIFIER[1..]),
        (&code, &format!("{VERIFIER}A")),
        (&unused, CHALLENGE),
        (&"A".repeat(43), VERIFIER),
        (CHALLENGE, VERIFIER),
    ] {
        is_dead(&redeem(&thief, code, verifier).await);
    }
    assert!(lives(&phone, &given.access).await);
    let answer = tokens::refresh(&phone, &given.refresh).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        app.count("SELECT count(*) FROM auth_refresh_tokens").await,
        1
    );
}

#[tokio::test]
async fn tokens_of_a_cookie_end_alike() {
    let app = single().await;
    let code = code_of(&app, "ada").await;
    let mut page = app.client();
    let answer = redeem(&page, &code, VERIFIER).await;
    page.keep(&answer);
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert!(lives(&page, &access).await);
    is_dead(&redeem(&app.client(), &code, VERIFIER).await);
    assert!(!lives(&page, &access).await);
    assert_eq!(page.post("/refresh").await.code(), "refresh_token_invalid");
}

#[tokio::test]
async fn where_there_are_no_families_one_of_fifty_gets_its_token_all_the_same() {
    let app = start!(Brief, 10);
    let code = code_of(&app, "ada").await;
    let mut crowd = JoinSet::new();
    for _ in 0..50 {
        let (phone, code) = (app.client(), code.clone());
        crowd.spawn(async move { redeem(&phone, &code, VERIFIER).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = crowd
        .join_all()
        .await
        .into_iter()
        .partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    lost.iter().for_each(is_dead);
    // It belongs to no family that could end, and runs out by itself.
    assert!(lives(&app.client(), &Pair::of(&won[0]).access).await);
}
