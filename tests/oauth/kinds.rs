//! Every kind of secret that the application gives, at every door of another kind (advisory 1): what belongs to a journey opens
//! nothing else, and nothing else comes home from one.

use axum::body::Body;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use crudauth::auth;
use crudauth::mail::MessageKind;
use crudauth::testing::{CaptureMailer, Clock, TestBuilder};
use serde_json::{Value, json};

use crate::elsewhere::{PUBLIC, bring, cookie_of, credentials, depart, me};
use crate::oidc::Endpoint::Token;
use crate::oidc::{Provider, query, sign_in};
use crate::support::{self, Client, Db, FORM, PASSWORD, SECRET, TempDb, User, encode};
use crate::wrong::assert_refused;

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"), revocation, introspection)]
    #[email(frontend_url = "https://app.example.com")]
    #[sudo(route)]
    #[oauth(oidc("demo"), default_redirect = "/landing")]
    struct Whole<User>;
}

struct Desk {
    auth: Whole,
    mail: CaptureMailer,
    demo: Provider,
    router: axum::Router,
    db: Db,
    _file: TempDb,
}

async fn desk() -> Desk {
    let (file, pool) = support::database(5).await;
    let (clock, mail) = (Clock::manual(), CaptureMailer::new());
    let demo = Provider::start().await.unwrap();
    let time = clock.clone();
    demo.set_clock(move || time.now().as_secs());
    let auth = Whole::builder(pool)
        .secret(SECRET)
        .clock(clock)
        .cheap_hashing()
        .manual_workers()
        .mailer(mail.clone())
        .public_url(PUBLIC)
        .oidc("demo", credentials(&demo))
        .await
        .unwrap();
    let router = crudauth::routing::Router::new()
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    let db = support::pool(&file.url(), 2).await;
    Desk {
        auth,
        mail,
        demo,
        router,
        db,
        _file: file,
    }
}

