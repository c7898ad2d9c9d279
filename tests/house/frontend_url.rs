//! Where links lead is settled when the authority starts, and a start tells everything that is wrong with it.

use crudauth::mail::{Channel, Intent, Mailer, Message, SendError};
use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, PasswordHash, auth};
use futures_util::future::BoxFuture;

const SECRET: &str = "tests only: 32 bytes and some more of them";
const MEMORY: &str = "sqlite::memory:";

/// An account.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite)]
    #[email(frontend_url = "https://app.example.com")]
    struct Said<User>;
}

auth! {
    #[database(sqlite)]
    #[email]
    struct Unsaid<User>;
}

auth! {
    #[database(sqlite)]
    #[channel]
    struct Delivered<User>;
}

struct Nowhere;

impl Mailer for Nowhere {
    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Channel<User> for Nowhere {
    fn deliver<'a>(&'a self, _: &'a Intent<'a, User>) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async { Ok(()) })
    }
}

/// What a start says that was given `url`, and `secret`.
macro_rules! start {
    ($auth:ident, $secret:expr $(, $url:expr)?) => {{
        let builder = $auth::connect(MEMORY).secret($secret).cheap_hashing().manual_workers();
        let builder = builder.create_users_table(true)$(.frontend_url($url))?;
        builder.mailer(Nowhere).await.map(drop).map_err(|error| error.to_string())
    }};
}

#[tokio::test]
async fn mail_needs_to_know_where_the_pages_are() {
    assert_eq!(start!(Said, SECRET), Ok(()));
    assert_eq!(start!(Unsaid, SECRET, "https://app.example.com/"), Ok(()));

    let told = start!(Unsaid, SECRET).unwrap_err();
    assert!(told.contains("where the application's pages are"), "{told}");
    assert!(told.contains(".frontend_url(…)"), "{told}");
}

#[tokio::test]
async fn what_the_builder_is_given_wins_and_is_judged() {
    assert_eq!(start!(Said, SECRET, "http://localhost:3000"), Ok(()));

    let told = start!(Said, SECRET, "http://app.example.com").unwrap_err();
    assert!(told.contains("read on the network"), "{told}");
    let told = start!(Said, SECRET, "https://app.example.com/#/").unwrap_err();
    assert!(told.contains("a query or a fragment"), "{told}");
}

#[tokio::test]
async fn a_start_tells_of_the_url_and_of_everything_else() {
    let told = start!(Unsaid, "short").unwrap_err();
    assert!(told.contains("32 bytes"), "{told}");
    assert!(told.contains("where the application's pages are"), "{told}");
}

#[tokio::test]
async fn a_channel_may_deliver_tokens_without_links() {
    let builder = Delivered::connect(MEMORY).secret(SECRET).channel(Nowhere);
    let builder = builder.create_users_table(true).cheap_hashing();
    assert!(builder.manual_workers().build().await.is_ok());
}
