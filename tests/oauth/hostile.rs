//! A provider that lies in what it signs and says: nobody is signed in by it (SEC-101, SEC-105).

use std::time::Duration;

use crudauth::Authority;
use serde_json::{Value, json};

use crate::elsewhere::{App, by, depart, me, page, web};
use crate::oidc::{
    Endpoint::{Jwks, Token, Userinfo},
    Fault, Misbehaviour,
    Misbehaviour::{At, Callback, Claim, Metadata, SecondClaim, Signed as Signs, Token as Gives},
    Person, Signed, sign_in,
};
use crate::wrong::assert_fails;

/// After it, what a provider publishes is asked for anew.
const HOUR: Duration = Duration::from_hours(1);

type Case = (String, Misbehaviour);

fn case(wrong: Misbehaviour) -> Case {
    let mut name = format!("{wrong:?}");
    name.truncate(name.floor_char_boundary(120));
    (name, wrong)
}

/// One journey to `demo` as `sub`, while it does wrong.
async fn journey<A: Authority>(app: &App<A>, (name, wrong): Case, sub: &str, code: &str) {
    let mut client = app.client();
    let url = depart(&mut client, "demo", "?redirect_to=/dash").await;
    app.demo.misbehave(wrong);
    let callback = sign_in(&url, sub).await;
    assert_fails(app, &name, &mut client, &callback, code).await;
    app.demo.behave();
}

/// What a lie is about.
struct Facts {
    own: String,
    others: String,
    issuer: String,
    other_issuer: String,
    now: i64,
}

impl Facts {
    fn of<A>(app: &App<A>) -> Self {
        Self {
            own: app.demo.client_id().to_owned(),
            others: app.other.client_id().to_owned(),
            issuer: app.demo.issuer(),
            other_issuer: app.other.issuer(),
            now: app.clock.now().as_secs(),
        }
    }
}

/// Each of them is refused in both modes, and without it the same journey succeeds.
async fn assert_all_fail(cases: impl Fn(Facts) -> Vec<Case>) {
    let web = web().await;
    for case in cases(Facts::of(&web)) {
        journey(&web, case, "ada", "oauth_failed").await;
    }
    let page = page().await;
    for case in cases(Facts::of(&page)) {
        journey(&page, case, "ada", "oauth_failed").await;
    }
    let mut client = web.client();
    let answer = by(&mut client, "demo", "ada").await;
    assert_eq!(answer.header("location"), Some("/landing"));
    assert_eq!(me(&client).await, "ada");
    let mut client = page.client();
    assert_eq!(by(&mut client, "demo", "ada").await.status, 200);
    assert_eq!(me(&client).await, "ada");
}

#[tokio::test]
async fn sec_101_each_claim_of_an_id_token_is_checked() {
    assert_all_fail(|facts| {
        let Facts {
            own,
            others,
            issuer,
            other_issuer,
            now,
        } = facts;
        let far = now + 31_536_000_000;
        let wrong = [
            ("iss", json!("https://evil.example")),
            ("iss", json!(format!("{issuer}/"))),
            ("iss", json!(other_issuer)),
            ("iss", json!([issuer])),
            ("iss", Value::Null),
            ("aud", json!(others)),
            ("aud", json!("")),
            ("aud", json!([])),
            ("aud", json!([others])),
            ("aud", json!([own, others])), // and no `azp`
            ("aud", json!([own, 5])),
            ("aud", json!({ &own: true })),
            ("aud", json!(own.to_uppercase())),
            ("aud", Value::Null),
            ("azp", json!(others)),
            ("azp", json!([own])),
            ("azp", json!("")),
            ("exp", json!(now - 60)),
            ("exp", json!(far.to_string())),
            ("exp", json!(-1)),
            ("exp", Value::Null),
            ("iat", json!(now + 61)),
            ("iat", json!(far)),
            ("iat", json!("0")),
            ("iat", Value::Null),
            ("nbf", json!(now + 61)),
            ("nbf", json!("0")),
            ("nonce", json!("A".repeat(43))),
            ("nonce", json!("")),
            ("nonce", json!(0)),
            ("nonce", Value::Null),
            ("at_hash", json!("A".repeat(22))),
            ("at_hash", json!("")),
            ("at_hash", json!(5)),
            ("sub", json!("")),
            ("sub", json!(5)),
            ("sub", json!("a".repeat(256))),
            ("sub", json!("ada\u{0}")),
            ("sub", Value::Null),
        ];
        let wrong = wrong.into_iter().map(|(name, value)| Claim(name, value));
        let twice = ["sub", "aud", "nonce", "email", "email_verified"];
        let twice = twice
            .into_iter()
            .map(|name| SecondClaim(name, json!("grace")));
        wrong.chain(twice).map(case).collect()
    })
    .await;
}

#[tokio::test]
async fn sec_101_an_id_token_is_signed_by_a_published_key_in_an_announced_way() {
    assert_all_fail(|_| {
        let wrong = [
            Signed::None,
            Signed::NoneAndYet,
            Signed::Empty,
            Signed::Flipped,
            Signed::WithClientSecret,
            Signed::WithPublicKey,
            Signed::ByAnother,
            Signed::ByAnotherInHeader,
            Signed::UnknownKid,
            Signed::WrongAlg,
        ];
        wrong.into_iter().map(|how| case(Signs(how))).collect()
    })
    .await;
}

