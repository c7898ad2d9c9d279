//! One application with an account, for the tests of its wire.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "shared by test binaries that each use a part"
)]

use axum::body::Body;
use axum::http::Method;
use crudauth::jwt::SigningKeys;
use crudauth::mail::MessageKind;
use crudauth::oauth::Credentials;
use crudauth::testing::{CaptureMailer, TestBuilder};
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::{Value, json};

use crate::support::{self, Answer, Client, Db, PASSWORD, SECRET, TempDb};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
struct Account {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    email_verified: bool,
    token_version: i64,
    #[auth(register, unique)]
    #[allow(dead_code, reason = "the client writes it, and nobody here reads it")]
    phone: Option<String>,
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(
        algorithm = "EdDSA",
        scopes(default("read"), grantable("read", "reports:read")),
        revocation,
        introspection,
        jwks,
    )]
    #[email(frontend_url = "https://app.example.com")]
    #[sudo(route)]
    #[oauth(oidc("demo"), exchange("https://spa.example.com/callback"))]
    struct Auth<Account>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(scopes(default("read"), grantable("read", "reports:read")))]
    struct Tokens<Account>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh(deliver = "body"))]
    struct InBody<Account>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off")]
    struct Short<Account>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    struct WithoutEmail<Account>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management, danger_no_csrf)]
    struct NoCsrf<Account>;
}

pub const NEW: &str = "a wholly different one";
/// RFC 8037 §A.1, which everybody knows.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

/// A page of another site sends it.
pub async fn foreign(client: &Client, path: &str, kind: &str) -> Answer {
    let request = client
        .request(Method::POST, path)
        .header("sec-fetch-site", "cross-site")
        .header("content-type", kind);
    client.send(request.body(Body::empty()).unwrap()).await
}

/// One application with the account `ada`, and a browser signed in to it where there are sessions.
pub struct World {
    pub ada: Client,
    pub stranger: Client,
    pub db: Db,
    pub clock: crudauth::testing::Clock,
    mail: Option<(Auth, CaptureMailer)>,
    _file: TempDb,
}

pub fn sign_up(name: &str, phone: Option<&str>) -> Value {
    json!({ "email": format!("{name}@x.com"), "username": name, "password": PASSWORD, "phone": phone })
}

/// One that mails.
pub async fn world() -> World {
    let (file, clock, mail) = (TempDb::new(), clock(), CaptureMailer::new());
    let auth = Auth::connect(file.url())
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .signing_keys(SigningKeys::ed25519_pkcs8_pem(KEY).unwrap())
        .mailer(mail.clone())
        .public_url("https://app.example.com")
        .oidc("demo", nowhere())
        .await
        .unwrap();
    let router = crudauth::routing::Router::new()
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    World::new(router, clock, file, Some((auth, mail))).await
}

macro_rules! plain {
    ($auth:ty) => {{
        let (file, clock) = (TempDb::new(), clock());
        let auth = <$auth>::connect(file.url())
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        World::new(auth.router(), clock, file, None).await
    }};
}

pub async fn without_email() -> World {
    plain!(WithoutEmail)
}

pub async fn without_csrf() -> World {
    plain!(NoCsrf)
}

/// Tokens alone, the refresh token in a cookie.
pub async fn tokens() -> World {
    plain!(Tokens)
}

/// Tokens alone, the refresh token in the bodies.
pub async fn tokens_in_body() -> World {
    plain!(InBody)
}

/// Tokens alone, and none that renews them.
pub async fn without_refresh() -> World {
    plain!(Short)
}

/// At a provider that nobody asks.
fn nowhere() -> Credentials {
    Credentials::new("client", "secret").issuer("https://id.example.com")
}

fn clock() -> crudauth::testing::Clock {
    crudauth::testing::Clock::manual()
}

impl World {
    async fn new(
        router: axum::Router,
        clock: crudauth::testing::Clock,
        file: TempDb,
        mail: Option<(Auth, CaptureMailer)>,
    ) -> Self {
        let stranger = Client::new(router);
        let mut ada = stranger.clone().from("198.51.100.1");
        let answer = ada
            .post_json("/register", &sign_up("ada", Some("555")))
            .await;
        assert!(answer.status.is_success(), "{}", answer.text);
        let signed_in = ada.login("ada", PASSWORD).await;
        // Without sessions there is no such route.
        assert!(signed_in.status == 200 || signed_in.status == 404);
        Self {
            ada,
            stranger,
            db: support::pool(&file.url(), 1).await,
            clock,
            mail,
            _file: file,
        }
    }

