//! Server-rendered pages: HTML forms in place of scripts, where the block declares a field for the token.

use crudauth::testing::TestBuilder as _;

use crate::pages::{LOGIN, Pages, REGISTER, location, signed_in, start, submit};
use crate::support::{Client, FORM, PASSWORD, SECRET, TempDb, encode};

#[tokio::test]
async fn a_visitor_signs_up_in_and_out_and_changes_the_password_by_forms() {
    let (_file, mut client) = start().await;

    let registered = submit(
        &client,
        "/register",
        &[REGISTER, &[("redirect_to", "/welcome")]].concat(),
    )
    .await;
    assert_eq!(location(&registered), (303, "/welcome"));
    assert_eq!(registered.text, "");

    let login = submit(
        &client,
        "/login",
        &[
            LOGIN,
            &[("remember_me", "on"), ("redirect_to", "/home?x=1#top")],
        ]
        .concat(),
    )
    .await;
    assert_eq!(location(&login), (303, "/home?x=1#top"));
    assert_eq!(
        login.set_cookies().len(),
        3,
        "the cookies stay on the redirect"
    );
    assert_eq!(login.header("cache-control"), Some("no-store"));
    client.keep(&login);
    let token = client.cookies["csrf_token"].clone();

    let change = [
        ("current_password", PASSWORD),
        ("new_password", "another long password"),
        ("csrf_token", &token),
        ("redirect_to", "/settings"),
    ];
    assert_eq!(
        location(&submit(&client, "/change-password", &change).await),
        (303, "/settings")
    );
    assert_eq!(client.get("/me").await.status, 200);

    let everywhere = submit(
        &client,
        "/logout-all?keep_current=1",
        &[("csrf_token", &token), ("redirect_to", "/sessions-page")],
    )
    .await;
    assert_eq!(location(&everywhere), (303, "/sessions-page"));
    let logout = submit(
        &client,
        "/logout",
        &[("csrf_token", &token), ("redirect_to", "/bye")],
    )
    .await;
    assert_eq!(location(&logout), (303, "/bye"));
    assert_eq!(logout.set_cookies().len(), 2);
    assert_eq!(client.get("/me").await.status, 401);
}

#[tokio::test]
async fn a_refusal_leads_to_the_error_page_with_its_code() {
    let (_file, client, token) = signed_in().await;
    let to = [("redirect_to", "/home"), ("error_to", "/sorry")];
    for (path, fields, expected) in [
        (
            "/login",
            vec![("username", "ada"), ("password", "wrong password")],
            "/sorry?error=incorrect_credentials",
        ),
        (
            "/login",
            vec![("username", "ada")],
            "/sorry?error=validation_error",
        ),
        ("/register", REGISTER.to_vec(), "/sorry?error=email_taken"),
        ("/logout", vec![], "/sorry?error=csrf_missing"),
        (
            "/logout",
            vec![("csrf_token", "0")],
            "/sorry?error=csrf_invalid",
        ),
        (
            "/change-password",
            vec![
                ("current_password", "wrong password"),
                ("new_password", "another long password"),
                ("csrf_token", &token),
            ],
            "/sorry?error=current_password_incorrect",
        ),
    ] {
        let answer = submit(&client, path, &[&fields[..], &to].concat()).await;
        assert_eq!(location(&answer), (303, expected), "{path} {fields:?}");
        assert_eq!(answer.text, "");
    }
    for (page, expected) in [
        ("/p?x=1", "/p?x=1&error=csrf_missing"),
        ("/p#f", "/p?error=csrf_missing#f"),
    ] {
        assert_eq!(
            location(&submit(&client, "/logout", &[("error_to", page)]).await),
            (303, expected)
        );
    }
    let plain = submit(&client, "/logout", &[("redirect_to", "/home")]).await;
    assert_eq!(
        (plain.status.as_u16(), plain.code().as_str()),
        (403, "csrf_missing"),
        "no error page, no redirect"
    );
}

#[tokio::test]
async fn sec_109_a_form_leads_to_pages_of_this_site_only() {
    let (_file, client) = start().await;
    submit(&client, "/register", REGISTER).await;
    for bad in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/a\r\nX: y",
        "/%2f/evil.example",
        "/\t/evil.example",
        "",
    ] {
        let good = submit(
            &client,
            "/login",
            &[LOGIN, &[("redirect_to", bad)]].concat(),
        )
        .await;
        assert_eq!(location(&good), (200, "nowhere"), "{bad:?}");
        let refused = submit(
            &client,
            "/login",
            &[
                ("username", "ada"),
                ("password", "wrong"),
                ("error_to", bad),
            ],
        )
        .await;
        assert_eq!(location(&refused), (401, "nowhere"), "{bad:?}");
    }
}

#[tokio::test]
async fn scripts_get_json_as_ever() {
    let (_file, client) = start().await;
    submit(&client, "/register", REGISTER).await;
    let fields = format!(
        "username=ada&password={}&redirect_to=/home",
        encode(PASSWORD)
    );
    let answer = client.post_body("/login", FORM, fields).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (200, None)
    );
    assert_eq!(answer.json()["username"], "ada");
    let body =
        serde_json::json!({"email": "bob@example.com", "username": "bob", "password": PASSWORD});
    assert_eq!(client.post_json("/register", &body).await.status, 200);
}

#[tokio::test]
async fn forms_are_read_below_a_prefix_too() {
    let file = TempDb::new();
    let auth = Pages::connect(file.url())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let client = Client::new(axum::Router::new().nest("/auth", auth.router()));
    let fields = [REGISTER, &[("redirect_to", "/welcome")]].concat();
    assert_eq!(
        location(&submit(&client, "/auth/register", &fields).await),
        (303, "/welcome")
    );
    assert_eq!(submit(&client, "/auth/login", LOGIN).await.status, 200);
}
