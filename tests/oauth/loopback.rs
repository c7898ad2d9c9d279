//! Apps on the machine that the browser runs on, which listen where the system lets them (RFC 8252 §7.3).

use crate::elsewhere::{App, bring, depart, error};
use crate::handover::{CHALLENGE, Native, VERIFIER, arrives, code, native, redeem, wish};
use crate::landings::tamper;
use crate::oidc::{cancel, sign_in};
use crate::support::encode;

#[tokio::test]
async fn an_app_on_this_machine_takes_its_code_at_the_port_that_it_was_given() {
    let app = native(5).await;
    for target in [
        "http://127.0.0.1/app",
        "http://127.0.0.1:1/app",
        "http://127.0.0.1:49152/app",
        "http://127.0.0.1:65535/app",
        "http://[::1]:50000",
    ] {
        let answer = arrives(&app, target, "ada").await;
        let code = code(&answer, &format!("{target}?code="));
        let tokens = redeem(&app.client(), &code, VERIFIER).await;
        assert_eq!(tokens.status, 200, "{target}: {}", tokens.text);
    }
    let (mut browser, target) = (app.client(), "http://127.0.0.1:50000/app");
    let url = depart(&mut browser, "demo", &wish(target)).await;
    let answer = bring(&mut browser, &cancel(&url).await).await;
    let told = format!("{target}?error=oauth_failed");
    assert_eq!(answer.header("location"), Some(told.as_str()));
}

async fn assert_refused(app: &App<Native>, query: &str) {
    let path = format!("/oauth/demo/authorize{query}");
    let answer = app.client().get(&path).await;
    let said = (answer.status.as_u16(), answer.code());
    assert_eq!(said, (422, "validation_error".to_owned()), "{query}");
    assert!(answer.set_cookies().is_empty(), "{query}");
}

const TRICKS: [&str; 16] = [
    "http://127.0.0.1:/app",
    "http://127.0.0.1:0/app",
    "http://127.0.0.1:080/app",
    "http://127.0.0.1:65536/app",
    "http://127.0.0.1:99999/app",
    "http://127.0.0.1:+80/app",
    "http://127.0.0.1:80",
    "http://127.0.0.1:80/app/",
    "http://127.0.0.1:80/app?x=1",
    "http://127.0.0.1:80@evil.example/app",
    "http://evil.example@127.0.0.1:80/app",
    "http://127.0.0.1.evil.example:80/app",
    "http://127.0.0.1:80.evil.example/app",
    "http://127.0.0.2:80/app",
    "http://localhost:80/app",
    "https://127.0.0.1:80/app",
];

#[tokio::test]
async fn sec_109_what_only_looks_like_this_machine_is_no_target() {
    let app = native(5).await;
    for target in TRICKS {
        assert_refused(&app, &wish(target)).await;
    }
    // A port is not what makes an app one that needs no challenge.
    let target = encode("http://127.0.0.1:50000/app");
    assert_refused(&app, &format!("?redirect_to={target}")).await;
    let plain = format!("&code_challenge={CHALLENGE}&code_challenge_method=plain");
    assert_refused(&app, &format!("?redirect_to={target}{plain}")).await;
    let kept = "SELECT count(*) FROM auth_oauth_states";
    assert_eq!(
        app.count(kept).await,
        0,
        "refused before anything is written"
    );
}

/// Checked at use as well: whoever could write the row still sends no code elsewhere.
#[tokio::test]
async fn sec_109_a_target_that_was_tampered_with_is_not_gone_to() {
    let app = native(5).await;
    for target in TRICKS.into_iter().chain(["https://evil.example/app"]) {
        let mut browser = app.client();
        let url = depart(&mut browser, "demo", &wish("http://127.0.0.1:50000/app")).await;
        let callback = sign_in(&url, "ada").await;
        tamper(&app, target).await;
        let answer = bring(&mut browser, &callback).await;
        assert_eq!(error(&answer), "invalid_state", "{target}");
        let location = answer.header("location").unwrap();
        assert!(location.starts_with("/landing?"), "{target}: {location}");
    }
}