#[tokio::test]
async fn sec_101_what_comes_for_a_code_is_whole_or_nothing() {
    assert_all_fail(|_| {
        let refused = |error| json!({ "error": error }).to_string();
        let twice = r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#;
        let mut wrong = vec![
            Gives("id_token", Value::Null),
            Gives("id_token", json!("")),
            Gives("id_token", json!("a.b.c")),
            Gives("id_token", json!("..")),
            Gives("id_token", json!(5)),
            Gives("id_token", json!("e30.e30.")),
            Gives("access_token", Value::Null),
            Gives("access_token", json!("somebody-elses")),
            Gives("token_type", Value::Null),
            Gives("token_type", json!("mac")),
            Callback("code", json!("not-a-code")),
            Callback("code", Value::Null),
            Callback("iss", Value::Null),
            Callback("iss", json!("https://evil.example")),
            Callback("error", json!("access_denied")),
        ];
        let answers = [
            (400, refused("invalid_grant")),
            (401, refused("invalid_client")),
            (400, refused("'\"><script>")),
            (200, refused("invalid_grant")),
            (500, String::new()),
            (204, String::new()),
            (200, String::new()),
            (200, "null".to_owned()),
            (200, "[]".to_owned()),
            (200, "{}".to_owned()),
            (200, "{\"access_token\":".to_owned()),
            (200, twice.to_owned()),
            (200, format!("{twice} {twice}")),
            (200, "[".repeat(100_000)),
        ];
        wrong.extend(answers.map(|(status, text)| At(Token, Fault::Answers(status, text))));
        wrong.into_iter().map(case).collect()
    })
    .await;
}

#[tokio::test]
async fn sec_101_userinfo_is_about_the_one_who_signed_in() {
    let cases = || {
        let answers = [
            (200, "{}".to_owned()),
            (
                200,
                r#"{"email":"ada@example.com","email_verified":true}"#.to_owned(),
            ),
            (
                200,
                r#"{"sub":"turing","sub":"turing","email":"a@example.com","email_verified":true}"#
                    .to_owned(),
            ),
            (200, "null".to_owned()),
            (200, "not JSON".to_owned()),
            (401, json!({ "error": "invalid_token" }).to_string()),
            (500, String::new()),
        ];
        let mut wrong = vec![
            Misbehaviour::Userinfo("sub", json!("ada")),
            Misbehaviour::Userinfo("sub", json!("Turing")),
            Misbehaviour::Userinfo("sub", json!(["turing"])),
            Misbehaviour::Userinfo("sub", Value::Null),
        ];
        wrong.extend(answers.map(|(status, text)| At(Userinfo, Fault::Answers(status, text))));
        wrong.into_iter().map(case).collect::<Vec<_>>()
    };
    let turing = || Person::new("turing", Some("turing@example.com"), true).only_in_userinfo();
    let (web, page) = (web().await, page().await);
    web.demo.person(turing());
    page.demo.person(turing());
    for case in cases() {
        journey(&web, case.clone(), "turing", "oauth_failed").await;
        journey(&page, case, "turing", "oauth_failed").await;
    }
    let mut client = web.client();
    by(&mut client, "demo", "turing").await;
    assert_ne!(me(&client).await, "");
}

/// What a provider does not say, or says by halves, opens no account.
#[tokio::test]
async fn sec_105_an_address_that_nobody_vouches_for_opens_nothing() {
    let (web, page) = (web().await, page().await);
    let says = |value| Claim("email_verified", value);
    for (wrong, code) in [
        (Claim("email", Value::Null), "email_missing"),
        (Claim("email", json!("")), "email_missing"),
        (Claim("email", json!("a\u{0}@example.com")), "email_missing"),
        (says(json!(false)), "email_unverified"),
        (says(json!("true")), "email_unverified"),
        (says(json!(1)), "email_unverified"),
        (says(json!([true])), "email_unverified"),
        (Claim("email", json!("no address")), "oauth_failed"),
        (
            Claim("email", json!(format!("{}@example.com", "a".repeat(400)))),
            "email_too_long",
        ),
    ] {
        // Userinfo would make up for what the id_token lacks.
        let silent = Metadata("userinfo_endpoint", Value::Null);
        web.clock.advance(HOUR);
        page.clock.advance(HOUR);
        web.demo.misbehave(silent.clone());
        page.demo.misbehave(silent);
        journey(&web, case(wrong.clone()), "ada", code).await;
        journey(&page, case(wrong), "ada", code).await;
    }
}

