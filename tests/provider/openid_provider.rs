//! The included OpenID provider does right by itself: what the tests of signing in say about misbehaviour is worth as much.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::http::{Reply, call, try_call};
use crate::oidc::{Endpoint, Fault, Key, Misbehaviour, Person, Provider, Signed};
use crate::oidc::{cancel, query, sign_in, sign_in_by_post, with};

const VERIFIER: &str = "0123456789012345678901234567890123456789abc";
const CALLBACK: &str = "https://app.example.com/auth/oauth/demo/callback";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn authorize_url(provider: &Provider) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let mut url = Url::parse(&format!("{}/authorize", provider.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", provider.client_id())
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("scope", "openid email")
        .append_pair("state", "a state & more")
        .append_pair("nonce", "n-0")
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    url.into()
}

async fn code(provider: &Provider) -> String {
    let callback = sign_in(&authorize_url(provider), "ada").await;
    query(&callback)["code"].clone()
}

async fn exchange(provider: &Provider, code: &str) -> Reply {
    let secret = [("client_secret", Some(provider.client_secret()))];
    exchange_with(provider, code, &secret, &[]).await
}

/// The usual exchange of a code, with these members in place of others.
async fn exchange_with(
    provider: &Provider,
    code: &str,
    members: &[(&str, Option<&str>)],
    headers: &[(&str, &str)],
) -> Reply {
    let mut form = vec![
        ("grant_type", Some("authorization_code")),
        ("code", Some(code)),
        ("redirect_uri", Some(CALLBACK)),
        ("code_verifier", Some(VERIFIER)),
        ("client_id", Some(provider.client_id())),
    ];
    for member in members {
        form.retain(|(name, _)| *name != member.0);
        form.push(*member);
    }
    let mut body = Serializer::new(String::new());
    for (name, value) in form {
        body.extend_pairs(value.map(|value| (name, value)));
    }
    let headers = [&[FORM], headers].concat();
    let url = format!("{}/token", provider.url());
    call("POST", &url, &headers, &body.finish()).await
}

fn parts(token: &str) -> (Value, Value, Vec<u8>) {
    let parts: Vec<Vec<u8>> = token
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    let json = |part: &[u8]| serde_json::from_slice(part).unwrap();
    (json(&parts[0]), json(&parts[1]), parts[2].clone())
}

async fn id_token(provider: &Provider) -> String {
    let answer = exchange(provider, &code(provider).await).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id_token"].as_str().unwrap().to_owned()
}

/// Whether a published key has signed it.
async fn holds(provider: &Provider, token: &str) -> bool {
    let (header, _, signature) = parts(token);
    let jwks = call("GET", &format!("{}/jwks.json", provider.url()), &[], "")
        .await
        .json();
    let keys = jwks["keys"].as_array().unwrap();
    let (input, _) = token.rsplit_once('.').unwrap();
    let number =
        |key: &Value, name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    keys.iter().any(|key| {
        let named = key["kid"] == header["kid"] && key["alg"] == header["alg"];
        let good = match key["alg"].as_str().unwrap() {
            "ES256" => {
                let point = [vec![4], number(key, "x"), number(key, "y")].concat();
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                key.verify(input.as_bytes(), &signature)
            }
            _ => UnparsedPublicKey::new(&ED25519, number(key, "x"))
                .verify(input.as_bytes(), &signature),
        };
        named && good.is_ok()
    })
}

#[tokio::test]
async fn it_publishes_where_everything_is() {
    let provider = Provider::start().await.unwrap();
    let url = format!("{}/.well-known/openid-configuration", provider.issuer());

    let metadata = call("GET", &url, &[], "").await.json();

    assert_eq!(metadata["issuer"], provider.issuer());
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        json!(["S256"])
    );
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
    let jwks = metadata["jwks_uri"].as_str().unwrap();
    let keys = call("GET", jwks, &[], "").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys["keys"][0].get("d"), None);
    assert_eq!(provider.calls(Endpoint::Jwks), 1);
}

