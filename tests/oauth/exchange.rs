//! Signing in to an app, or to a page of another site, by a one-time code that is exchanged for tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::elsewhere::{App, bring, cookie_of, depart, error, me};
use crate::handover::{
    CHALLENGE, Native, PAGE, PHONE, VERIFIER, arrives, code, code_of, native, redeem, single, wish,
};
use crate::oidc::{Person, cancel, query, sign_in, with};
use crate::support::{Answer, FORM, PASSWORD, encode, sql};
use crate::tokens;

/// What the app may know of a code that is good for nothing.
const DEAD: &str = r#"{"detail":"Invalid or expired code","code":"invalid_grant","error":"invalid_grant","error_description":"Invalid or expired code"}"#;

pub fn is_dead(answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (400, DEAD),
        "one answer for every reason"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.set_cookies().is_empty());
}

/// Rows of journeys and codes.
const KEPT: &str = "SELECT count(*) FROM auth_oauth_states";

#[tokio::test]
async fn an_app_signs_in_by_a_code_and_no_session_is_left_in_the_browser() {
    let app = native(5).await;
    let mut browser = app.client();
    let url = depart(&mut browser, "demo", &wish(PHONE)).await;
    assert_ne!(
        query(&url)["code_challenge"],
        CHALLENGE,
        "each leg has its own"
    );
    assert_eq!(browser.cookies.len(), 1, "the state's");
    let answer = bring(&mut browser, &sign_in(&url, "ada").await).await;
    let code = code(&answer, PHONE);
    let location = answer.header("location").unwrap();
    assert_eq!(location, format!("{PHONE}&code={code}"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let [gone] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies())
    };
    assert!(
        gone.starts_with("oauth_state_") && gone.contains("Max-Age=0"),
        "{gone}"
    );
    assert_eq!(me(&browser).await, "");
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    assert_eq!(
        app.count("SELECT count(*) FROM auth_refresh_tokens").await,
        0
    );
    for (column, bytes) in app.db.bytes("auth_oauth_states").await {
        let found = bytes.windows(43).any(|window| window == code.as_bytes());
        assert!(!found, "{column} holds the code");
    }

    let phone = app.client();
    let answer = redeem(&phone, &code, VERIFIER).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.set_cookies().is_empty());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pair = tokens::Pair::of(&answer);
    let told = tokens::me(&phone, &pair.access).await;
    assert_eq!(told.json()["username"], "ada", "{}", told.text);
    assert_eq!(tokens::refresh(&phone, &pair.refresh).await.status, 200);
    assert_eq!(app.count(KEPT).await, 0);

    // To the member what `/token` answers.
    app.register("eve").await;
    let by_password = tokens::token(&phone, "eve", PASSWORD, "").await;
    let (mut ours, mut theirs) = (answer.json(), by_password.json());
    for secret in ["access_token", "refresh_token"] {
        assert!(ours[secret].is_string() && theirs[secret].is_string());
        ours[secret] = json!("");
        theirs[secret] = json!("");
    }
    assert_eq!(ours, theirs);
}

#[tokio::test]
async fn where_tokens_travel_in_a_cookie_no_foreign_page_redeems() {
    let app = single().await;
    let code = code_of(&app, "ada").await;
    let page = app.client();
    let body = json!({ "code": code, "code_verifier": VERIFIER }).to_string();
    let foreign = page
        .request(axum::http::Method::POST, "/oauth/token")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    let answer = page.send(foreign).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (403, "cross_site_login".to_owned())
    );
    assert_eq!(answer.json()["error"], "invalid_request");

    let answer = redeem(&page, &code, VERIFIER).await;
    assert_eq!(
        answer.status, 200,
        "the code was not touched: {}",
        answer.text
    );
    assert!(answer.json().get("refresh_token").is_none());
    let names: Vec<_> = answer
        .set_cookies()
        .iter()
        .map(|cookie| cookie.split('=').next().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["refresh_token", "device_id"]);
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(tokens::me(&page, &access).await.json()["username"], "ada");
    let mut page = page;
    page.keep(&answer);
    assert_eq!(page.post("/refresh").await.status, 200);
}