/// The other side of each border: two clocks may be a minute apart, and what is optional may be left out.
#[tokio::test]
async fn sec_101_what_the_specification_allows_is_taken() {
    let app = web().await;
    let own = app.demo.client_id().to_owned();
    // What the first two announce is forgotten by then.
    let now = app.clock.now().as_secs() + 2 * HOUR.as_secs().cast_signed();
    let several = json!([own, "another"]);
    for wrongs in [
        vec![Misbehaviour::BasicOnly],
        vec![Misbehaviour::PostOnly],
        vec![Claim("exp", json!(now - 59))],
        vec![Claim("iat", json!(now + 60))],
        vec![Claim("nbf", json!(now + 60))],
        vec![Claim("aud", json!([own]))],
        vec![Claim("azp", json!(own))],
        vec![Claim("aud", several), Claim("azp", json!(own))],
        vec![Claim("at_hash", Value::Null)],
        vec![Claim("sub", json!("ü".repeat(255)))],
        vec![Signs(Signed::WithoutKid)],
    ] {
        let name = format!("{wrongs:?}");
        if matches!(wrongs[0], Misbehaviour::BasicOnly | Misbehaviour::PostOnly) {
            app.clock.advance(HOUR);
        }
        let mut client = app.client();
        // A name of its own for each: whoever signs in is somebody new.
        let sub = format!("p{}", app.count("SELECT count(*) FROM users").await);
        let email = format!("{sub}@example.com");
        app.demo.person(Person::new(&sub, Some(&email), true));
        for wrong in wrongs {
            app.demo.misbehave(wrong);
        }
        let answer = by(&mut client, "demo", &sub).await;
        assert_eq!(answer.header("location"), Some("/landing"), "{name}");
        assert_ne!(me(&client).await, "", "{name}");
        app.demo.behave();
    }
}

/// Announced or not, the algorithms without a signature, and those of a shared secret, are none.
#[tokio::test]
async fn sec_101_a_provider_cannot_announce_its_way_to_an_unsigned_token() {
    let app = web().await;
    for (algs, how) in [
        (json!(["none"]), Signed::None),
        (json!(["none", "ES256"]), Signed::None),
        (json!(["none", "ES256"]), Signed::NoneAndYet),
        (json!(["HS256"]), Signed::WithClientSecret),
        (json!(["HS256", "ES256"]), Signed::WithClientSecret),
        (json!(["HS256", "RS256", "ES256"]), Signed::WithPublicKey),
        (json!(["RS256"]), Signed::WithoutKid), // which is ES256
        (json!(["RS256", "ES256"]), Signed::WrongAlg),
        (json!([]), Signed::WithoutKid),
    ] {
        app.clock.advance(HOUR);
        let name = format!("{algs} {how:?}");
        app.demo
            .misbehave(Metadata("id_token_signing_alg_values_supported", algs));
        let mut client = app.client();
        let answer = client.get("/oauth/demo/authorize").await;
        client.keep(&answer);
        if answer.set_cookies().is_empty() {
            crate::wrong::assert_refused(&name, &answer, "oauth_failed");
        } else {
            let url = answer.header("location").unwrap();
            app.demo.misbehave(Signs(how));
            let callback = sign_in(url, "ada").await;
            assert_fails(&app, &name, &mut client, &callback, "oauth_failed").await;
        }
        app.demo.behave();
    }
}

/// Whoever signs in must not make us call the provider at will (SEC-108).
#[tokio::test]
async fn sec_108_keys_are_fetched_anew_at_most_once_in_thirty_seconds() {
    let app = web().await;
    let mut known = app.client();
    by(&mut known, "demo", "grace").await;
    assert_eq!(app.demo.calls(Jwks), 1);
    for fetches in [1, 2, 3] {
        for _ in 0..5 {
            journey(&app, case(Signs(Signed::UnknownKid)), "ada", "oauth_failed").await;
        }
        assert_eq!(app.demo.calls(Jwks), fetches);
        app.clock.advance(Duration::from_secs(30));
    }
    // Neither does one who cannot be asked, and what was published before holds on.
    for fetches in [4, 5] {
        for _ in 0..5 {
            app.demo
                .misbehave(At(Jwks, Fault::Answers(500, String::new())));
            journey(&app, case(Signs(Signed::UnknownKid)), "ada", "oauth_failed").await;
        }
        assert_eq!(app.demo.calls(Jwks), fetches);
        let answer = by(&mut app.client(), "demo", "grace").await;
        assert_eq!(answer.header("location"), Some("/landing"));
        app.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn sec_101_keys_that_were_replaced_sign_nobody_in_and_new_ones_do() {
    let app = web().await;
    let mut client = app.client();
    by(&mut client, "demo", "ada").await;
    // What is on its way while the keys are replaced.
    app.demo.rotate_keys().unwrap();
    app.clock.advance(Duration::from_secs(30));
    let answer = by(&mut app.client(), "demo", "ada").await;
    assert_eq!(answer.header("location"), Some("/landing"));
    assert_eq!(app.demo.calls(Jwks), 2);
    // The key before is nobody's now.
    let forged = case(Signs(Signed::ByAnother));
    journey(&app, forged, "grace", "oauth_failed").await;
    let answer = by(&mut app.client(), "demo", "ada").await;
    assert_eq!(answer.header("location"), Some("/landing"));
    assert_eq!(app.demo.calls(Jwks), 2);
}
