// Every provider; their credentials in any order, and before or after the rest.
use crudauth::oauth::{
    Api, BoxFuture, Credentials, Endpoints, Failure, HttpClient, HttpError, OAuthProvider, Profile,
};
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(
        google, github, microsoft(trusted = false), apple, gitlab, discord(trusted),
        oidc("sso"), oidc("corp", trusted = false),
        provider("linkedin"), provider("intra-net_2"),
        response = "json",
        default_redirect = "/welcome?from=sign-in",
        paths(prefix = "/auth/social", authorize = "/{provider}", callback = "/{provider}/done"),
        keep_tokens,
        exchange("https://spa.example.com/callback", "com.example.app:/callback"),
        state_ttl = "5m",
    )]
    #[rate_limit(oauth_authorize = "10/h")]
    #[hooks(Nothing)]
    #[session]
    #[bearer]
    pub struct Auth<User>;
}

auth! {
    #[session]
    #[oauth(oidc("sso"))]
    pub struct One<User>;
}

pub struct Nothing;

impl crudauth::Hooks<User> for Nothing {}

struct Own;

impl OAuthProvider for Own {
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorize: "https://provider.example/authorize".into(),
            token: "https://provider.example/token".into(),
            userinfo: "https://provider.example/me".into(),
        }
    }

    fn scopes(&self) -> &[&str] {
        &["profile"]
    }

    fn profile<'a>(
        &'a self,
        _: serde_json::Value,
        _: &'a Api<'a>,
    ) -> BoxFuture<'a, Result<Profile, Failure>> {
        Box::pin(async { Ok(Profile::new("https://provider.example", "1")) })
    }
}

struct Proxy;

impl HttpClient for Proxy {
    fn call(
        &self,
        _: axum::http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<axum::http::Response<Vec<u8>>, HttpError>> {
        Box::pin(async { Err(HttpError::new("nowhere")) })
    }
}

fn credentials() -> Credentials {
    Credentials::new("id", "secret")
}

async fn all() -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:")
        .provider("intra-net_2", Own, credentials())
        .discord(credentials())
        .oidc("corp", credentials().issuer("https://corp.example"))
        .hooks(Nothing)
        .apple(Credentials::apple("id", "team", "key", "pem"))
        .google(credentials().scopes(["email"]))
        .secret("a secret of thirty-two bytes at least")
        .github(credentials())
        .public_url("https://app.example.com/auth")
        .microsoft(credentials())
        .oauth_http_client(Proxy)
        .gitlab(credentials())
        .oidc("sso", credentials().issuer("https://sso.example"))
        .public_url(String::from("https://app.example.com"))
        .provider("linkedin", Own, credentials())
        .await
}

async fn one(url: &str) -> crudauth::Result<One> {
    One::connect("sqlite::memory:")
        .oidc(String::from("sso"), credentials())
        .public_url(url)
        .build()
        .await
}

pub fn main() {
    let _ = (all, one);
    let _ = |auth: &Auth| {
        let _: axum::Router = auth.oauth_router();
        let _ = auth.oauth();
    };
}