#[tokio::test]
async fn sec_109_a_target_is_one_of_the_list_to_the_letter() {
    let app = native(5).await;
    for target in [
        "",
        "/callback",
        "https://spa.example.com",
        "https://spa.example.com/",
        "https://spa.example.com/callbac",
        "https://spa.example.com/callback/",
        "https://spa.example.com/callback2",
        "https://spa.example.com/callback?x=1",
        "https://spa.example.com/callback?",
        "https://spa.example.com/callback#x",
        "https://spa.example.com/callback ",
        " https://spa.example.com/callback",
        "https://spa.example.com/callback\0",
        "https://spa.example.com/callback/../x",
        "https://spa.example.com/x/../callback",
        "https://spa.example.com/./callback",
        "https://spa.example.com//callback",
        "https://spa.example.com/%63allback",
        "https://spa.example.com/Callback",
        "https://SPA.example.com/callback",
        "HTTPS://spa.example.com/callback",
        "http://spa.example.com/callback",
        "https://spa.example.com:443/callback",
        "https://spa.example.com:8443/callback",
        "https://ada@spa.example.com/callback",
        "https://spa.example.com@evil.example/callback",
        "https://spa.example.com.evil.example/callback",
        "https://evil.example/?https://spa.example.com/callback",
        "https://evil.example/callback",
        "//spa.example.com/callback",
        "com.example.app:/callback",
        "com.example.app://callback?from=auth",
        "com.example.app:/callback?from=auth&x=1",
        "com.example.app.evil:/callback?from=auth",
    ] {
        let answer = app
            .client()
            .get(&format!("/oauth/demo/authorize{}", wish(target)))
            .await;
        let said = (answer.status.as_u16(), answer.code());
        assert_eq!(said, (422, "validation_error".to_owned()), "{target:?}");
        assert_eq!(
            answer.json()["detail"][0]["loc"],
            json!(["query", "redirect_to"]),
            "{target:?}"
        );
        assert!(answer.set_cookies().is_empty(), "{target:?}");
    }
    let none = format!("?code_challenge={CHALLENGE}&code_challenge_method=S256");
    let answer = app
        .client()
        .get(&format!("/oauth/demo/authorize{none}"))
        .await;
    assert_eq!(answer.status, 422);
    let twice = format!("{}&redirect_to=https://evil.example", wish(PAGE));
    let answer = app
        .client()
        .get(&format!("/oauth/demo/authorize{twice}"))
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        app.count(KEPT).await,
        0,
        "refused before anything is written"
    );
}

#[tokio::test]
async fn sec_100_no_app_sets_out_without_a_challenge_of_s256() {
    let app = native(5).await;
    let target = format!("?redirect_to={}", encode(PAGE));
    let noncanonical = CHALLENGE.replace("cM", "cN");
    for rest in [
        String::new(),
        "&code_challenge_method=S256".to_owned(),
        format!("&code_challenge={CHALLENGE}"),
        format!("&code_challenge={CHALLENGE}&code_challenge_method="),
        format!("&code_challenge={CHALLENGE}&code_challenge_method=plain"),
        format!("&code_challenge={CHALLENGE}&code_challenge_method=s256"),
        "&code_challenge=&code_challenge_method=S256".to_owned(),
        format!(
            "&code_challenge={}&code_challenge_method=S256",
            &CHALLENGE[1..]
        ),
        format!("&code_challenge={CHALLENGE}%3D&code_challenge_method=S256"),
        format!("&code_challenge={noncanonical}&code_challenge_method=S256"),
        format!(
            "&code_challenge={}&code_challenge_method=S256",
            "+".repeat(43)
        ),
        format!("&code_challenge={CHALLENGE}&code_challenge_method=S256&scope=%00"),
        format!(
            "&code_challenge={CHALLENGE}&code_challenge_method=S256&scope={}",
            "a".repeat(1025)
        ),
    ] {
        let answer = app
            .client()
            .get(&format!("/oauth/demo/authorize{target}{rest}"))
            .await;
        assert_eq!(answer.status, 422, "{rest}: {}", answer.text);
    }
    assert_eq!(app.count(KEPT).await, 0);
    // A page of this site needs none, and what is nobody's target still leads nowhere.
    let mut browser = app.client();
    let url = depart(&mut browser, "demo", "?redirect_to=https://evil.example/").await;
    let answer = bring(&mut browser, &sign_in(&url, "ada").await).await;
    assert_eq!(answer.header("location"), Some("/landing"));
}

