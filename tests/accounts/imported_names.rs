//! Accounts that were in the table before crudauth was: their user names are as much theirs as any.

use serde_json::json;

use crate::support::{self, Auth, PASSWORD, SECRET, TempDb, User, pool};

#[tokio::test]
async fn a_name_that_looks_like_an_imported_one_is_taken() {
    // arrange: a thousand accounts that the application inserted itself
    use crudauth::testing::TestBuilder;
    let file = TempDb::new();
    let db = pool(&file.url(), 2).await;
    let table = User::create_table_sql(support::dialect());
    db.run(table).await;
    db.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         INSERT INTO users (email, username, password_hash, email_verified, is_active, is_superuser, token_version, plan) \
         SELECT 'u' || i || '@example.com', 'User' || i, '!', FALSE, TRUE, FALSE, 1, 'free' FROM n").await;

    // act
    let auth = Auth::builder(db.clone())
        .secret(SECRET)
        .cheap_hashing()
        .await
        .unwrap();
    let client = support::Client::new(support::routes(&auth));
    let body = json!({ "email": "new@example.com", "username": "uSER1199", "password": PASSWORD });
    let answer = client.post_json("/register", &body).await;

    // assert
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (422, "username_taken")
    );
    let reserved: i64 = db
        .query("SELECT count(*) FROM auth_usernames")
        .scalar()
        .await;
    assert_eq!(reserved, 1200);
}