#[tokio::test]
async fn somebody_who_is_chosen_comes_back_with_a_code_for_a_signed_token() {
    let provider = Provider::start().await.unwrap();

    let callback = sign_in(&authorize_url(&provider), "ada").await;
    assert!(callback.starts_with(&format!("{CALLBACK}?")), "{callback}");
    let sent = query(&callback);
    assert_eq!(sent["state"], "a state & more");
    assert_eq!(sent["iss"], provider.issuer());
    let answer = exchange(&provider, &sent["code"]).await.json();

    let token = answer["id_token"].as_str().unwrap();
    assert!(holds(&provider, token).await);
    let (_, claims, _) = parts(token);
    assert_eq!(claims["iss"], provider.issuer());
    assert_eq!(claims["aud"], provider.client_id());
    assert_eq!(
        (&claims["sub"], &claims["nonce"]),
        (&json!("ada"), &json!("n-0"))
    );
    assert_eq!(claims["email"], "ada@example.com");
    assert_eq!(claims["email_verified"], true);
    let access = answer["access_token"].as_str().unwrap();
    let half = URL_SAFE_NO_PAD.encode(&Sha256::digest(access)[..16]);
    assert_eq!(claims["at_hash"], half);

    let bearer = format!("Bearer {access}");
    let url = format!("{}/userinfo", provider.url());
    let about = call("GET", &url, &[("authorization", &bearer)], "").await;
    assert_eq!(about.json()["sub"], "ada");
    assert_eq!(call("GET", &url, &[], "").await.status, 401);
}

#[tokio::test]
async fn a_code_is_good_once_and_for_whom_it_was_made() {
    let provider = Provider::start().await.unwrap();
    let secret = ("client_secret", Some(provider.client_secret()));
    let public = ("client_id", Some(provider.public_client_id()));
    let refused = [
        vec![
            secret,
            (
                "code_verifier",
                Some("0123456789012345678901234567890123456789abd"),
            ),
        ],
        vec![secret, ("code_verifier", None)],
        vec![
            secret,
            ("redirect_uri", Some("https://app.example.com/elsewhere")),
        ],
        vec![public],
    ];
    for members in refused {
        let code = code(&provider).await;
        let answer = exchange_with(&provider, &code, &members, &[]).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!("invalid_grant"))
        );
        let again = exchange(&provider, &code).await;
        assert_eq!(again.status, 400, "a code that was tried is spent");
    }

    let code = code(&provider).await;
    assert_eq!(exchange(&provider, &code).await.status, 200);
    assert_eq!(exchange(&provider, &code).await.status, 400);
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let provider = Provider::start().await.unwrap();
    let now = Arc::new(AtomicI64::new(1_000_000_000));
    let hand = Arc::clone(&now);
    provider.set_clock(move || hand.load(Ordering::Relaxed));

    let (in_time, late) = (code(&provider).await, code(&provider).await);
    now.fetch_add(59, Ordering::Relaxed);
    assert_eq!(exchange(&provider, &in_time).await.status, 200);
    now.fetch_add(1, Ordering::Relaxed);
    assert_eq!(exchange(&provider, &late).await.status, 400);
}

#[tokio::test]
async fn clients_are_who_they_prove_to_be() {
    let provider = Provider::start().await.unwrap();
    let encoded: String = byte_serialize(provider.client_secret().as_bytes()).collect();
    let basic = |secret: &str| {
        let pair = format!("{}:{secret}", provider.client_id());
        format!("Basic {}", STANDARD.encode(pair))
    };
    let (good, bare) = (basic(&encoded), basic(provider.client_secret()));
    let by_form = ("client_secret", Some(provider.client_secret()));
    let check = async |members: &[(&str, Option<&str>)], headers: &[(&str, &str)]| {
        let code = code(&provider).await;
        exchange_with(&provider, &code, members, headers)
            .await
            .status
    };

    assert_eq!(check(&[], &[("authorization", &good)]).await, 200);
    assert_eq!(
        check(&[], &[("authorization", &bare)]).await,
        401,
        "not encoded"
    );
    assert_eq!(
        check(&[by_form], &[("authorization", &good)]).await,
        401,
        "both"
    );
    assert_eq!(check(&[("client_secret", Some("another"))], &[]).await, 401);
    assert_eq!(check(&[], &[]).await, 401, "it has a secret");

    provider.misbehave(Misbehaviour::BasicOnly);
    assert_eq!(check(&[by_form], &[]).await, 401);
    assert_eq!(check(&[], &[("authorization", &good)]).await, 200);
    provider.behave();
    provider.misbehave(Misbehaviour::PostOnly);
    assert_eq!(check(&[by_form], &[]).await, 200);
    assert_eq!(check(&[], &[("authorization", &good)]).await, 401);
    provider.behave();

    let public =
        authorize_url(&provider).replace(provider.client_id(), provider.public_client_id());
    let code = query(&sign_in(&public, "ada").await)["code"].clone();
    let id = ("client_id", Some(provider.public_client_id()));
    assert_eq!(
        exchange_with(&provider, &code, &[id], &[]).await.status,
        200
    );
}

