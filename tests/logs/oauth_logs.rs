//! Nothing of a journey, and nobody's address, in logs, answers or `Debug`, at the most talkative level (SEC-019, SEC-098,
//! SEC-139).

use crudauth::Authority;
use crudauth::oauth::Credentials;
use serde_json::json;

use crate::elsewhere::{App, Web, bring, credentials, depart, me, page, web};
use crate::log;
use crate::oidc::Endpoint::{Discovery, Jwks, Token, Userinfo};
use crate::oidc::Misbehaviour::{At, Callback, Claim, Token as Gives, Userinfo as Says};
use crate::oidc::{Endpoint, Fault, Misbehaviour, Person, Provider, query, sign_in};
use crate::support::Answer;

/// What went over the wire, and what a provider might quote.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn add(&mut self, text: &str) {
        assert!(text.len() > 6, "{text}");
        self.0.push(text.to_owned());
    }

    /// What a request to the provider carried.
    fn sent(&mut self, provider: &Provider, endpoint: Endpoint) {
        for seen in provider.seen(endpoint) {
            if let Some(sent) = seen.headers.get("authorization") {
                self.add(sent.to_str().unwrap().split_once(' ').unwrap().1);
            }
            let body = String::from_utf8(seen.body.to_vec()).unwrap();
            let form = query(&format!("http://x/?{body}"));
            for name in ["code", "code_verifier", "client_secret"] {
                form.get(name).into_iter().for_each(|text| self.add(text));
            }
        }
    }

    fn assert_absent(&self, text: &str, place: &str) {
        for secret in &self.0 {
            assert!(!text.contains(&**secret), "{secret} in {place}:\n{text}");
        }
    }
}

const ADDRESS: &str = "zq-mail-zq@example.com";

/// Everything that can go wrong in what a provider says, with texts in it that nobody may repeat.
fn wrongs() -> Vec<Misbehaviour> {
    let quoted = json!({
        "error": "zq-error-zq", "error_description": "zq-description-zq", "error_uri": "https://zq-uri-zq.example",
    });
    let known = json!({ "error": "invalid_grant", "error_description": "zq-description-zq" });
    let mut all = vec![
        Gives("access_token", json!("zq-access-zq")),
        Gives(
            "id_token",
            json!("zq-header-zq.zq-payload-zq.zq-signature-zq"),
        ),
        Gives("token_type", json!("zq-type-zq")),
        Claim("iss", json!("https://zq-issuer-zq.example")),
        Claim("aud", json!("zq-audience-zq")),
        Claim("nonce", json!("zq-nonce-zq")),
        Claim("sub", json!("zq-sub-zq\u{0}")),
        Says("email", json!("zq-no-address-zq")),
        Says("sub", json!("zq-sub-zq")),
        Callback("iss", json!("https://zq-issuer-zq.example")),
        Callback("code", json!("zq-code-zq")),
        Callback("error", json!("zq-error-zq")),
        Callback("state", json!("zq-state-zq")),
    ];
    for endpoint in [Token, Userinfo, Jwks] {
        for (status, text) in [
            (400, quoted.to_string()),
            (400, known.to_string()),
            (200, quoted.to_string()),
            (200, "zq-no-json-zq".to_owned()),
            (500, "zq-broken-zq".to_owned()),
        ] {
            all.push(At(endpoint, Fault::Answers(status, text)));
        }
        all.push(At(endpoint, Fault::Redirects(302)));
        all.push(At(endpoint, Fault::ClosesMidway));
    }
    all
}