#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_for_its_verifier() {
    let app = native(5).await;
    let phone = app.client();
    let first = code_of(&app, "ada").await;
    assert_eq!(redeem(&phone, &first, VERIFIER).await.status, 200);
    is_dead(&redeem(&phone, &first, VERIFIER).await);

    for wrong in ["", CHALLENGE, &VERIFIER[1..], &VERIFIER.to_lowercase()] {
        let code = code_of(&app, "ada").await;
        is_dead(&redeem(&phone, &code, wrong).await);
        is_dead(&redeem(&phone, &code, VERIFIER).await);
    }

    let code = code_of(&app, "ada").await;
    app.clock.advance(Duration::from_secs(59));
    assert_eq!(redeem(&phone, &code, VERIFIER).await.status, 200);
    let code = code_of(&app, "ada").await;
    app.clock.advance(Duration::from_mins(1));
    is_dead(&redeem(&phone, &code, VERIFIER).await);

    let last = code_of(&app, "ada").await;
    for odd in [
        "",
        "x",
        &"A".repeat(43),
        &format!("{last}="),
        &last[1..],
        &"A".repeat(4000),
    ] {
        is_dead(&redeem(&phone, odd, VERIFIER).await);
    }
    assert_eq!(app.count(KEPT).await, 1, "nothing has spent it");
    app.clock.advance(Duration::from_mins(1));
    app.auth.sessions().sweep().await.unwrap();
    assert_eq!(app.count(KEPT).await, 0);
}

#[tokio::test]
async fn of_fifty_that_redeem_one_code_one_gets_tokens_and_loses_them() {
    let app = native(10).await;
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
    // Fifty hands had the code and its verifier, and nobody knows which of them is the app's.
    let (phone, pair) = (app.client(), tokens::Pair::of(&won[0]));
    let answer = tokens::me(&phone, &pair.access).await;
    assert_eq!(answer.code(), "not_authenticated", "{}", answer.text);
    let answer = tokens::refresh(&phone, &pair.refresh).await;
    assert_eq!(answer.code(), "refresh_token_invalid", "{}", answer.text);
    assert_eq!(
        app.count("SELECT count(*) FROM auth_refresh_tokens").await,
        0
    );
    assert_eq!(app.count(KEPT).await, 0);
}

#[tokio::test]
async fn a_code_ends_with_what_its_account_was() {
    let app = native(5).await;
    let phone = app.client();
    app.register("ada").await;
    app.db
        .run(sql(
            "UPDATE users SET email_verified = 1",
            "UPDATE users SET email_verified = TRUE",
        ))
        .await;

    let code = code_of(&app, "ada").await;
    let owner = app.signed_in("ada").await;
    let new = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
    assert_eq!(owner.post_json("/change-password", &new).await.status, 200);
    is_dead(&redeem(&phone, &code, VERIFIER).await);

    let code = code_of(&app, "ada").await;
    app.db
        .run(sql(
            "UPDATE users SET is_active = 0",
            "UPDATE users SET is_active = FALSE",
        ))
        .await;
    is_dead(&redeem(&phone, &code, VERIFIER).await);
    app.db
        .run(sql(
            "UPDATE users SET is_active = 1",
            "UPDATE users SET is_active = TRUE",
        ))
        .await;
    is_dead(&redeem(&phone, &code, VERIFIER).await);

    let code = code_of(&app, "ada").await;
    app.db.run("DELETE FROM users").await;
    is_dead(&redeem(&phone, &code, VERIFIER).await);
    assert_eq!(
        app.count("SELECT count(*) FROM auth_refresh_tokens").await,
        0
    );
}

