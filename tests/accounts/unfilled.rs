//! Columns of the application's own that no sign-up fills: a table made by `create_table_sql` gives them a value of
//! their type, so that the row can be inserted and read.

#![allow(dead_code, reason = "a column may be there only to be read")]

use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::json;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
use uuid::Uuid;

use crate::support::{Client, PASSWORD, SECRET, TempDb};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "guests")]
struct Guest {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    nights: i64,
    floor: i32,
    paid: bool,
    rating: f64,
    notes: String,
    badge: Uuid,
    #[auth(repr = "hyphenated")]
    room: Uuid,
    #[auth(repr = "simple")]
    key_card: Uuid,
    photo: Vec<u8>,
    arrived: OffsetDateTime,
    left: PrimitiveDateTime,
    born: Date,
    woken_at: Time,
    nickname: Option<String>,
}

auth! {
    #[database(sqlite, postgres)]
    struct Auth<Guest>;
}

#[tokio::test]
async fn an_own_column_that_nothing_fills_starts_as_the_empty_value_of_its_type() {
    let file = TempDb::new();
    let auth = Auth::connect(file.url())
        .create_users_table(true)
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let mut client = Client::new(auth.router());

    let body = json!({ "username": "ada", "password": PASSWORD });
    let made = client.post_json("/register", &body).await;

    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(client.login("ada", PASSWORD).await.status, 200);
    let ada = auth.users().find(&1).await.unwrap().unwrap();
    assert_eq!(
        (ada.nights, ada.floor, ada.paid, ada.rating, ada.notes),
        (0, 0, false, 0.0, String::new())
    );
    assert_eq!([ada.badge, ada.room, ada.key_card], [Uuid::nil(); 3]);
    assert_eq!(ada.nickname, None);
    assert_eq!(ada.arrived, ada.left.assume_utc());
}