async fn full_run<A: Authority>(app: &App<A>, secrets: &mut Secrets) -> Vec<Answer> {
    let mut answers = Vec::new();
    let person = Person::new("zq-person", Some(ADDRESS), true).only_in_userinfo();
    app.demo.person(person.named("Zq Name", "zqname"));
    for wrong in wrongs().into_iter().map(Some).chain([None]) {
        app.clock.advance(std::time::Duration::from_hours(1));
        let mut client = app.client();
        let url = depart(&mut client, "demo", "?redirect_to=/dash").await;
        for name in ["state", "nonce"] {
            secrets.add(&query(&url)[name]);
        }
        let right = wrong.is_none();
        if let Some(wrong) = wrong {
            app.demo.misbehave(wrong);
        }
        let callback = sign_in(&url, "zq-person").await;
        let answer = bring(&mut client, &callback).await;
        client.cookies.values().for_each(|value| secrets.add(value));
        // Who has signed in is told so.
        if !right {
            assert_eq!(me(&client).await, "", "{}", answer.text);
            answers.push(answer);
        }
        answers.push(bring(&mut client, &callback).await);
        app.demo.behave();
    }
    app.clock.advance(std::time::Duration::from_hours(1));
    app.demo.misbehave(At(
        Discovery,
        Fault::Answers(500, "zq-broken-zq".to_owned()),
    ));
    answers.push(
        app.client()
            .get("/oauth/demo/authorize?redirect_to=//zq-target-zq")
            .await,
    );
    app.demo.behave();
    app.clock.advance(std::time::Duration::from_hours(1));
    // With the database broken, in the middle of a journey.
    for table in ["auth_sessions", "auth_identities", "auth_oauth_states"] {
        let mut client = app.client();
        let url = depart(&mut client, "demo", "").await;
        secrets.add(&query(&url)["state"]);
        let callback = sign_in(&url, "zq-person").await;
        let gone = format!("ALTER TABLE {table} RENAME TO gone_{table}");
        app.db.run(gone).await;
        let answer = bring(&mut client, &callback).await;
        assert_eq!(answer.status.as_u16() / 100, 5, "{}", answer.text);
        answers.push(answer);
        if table != "auth_oauth_states" {
            let back = format!("ALTER TABLE gone_{table} RENAME TO {table}");
            app.db.run(back).await;
        }
    }
    secrets.sent(&app.demo, Token);
    secrets.sent(&app.demo, Userinfo);
    secrets.add(app.demo.client_secret());
    for text in ["zq-", ADDRESS, "Zq Name", "demo-secret"] {
        secrets.0.push(text.to_owned());
    }
    answers
}

async fn assert_silent<A: Authority>(app: App<A>) {
    let kept = log::keep().await;
    let mut secrets = Secrets::default();
    let answers = full_run(&app, &mut secrets).await;
    let log = kept.text();
    assert!(log.contains("a sign-in by a provider failed"), "{log}");
    // The client's own crates name what they call; nobody's address or secret is in there.
    secrets.assert_absent(&log, "the log");
    for answer in answers {
        secrets.assert_absent(&answer.text, "an answer");
        assert!(!answer.text.contains("gone_"), "{}", answer.text);
        let location = answer.header("location").unwrap_or_default();
        secrets.assert_absent(location, "a redirect");
    }
}

#[tokio::test]
async fn sec_019_nothing_of_a_journey_reaches_a_log_an_answer_or_a_redirect() {
    assert_silent(web().await).await;
    assert_silent(page().await).await;
}

#[tokio::test]
async fn sec_139_debug_tells_no_secret_of_a_provider() {
    let app = web().await;
    let own = credentials(&app.demo);
    let apple = Credentials::apple("client", "team", "key", "zq-key-zq");
    let builder = format!(
        "{:?}",
        Web::builder(crate::support::pool(&app.file.url(), 1).await)
            .secret(crate::support::SECRET)
            .public_url("https://app.example.com")
            .oidc("demo", credentials(&app.demo))
    );
    let shown = format!(
        "{:?} {own:?} {apple:?} {:?} {builder}",
        app.auth,
        app.auth.oauth()
    );
    for secret in [
        app.demo.client_secret(),
        "zq-key-zq",
        crate::support::SECRET,
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