#[tokio::test]
async fn a_state_is_no_code_and_a_code_is_no_state() {
    let app = native(5).await;
    let phone = app.client();
    let mut browser = app.client();
    let url = depart(&mut browser, "demo", &wish(PAGE)).await;
    let callback = sign_in(&url, "ada").await;
    is_dead(&redeem(&phone, &query(&url)["state"], VERIFIER).await);
    // The journey goes on: nobody has spent it.
    let handed = code(&bring(&mut browser, &callback).await, PAGE);

    browser.cookies.insert(cookie_of(&handed), handed.clone());
    let answer = bring(&mut browser, &with(&callback, "state", Some(&handed))).await;
    assert_eq!(error(&answer), "invalid_state");
    assert_eq!(redeem(&phone, &handed, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn the_app_is_told_why_nobody_comes() {
    let app = native(5).await;
    let told = |answer: &Answer, code: &str| {
        assert_eq!(answer.status, 307, "{}", answer.text);
        let location = answer.header("location").unwrap();
        assert_eq!(location, format!("{PAGE}?error={code}"));
        assert!(
            answer
                .set_cookies()
                .iter()
                .all(|cookie| cookie.contains("Max-Age=0"))
        );
    };
    let mut browser = app.client();
    let url = depart(&mut browser, "demo", &wish(PAGE)).await;
    told(
        &bring(&mut browser, &cancel(&url).await).await,
        "oauth_failed",
    );

    app.demo
        .person(Person::new("odd", Some("odd@example.com"), false));
    told(&arrives(&app, PAGE, "odd").await, "email_unverified");

    let url = depart(&mut browser, "demo", &wish(PAGE)).await;
    let callback = sign_in(&url, "ada").await;
    let garbled = with(&callback, "code", Some("nobodys"));
    told(&bring(&mut browser, &garbled).await, "oauth_failed");
    // The state is spent: there is no journey any more whose app could be told.
    let answer = bring(&mut browser, &callback).await;
    assert_eq!(
        answer.header("location"),
        Some("/landing?error=invalid_state")
    );

    // Nor is a browser believed that did not set out.
    let url = depart(&mut browser, "demo", &wish(PAGE)).await;
    let callback = sign_in(&url, "ada").await;
    let answer = bring(&mut app.client(), &callback).await;
    assert_eq!(
        answer.header("location"),
        Some("/landing?error=invalid_state")
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn an_app_is_granted_what_it_asked_for_when_it_set_out() {
    let app: App<Native> = native(5).await;
    for (asked, granted) in [
        ("", "read"),
        ("&scope=", "read"),
        ("&scope=write+more", "write more"),
        ("&scope=more+nothing%20write", "write more"),
        ("&scope=nothing", ""),
    ] {
        let mut browser = app.client();
        let url = depart(&mut browser, "demo", &format!("{}{asked}", wish(PAGE))).await;
        let code = code(
            &bring(&mut browser, &sign_in(&url, "ada").await).await,
            PAGE,
        );
        let form = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&scope=more"
        );
        let answer = app.client().post_body("/oauth/token", FORM, form).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["scope"], granted, "{asked}");
    }
}

#[tokio::test]
async fn what_is_no_redemption_is_told_as_oauth_tells_it() {
    let app = native(5).await;
    let phone = app.client();
    let code = code_of(&app, "ada").await;
    let body = json!({ "grant_type": "password", "code": code, "code_verifier": VERIFIER });
    let answer = phone.post_json("/oauth/token", &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"].as_str()),
        (422, Some("unsupported_grant_type"))
    );
    let missing = phone.post_json("/oauth/token", &json!({})).await;
    let named: BTreeSet<_> = missing.json()["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["loc"][1].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(missing.json()["error"], "invalid_request");
    assert_eq!(named, ["code", "code_verifier"].map(str::to_owned).into());
    // Where logs keep it, a code is not taken.
    let form = format!("code_verifier={VERIFIER}");
    let answer = phone
        .post_body(&format!("/oauth/token?code={code}"), FORM, form)
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        redeem(&phone, &code, VERIFIER).await.status,
        200,
        "nothing has spent it"
    );
}