    /// The token in the newest message of this kind, after all that is due has been delivered.
    pub async fn token(&self, kind: MessageKind) -> String {
        let (auth, mail) = self.mail.as_ref().unwrap();
        auth.run_due().await.unwrap();
        let message = mail.messages().into_iter().rfind(|m| m.kind() == kind);
        let link = message.unwrap().context.link.unwrap();
        link.split_once("?token=").unwrap().1.to_owned()
    }

    pub async fn confirm(&self, path: &str, token: &str) -> Answer {
        self.stranger
            .post_json(path, &json!({ "token": token }))
            .await
    }

    /// Asks for `what` by ada's address.
    pub async fn ask(&self, path: &str) -> Answer {
        self.stranger
            .post_json(path, &json!({ "email": "ada@x.com" }))
            .await
    }

    /// The token of a fresh link to a new password.
    pub async fn reset_token(&self) -> String {
        assert_eq!(self.ask("/password/reset-request").await.status, 200);
        self.token(MessageKind::ResetPassword).await
    }

    pub async fn reset(&self, token: &str) -> Answer {
        let body = json!({ "token": token, "new_password": NEW });
        self.stranger
            .post_json("/password/reset-confirm", &body)
            .await
    }

    /// Asks, as ada, to move to `address`.
    pub async fn move_to(&self, address: &str, password: &str) -> Answer {
        let body = json!({ "new_email": address, "password": password });
        self.ada.post_json("/email/change-request", &body).await
    }

    /// The token of a fresh link that moves ada to `eve@x.com`.
    pub async fn change_token(&self) -> String {
        assert_eq!(self.move_to("eve@x.com", PASSWORD).await.status, 200);
        self.token(MessageKind::ChangeEmail).await
    }

    /// The token that takes back a change which has happened.
    pub async fn undo_token(&self) -> String {
        let token = self.change_token().await;
        let answer = self.confirm("/email/change-confirm", &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.token(MessageKind::EmailChanged).await
    }

    /// Tries, as ada, to prove once more who she is.
    pub async fn sudo(&self, body: Value) -> Answer {
        self.ada.post_json("/sudo", &body).await
    }

    /// Every session ends as soon as a try is counted.
    pub async fn end_sessions_at_a_try(&self) {
        let statements = support::sql(
            "CREATE TRIGGER over AFTER INSERT ON auth_limits BEGIN DELETE FROM auth_sessions; END",
            "CREATE FUNCTION over() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN DELETE FROM auth_sessions; RETURN NULL; END $$; \
             CREATE TRIGGER over AFTER INSERT ON auth_limits FOR EACH ROW EXECUTE FUNCTION over()",
        );
        self.db.run(statements).await;
    }

    pub async fn sql(&self, text: &'static str) {
        self.db.query(text).execute().await;
    }

    pub async fn foreign(&self, path: &str, kind: &str) -> Answer {
        foreign(&self.stranger, path, kind).await
    }

    /// What `/token` answers.
    pub async fn grant(&self, name: &str, password: &str) -> Answer {
        let body = format!("username={name}&password={}", support::encode(password));
        self.stranger.post_body("/token", support::FORM, body).await
    }

    /// A browser that has signed in by `/token`.
    pub async fn program(&self) -> Client {
        let answer = self.grant("ada", PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let mut client = self.stranger.clone();
        client.keep(&answer);
        client
    }

    /// `POST path` under an access token.
    pub async fn under(&self, token: &str, path: &str, body: &str) -> Answer {
        let request = self.stranger.request(Method::POST, path);
        let request = request
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", support::FORM);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.stranger.send(request).await
    }

    pub async fn change(&self, current: &str, new: &str) -> Answer {
        self.ada
            .post_json(
                "/change-password",
                &json!({ "current_password": current, "new_password": new }),
            )
            .await
    }

    pub async fn set(&self, new: &str) -> Answer {
        self.ada
            .post_json("/set-password", &json!({ "new_password": new }))
            .await
    }
}