#[tokio::test]
async fn a_question_that_is_wrong_is_refused() {
    let provider = Provider::start().await.unwrap();
    let url = authorize_url(&provider);

    for here in [
        with(&url, "client_id", Some("somebody")),
        with(&url, "redirect_uri", None),
        with(&url, "redirect_uri", Some("javascript:alert(1)")),
        format!("{url}&state=another"),
    ] {
        assert_eq!(call("GET", &here, &[], "").await.status, 400, "{here}");
        let chosen = call("POST", &here, &[FORM], "login=ada").await;
        assert_eq!(chosen.status, 400, "{here}");
    }
    for (there, error) in [
        (with(&url, "code_challenge", None), "invalid_request"),
        (
            with(&url, "code_challenge_method", Some("plain")),
            "invalid_request",
        ),
        (
            with(&url, "response_type", Some("token")),
            "unsupported_response_type",
        ),
    ] {
        let answer = call("GET", &there, &[], "").await;
        let sent = query(&answer.header("location").unwrap());
        assert_eq!(
            (&*sent["error"], &*sent["state"]),
            (error, "a state & more")
        );
    }
    assert_eq!(query(&cancel(&url).await)["error"], "access_denied");
}

#[tokio::test]
async fn an_answer_can_come_by_post() {
    let provider = Provider::start().await.unwrap();
    let url = with(
        &authorize_url(&provider),
        "response_mode",
        Some("form_post"),
    );

    let posted = sign_in_by_post(&url, "ada").await;

    assert_eq!(posted.url, CALLBACK);
    let sent = query(&format!("{CALLBACK}?{}", posted.body));
    assert_eq!(sent["state"], "a state & more");
    assert_eq!(exchange(&provider, &sent["code"]).await.status, 200);
}