impl Desk {
    fn client(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// The token in the newest message of this kind.
    async fn mailed(&self, kind: MessageKind) -> String {
        self.auth.run_due().await.unwrap();
        let messages = self.mail.messages();
        let message = messages.into_iter().rfind(|one| one.kind() == kind);
        let link = message.unwrap().context.link.unwrap();
        link.split_once("?token=").unwrap().1.to_owned()
    }

    /// Everything of every other kind that `ada` holds.
    async fn others(&self, ada: &mut Client) -> Vec<(String, String)> {
        let body = json!({ "email": "ada@x.com", "username": "ada", "password": PASSWORD });
        assert_eq!(ada.post_json("/register", &body).await.status, 202);
        let mut all = vec![(
            "verify".to_owned(),
            self.mailed(MessageKind::VerifyEmail).await,
        )];
        assert_eq!(ada.login("ada", PASSWORD).await.status, 200);
        all.extend(ada.cookies.clone());
        all.push(("csrf".to_owned(), ada.csrf.clone().unwrap()));
        let listed = ada.get("/sessions").await.json();
        all.push(("handle".to_owned(), text(&listed[0]["id"])));
        let form = format!("username=ada&password={}", encode(PASSWORD));
        let pair = self.client().post_body("/token", FORM, form).await.json();
        all.push(("access".to_owned(), text(&pair["access_token"])));
        all.push(("refresh".to_owned(), text(&pair["refresh_token"])));
        let ask = json!({ "email": "ada@x.com" });
        ada.post_json("/password/reset-request", &ask).await;
        all.push((
            "reset".to_owned(),
            self.mailed(MessageKind::ResetPassword).await,
        ));
        let ask = json!({ "new_email": "eve@x.com", "password": PASSWORD });
        ada.post_json("/email/change-request", &ask).await;
        all.push((
            "change".to_owned(),
            self.mailed(MessageKind::ChangeEmail).await,
        ));
        all
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sec_100_what_belongs_to_a_journey_opens_no_other_door() {
    let desk = desk().await;
    let mut ada = desk.client();
    desk.others(&mut ada).await;
    let mut browser = desk.client();
    let url = depart(&mut browser, "demo", "").await;
    let callback = sign_in(&url, "grace").await;
    let sent = query(&url);
    for name in ["state", "nonce", "code_challenge", "code"] {
        let value = sent.get(name).cloned();
        let value = value.unwrap_or_else(|| query(&callback)[name].clone());
        // As each cookie of a session, and as its token.
        for cookie in ada.cookies.keys() {
            let mut client = desk.client();
            client.cookies.insert(cookie.clone(), value.clone());
            assert_eq!(me(&client).await, "", "{name} as {cookie}");
            assert_ne!(client.get("/oauth/identities").await.status, 200);
        }
        let mut forged = ada.clone();
        forged.csrf = Some(value.clone());
        assert_eq!(forged.post("/csrf/refresh").await.status, 200); // asks for none
        let answer = forged.post("/logout-all").await;
        assert_eq!(answer.code(), "csrf_invalid", "{name}");
        let client = desk.client();
        for scheme in ["Bearer", "Basic"] {
            let request = client.request(Method::GET, "/me");
            let request = request.header(AUTHORIZATION, format!("{scheme} {value}"));
            let answer = client.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 401, "{name}");
        }
        let answer = client
            .post_json("/refresh", &json!({ "refresh_token": value }))
            .await;
        assert_eq!(answer.code(), "refresh_token_invalid", "{name}");
        for path in [
            "/email/verify-confirm",
            "/email/change-confirm",
            "/email/change-undo",
        ] {
            let answer = client.post_json(path, &json!({ "token": value })).await;
            assert_eq!(answer.code(), "link_dead", "{name} at {path}");
        }
        let body = json!({ "token": value, "new_password": "another good one" });
        let answer = client.post_json("/password/reset-confirm", &body).await;
        assert_eq!(answer.code(), "link_dead", "{name}");
        for path in ["/token/introspect", "/token/revoke"] {
            let answer = ada.post_body(path, FORM, format!("token={value}")).await;
            assert_eq!(answer.status, 200, "{name}");
            assert_ne!(answer.json()["active"], true, "{name}");
        }
        let answer = ada.post_json("/sudo", &json!({ "password": value })).await;
        assert_eq!(answer.status.as_u16() / 100, 4, "{name}");
        let answer = desk.client().login("ada", &value).await;
        assert_eq!(answer.status.as_u16() / 100, 4, "{name}");
    }
    // It was spent nowhere.
    bring(&mut browser, &callback).await;
    assert_eq!(me(&browser).await, "grace");
}

#[tokio::test]
async fn sec_100_no_other_kind_of_secret_comes_home_as_a_state() {
    let desk = desk().await;
    let mut ada = desk.client();
    let others = desk.others(&mut ada).await;
    let mut browser = desk.client();
    let url = depart(&mut browser, "demo", "").await;
    let callback = sign_in(&url, "grace").await;
    let mut kinds = others.clone();
    for name in ["nonce", "code_challenge"] {
        kinds.push((name.to_owned(), query(&url)[name].clone()));
    }
    kinds.push(("code".to_owned(), query(&callback)["code"].clone()));
    assert!(kinds.len() >= 11, "{kinds:?}");
    for (kind, value) in &kinds {
        // Under every name that a cookie of ours has, and among all that the browser holds.
        let mut planted = ada.clone();
        planted.cookies.insert(cookie_of(value), value.clone());
        let issuer = encode(&desk.demo.issuer());
        let path = format!(
            "/oauth/demo/callback?code=c&iss={issuer}&state={}",
            encode(value)
        );
        let answer = planted.get(&path).await;
        assert_refused(kind, &answer, "invalid_state");
    }
    assert_eq!(desk.demo.calls(Token), 0);
    // None of them is spent either.
    let of = |kind: &str| {
        others
            .iter()
            .find(|(name, _)| name == kind)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(me(&ada).await, "ada");
    let body = json!({ "refresh_token": of("refresh") });
    assert_eq!(desk.client().post_json("/refresh", &body).await.status, 200);
    let body = json!({ "token": of("verify") });
    let answer = desk
        .client()
        .post_json("/email/verify-confirm", &body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let states = "SELECT count(*) FROM auth_oauth_states";
    assert_eq!(desk.db.count(states).await, 1);
    bring(&mut browser, &callback).await;
    assert_eq!(me(&browser).await, "grace");
}
