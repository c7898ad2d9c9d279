//! The recorded shapes of the wire: success bodies, issues, CSRF refusals, 404 and 405.

use axum::body::Body;
use axum::http::Method;
use crudauth::__private::Timestamp;
use crudauth::mail::MessageKind;
use crudauth_runtime::features::REGISTRY;
use crudauth_runtime::http::spec::RouteSpec;
use serde_json::json;

use crate::sentences::refusal;
use crate::support::{Answer, FORM, JSON, PASSWORD};
use crate::world::{sign_up, world};

#[tokio::test]
async fn success_bodies_have_the_contracts_keys_in_its_order() {
    let w = world().await;
    w.clock.set(Timestamp::from_micros(1_800_000_000_500_000));
    w.stranger.clone().login("ada", PASSWORD).await; // a second browser, to be signed out below
    let mut login = w.stranger.clone();
    let opened = login.login("ada", PASSWORD).await;
    let csrf = login.csrf.clone().unwrap();
    let listed = login.get("/sessions").await;
    let session = listed
        .json()
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["current"] == true)
        .unwrap()
        .clone();

    assert_eq!(
        opened.text,
        format!(r#"{{"id":1,"username":"ada","csrf_token":"{csrf}"}}"#)
    );
    assert!(csrf.len() == 64 && csrf.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(
        login.get("/me").await.text,
        r#"{"user_id":1,"username":"ada","email":"ada@x.com","is_superuser":false,"scopes":[],"via":"session"}"#
    );
    let text = |key: &str| session[key].as_str().unwrap().to_owned();
    let exactly = format!(
        r#"{{"id":"{}","device":{{"browser":"Other","browser_version":"Unknown","os":"Other","device":"Other","is_mobile":false,"is_tablet":false,"is_pc":false}},"ip":"192.0.2.1","created_at":"{}","last_activity":"{}","current":true}}"#,
        text("id"),
        text("created_at"),
        text("last_activity")
    );
    assert!(listed.text.contains(&exactly), "{}", listed.text);
    assert_eq!(text("created_at"), "2027-01-15T08:00:00.500000Z");
    assert_eq!(text("id").len(), 64);
    assert_eq!(
        login.post("/csrf/refresh").await.text,
        format!(r#"{{"csrf_token":"{csrf}"}}"#)
    );
    assert_eq!(
        login.post("/logout-all?keep_current=true").await.text,
        r#"{"detail":"Signed out of all sessions.","revoked":1}"#
    );
    assert_eq!(
        login
            .delete(&format!("/sessions/{}", text("id")))
            .await
            .text,
        r#"{"detail":"Session revoked."}"#
    );
    assert_eq!(
        w.stranger.post("/logout").await.text,
        r#"{"detail":"Logged out"}"#
    );
}

/// The seven routes of recovery, each asked for what it is there for.
#[tokio::test]
async fn recovery_tells_nothing_but_that_it_happened() {
    let w = world().await;
    let told = |answer: Answer| (answer.status.as_u16(), answer.text);
    let said = |detail: &str| (200, format!(r#"{{"detail":"{detail}"}}"#));
    let accepted = w
        .stranger
        .post_json("/register", &sign_up("bob", None))
        .await;
    assert_eq!(
        told(accepted),
        (
            202,
            r#"{"detail":"If the email is available, check your inbox to finish signing up."}"#
                .to_owned()
        )
    );
    assert_eq!(
        told(w.ask("/email/verify-request").await),
        said("If an account exists, a verification email has been sent.")
    );
    let token = w.token(MessageKind::VerifyEmail).await;
    assert_eq!(
        told(w.confirm("/email/verify-confirm", &token).await),
        said("Verified successfully.")
    );
    assert_eq!(
        told(w.move_to("eve@x.com", PASSWORD).await),
        said("If the address is available, a confirmation email has been sent.")
    );
    let token = w.token(MessageKind::ChangeEmail).await;
    assert_eq!(
        told(w.confirm("/email/change-confirm", &token).await),
        said("Email changed successfully.")
    );
    let token = w.token(MessageKind::EmailChanged).await;
    assert_eq!(
        told(w.confirm("/email/change-undo", &token).await),
        said("Email change undone.")
    );
    assert_eq!(
        told(w.ask("/password/reset-request").await),
        said("If an account exists, a password reset email has been sent.")
    );
    let token = w.token(MessageKind::ResetPassword).await;
    assert_eq!(
        told(w.reset(&token).await),
        said("Password reset successfully.")
    );
}

fn path(route: &RouteSpec) -> String {
    let path = route.path.replace("{provider}", "demo");
    path.replace("{id}", &"0".repeat(64))
}

/// The methods that its path has.
fn allowed(route: &RouteSpec) -> String {
    let all = REGISTRY.iter().flat_map(|feature| feature.routes);
    let methods = all
        .filter(|other| other.path == route.path)
        .map(|other| match other.method {
            Method::GET => "GET,HEAD",
            _ => other.method.as_str(),
        });
    // Two features may have one route, of which a block mounts one.
    let methods: std::collections::BTreeSet<_> = methods.collect();
    methods.into_iter().collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn unsafe_routes_of_a_session_want_its_token() {
    let w = world().await;
    let (mut without, mut wrong) = (w.ada.clone(), w.ada.clone());
    without.csrf = None;
    wrong.csrf = Some("0".repeat(64));

    for route in REGISTRY
        .iter()
        .flat_map(|feature| feature.routes)
        .filter(|route| route.csrf)
    {
        let path = path(route);
        for (client, code) in [(&without, "csrf_missing"), (&wrong, "csrf_invalid")] {
            let answer = client
                .send(
                    client
                        .request(route.method.clone(), &path)
                        .body(Body::empty())
                        .unwrap(),
                )
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.clone()),
                (403, refusal(route.path, code).unwrap()),
                "{path}"
            );
            assert_eq!(answer.header("x-csrf-error"), Some("true"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_an_unknown_path_404_for_everybody() {
    let w = world().await;
    for client in [&w.ada, &w.stranger] {
        for route in REGISTRY.iter().flat_map(|feature| feature.routes) {
            let path = path(route);
            let answer = client
                .send(
                    client
                        .request(Method::PATCH, &path)
                        .body(Body::empty())
                        .unwrap(),
                )
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (
                    405,
                    r#"{"detail":"Method Not Allowed","code":"method_not_allowed"}"#
                ),
                "{path}"
            );
            assert_eq!(answer.header("allow"), Some(&*allowed(route)), "{path}");
        }
        for path in [
            "/nope",
            "/register/",
            "//register",
            "/Register",
            "/sessions/",
            "/tokens",
            "/token/",
            "/mfa",
        ] {
            let answer = client.post(path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (404, r#"{"detail":"Not Found","code":"not_found"}"#),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn recorded_validation_issues_have_exactly_the_recorded_members() {
    let w = world().await;
    let of = |issue: &str| format!(r#"{{"detail":[{issue}],"code":"validation_error"}}"#);
    let register = |body: &'static str| w.stranger.post_body("/register", JSON, body);
    let login = |body: &'static str| w.stranger.post_body("/login", FORM, body);

    for (answer, issue) in [
        (
            register(r#"{"email":"u@x.com","username":"u"}"#).await,
            r#"{"type":"missing","loc":["body","password"],"msg":"Field required"}"#,
        ),
        (
            register(r#"{"email":"nope","username":"u","password":"correct horse"}"#).await,
            r#"{"type":"value_error","loc":["body","email"],"msg":"value is not a valid email address: An email address must have an @-sign.","ctx":{"reason":"An email address must have an @-sign."}}"#,
        ),
        (
            register(r#"{"email":"u@x.com","username":"u","password":"short"}"#).await,
            r#"{"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 8 characters","ctx":{"min_length":8}}"#,
        ),
        (
            register("{bad").await,
            r#"{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error","ctx":{"error":"Expecting property name enclosed in double quotes"}}"#,
        ),
        (
            register("[]").await,
            r#"{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}"#,
        ),
        (
            login("username=u&password=p&grant_type=zzz").await,
            r#"{"type":"string_pattern_mismatch","loc":["body","grant_type"],"msg":"String should match pattern '^password$'","ctx":{"pattern":"^password$"}}"#,
        ),
        (
            login("username=u&password=p&remember_me=perhaps").await,
            r#"{"type":"bool_parsing","loc":["body","remember_me"],"msg":"Input should be a valid boolean, unable to interpret input"}"#,
        ),
        (
            w.ada.post("/logout-all?keep_current=perhaps").await,
            r#"{"type":"bool_parsing","loc":["query","keep_current"],"msg":"Input should be a valid boolean, unable to interpret input"}"#,
        ),
    ] {
        assert_eq!((answer.status.as_u16(), answer.text), (422, of(issue)));
    }
    let long = json!({ "email": "u@x.com", "username": "n".repeat(65), "password": PASSWORD });
    let long = w.stranger.post_json("/register", &long).await;
    assert_eq!(
        long.text,
        of(
            r#"{"type":"string_too_long","loc":["body","username"],"msg":"String should have at most 64 characters","ctx":{"max_length":64}}"#
        )
    );
    // A JSON body at the form route is a form without fields.
    let json = w
        .stranger
        .post_body("/login", JSON, r#"{"username":"ada","password":"x"}"#)
        .await;
    assert_eq!(
        json.text,
        of(
            r#"{"type":"missing","loc":["body","username"],"msg":"Field required"},{"type":"missing","loc":["body","password"],"msg":"Field required"}"#
        )
    );
}