#[tokio::test]
async fn keys_are_rotated_and_of_more_than_one_kind() {
    let provider = Provider::start().await.unwrap();
    let old = id_token(&provider).await;

    provider.rotate_keys().unwrap();
    assert!(!holds(&provider, &old).await);
    assert!(holds(&provider, &id_token(&provider).await).await);

    provider.sign_with(Key::eddsa().unwrap());
    let token = id_token(&provider).await;
    assert_eq!(parts(&token).0["alg"], "EdDSA");
    assert!(holds(&provider, &token).await);
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_what_it_was_told() {
    let provider = Provider::start().await.unwrap();
    for how in [
        Signed::None,
        Signed::NoneAndYet,
        Signed::Empty,
        Signed::Flipped,
        Signed::WithClientSecret,
        Signed::WithPublicKey,
        Signed::ByAnother,
        Signed::ByAnotherInHeader,
        Signed::UnknownKid,
        Signed::WithoutKid,
        Signed::WrongAlg,
    ] {
        provider.misbehave(Misbehaviour::Signed(how));
        assert!(
            !holds(&provider, &id_token(&provider).await).await,
            "{how:?}"
        );
        provider.behave();
        assert!(holds(&provider, &id_token(&provider).await).await);
    }

    provider.misbehave(Misbehaviour::Claim(
        "aud",
        json!(["another", "still another"]),
    ));
    provider.misbehave(Misbehaviour::Claim("nonce", Value::Null));
    provider.misbehave(Misbehaviour::SecondClaim("sub", json!("grace")));
    let token = id_token(&provider).await;
    assert!(
        holds(&provider, &token).await,
        "nothing else is wrong with it"
    );
    let (_, claims, _) = parts(&token);
    assert_eq!(claims["aud"], json!(["another", "still another"]));
    assert_eq!(claims.get("nonce"), None);
    assert_eq!(
        claims["sub"], "grace",
        "the last of two, to a reader that takes both"
    );

    provider.misbehave(Misbehaviour::Token("id_token", Value::Null));
    let answer = exchange(&provider, &code(&provider).await).await.json();
    assert_eq!(answer.get("id_token"), None);
    provider.misbehave(Misbehaviour::Callback("iss", json!("https://evil.example")));
    let sent = query(&sign_in(&authorize_url(&provider), "ada").await);
    assert_eq!(sent["iss"], "https://evil.example");
}

#[tokio::test]
async fn addresses_are_vouched_for_as_told() {
    let provider = Provider::start().await.unwrap();
    for verified in [json!(true), json!(false), json!("true"), Value::Null] {
        provider.person(Person::new("ada", Some("a@example.com"), verified.clone()));
        let (_, claims, _) = parts(&id_token(&provider).await);
        assert_eq!(
            claims.get("email_verified").unwrap_or(&Value::Null),
            &verified
        );
    }
    provider.person(Person::new("ada", Some("a@example.com"), true).only_in_userinfo());
    assert_eq!(parts(&id_token(&provider).await).1.get("email"), None);
}

#[tokio::test]
async fn an_endpoint_fails_as_told() {
    let provider = Provider::start().await.unwrap();
    let jwks = format!("{}/jwks.json", provider.url());
    let told = async |fault: Fault| {
        provider.behave();
        provider.misbehave(Misbehaviour::At(Endpoint::Jwks, fault));
        try_call("GET", &jwks, &[], "").await
    };

    assert!(told(Fault::Closes).await.is_err());
    assert!(told(Fault::ClosesMidway).await.is_err());
    let padded = told(Fault::Padded(2 << 20)).await.unwrap();
    assert!(padded.body.len() > 2 << 20 && padded.json()["keys"].is_array());
    let refused = told(Fault::Answers(500, "{".to_owned())).await.unwrap();
    assert_eq!((refused.status, &*refused.text()), (500, "{"));
    let redirected = told(Fault::Redirects(302)).await.unwrap();
    let elsewhere = redirected.header("location").unwrap();
    assert_eq!(provider.calls(Endpoint::Elsewhere), 0);
    call("GET", &elsewhere, &[], "").await;
    assert_eq!(provider.calls(Endpoint::Elsewhere), 1);

    for endless in [Fault::Trickles, Fault::Endless] {
        let call = told(endless);
        let ended = tokio::time::timeout(Duration::from_millis(300), call).await;
        assert!(ended.is_err());
    }

    provider.behave();
    let before = provider.calls(Endpoint::Jwks);
    provider.misbehave(Misbehaviour::At(Endpoint::Jwks, Fault::Hangs));
    let waiting = tokio::spawn({
        let jwks = jwks.clone();
        async move { call("GET", &jwks, &[], "").await }
    });
    provider.called(Endpoint::Jwks, before + 1).await.unwrap();
    assert!(!waiting.is_finished());
    provider.behave();
    assert_eq!(waiting.await.unwrap().status, 200);
}

#[tokio::test]
async fn it_can_pose_as_another_under_any_path() {
    let provider = Provider::start().await.unwrap();
    provider.poses_as("https://login.example.com/tenant/v2.0");
    let url = format!(
        "{}/tenant/v2.0/.well-known/openid-configuration",
        provider.url()
    );

    let metadata = call("GET", &url, &[], "").await.json();

    assert_eq!(
        metadata["token_endpoint"],
        "https://login.example.com/tenant/v2.0/token"
    );
    assert_eq!(
        parts(&id_token(&provider).await).1["iss"],
        provider.issuer()
    );
}

#[tokio::test]
async fn it_has_the_shapes_of_github_and_discord() {
    let provider = Provider::start().await.unwrap();
    provider
        .person(Person::new("583231", Some("o@example.com"), true).named("Octo Cat", "octocat"));
    let page = authorize_url(&provider).replace("/authorize", "/login/oauth/authorize");
    let code = query(&sign_in(&page, "583231").await)["code"].clone();
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", &code)
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("code_verifier", VERIFIER)
        .append_pair("client_id", provider.client_id())
        .append_pair("client_secret", provider.client_secret());
    let form = form.finish();
    let url = format!("{}/login/oauth/access_token", provider.url());

    let first = call("POST", &url, &[FORM], &form).await;
    let again = call("POST", &url, &[FORM, ("accept", "application/json")], &form).await;

    assert_eq!(
        (again.status, &again.json()["error"]),
        (200, &json!("invalid_grant"))
    );
    let token = query(&format!("{CALLBACK}?{}", first.text()))["access_token"].clone();
    let bearer = format!("Bearer {token}");
    let get = async |path: &str| {
        let url = format!("{}{path}", provider.url());
        call("GET", &url, &[("authorization", &bearer)], "")
            .await
            .json()
    };
    assert_eq!(get("/user").await["id"], 583_231);
    let emails = get("/user/emails").await;
    assert_eq!(emails[0]["email"], "o@example.com");
    assert_eq!(
        (&emails[0]["primary"], &emails[0]["verified"]),
        (&json!(true), &json!(true))
    );
    let me = get("/api/users/@me").await;
    assert_eq!(
        (&me["id"], &me["verified"]),
        (&json!("583231"), &json!(true))
    );
}
