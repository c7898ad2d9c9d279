//! The user name that somebody is given who brings none of ours, and the addresses that fit no account.

use serde_json::Value;

use crate::elsewhere::{by, error, me, page};
use crate::oidc::provider::Person;

/// As the provider tells it: user name, name, address.
fn person(sub: &str, username: Option<&str>, name: Option<&str>, email: &str) -> Person {
    let mut person = Person::new(sub, Some(email), true);
    person.username = username.map(str::to_owned);
    person.name = name.map(str::to_owned);
    person
}

#[tokio::test]
async fn the_best_that_the_provider_knows_somebody_by_is_their_name() {
    let app = page().await;
    let long = "Maximiliana".repeat(8);
    let cases = [
        (Some("Olga.K"), Some("Other Name"), "olga_k"),
        (None, Some("Grace Hopper"), "grace"),
        (None, None, "local_part"),
        (Some("   "), Some("Åsa Ek"), "sa"),
        (Some("x"), None, "user_x"),
        (Some("Ольга"), None, "local_part1"),
        (Some("@@admin@@"), None, "admin"),
        (Some("a\u{202e}b"), None, "a_b"),
        (Some("me@example.com"), None, "me_example_com"),
        (Some(&long), None, "maximilianamaximilianamaximilian"),
        (Some(&long), None, "maximilianamaximilianamaximilia1"),
    ];
    for (number, (username, name, expected)) in cases.into_iter().enumerate() {
        let sub = format!("s{number}");
        let email = format!("local.part@{number}x.example");
        app.demo.person(person(&sub, username, name, &email));
        let mut client = app.client();
        let answer = by(&mut client, "demo", &sub).await;
        assert_eq!(me(&client).await, expected, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_name_that_somebody_has_or_seems_to_have_gets_a_number() {
    let app = page().await;
    // Taken by one who writes it otherwise: to a reader the two are one.
    app.register("OLGA").await;
    app.register("ｇｒａｃｅ").await;
    for (number, (name, expected)) in [
        ("olga", "olga1"),
        ("Olga", "olga2"),
        ("grace", "grace1"),
        ("olga1", "olga11"),
    ]
    .into_iter()
    .enumerate()
    {
        let sub = format!("s{number}");
        let email = format!("{sub}@elsewhere.example");
        app.demo.person(person(&sub, Some(name), None, &email));
        let mut client = app.client();
        by(&mut client, "demo", &sub).await;
        assert_eq!(me(&client).await, expected);
    }
}

#[tokio::test]
async fn after_ninety_nine_numbers_chance_decides() {
    let app = page().await;
    app.register("olga").await;
    let owner = "SELECT id FROM users";
    let id: i64 = app.db.query(owner).scalar().await;
    for number in 1..100 {
        let reserve = "INSERT INTO auth_usernames (folded, user_id) VALUES ($1, $2)";
        let query = app.db.query(reserve).bind(format!("olga{number}")).bind(id);
        query.execute().await;
    }
    let mut names = Vec::new();
    for number in 0..2 {
        let sub = format!("s{number}");
        let email = format!("{sub}@elsewhere.example");
        app.demo.person(person(&sub, Some("olga"), None, &email));
        let mut client = app.client();
        by(&mut client, "demo", &sub).await;
        names.push(me(&client).await);
    }
    for name in &names {
        let random = name.strip_prefix("olga_").unwrap();
        assert!(
            random.len() == 10 && random.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{name}"
        );
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test]
async fn an_address_that_is_none_makes_no_account() {
    let app = page().await;
    let long = format!("ada@{}example.com", "a2345678.".repeat(40));
    let cases: [(&str, &str); 9] = [
        (&long, "email_too_long"),
        ("", "email_missing"),
        ("   ", "email_missing"),
        ("ada", "oauth_failed"),
        ("ada@localhost", "oauth_failed"),
        ("Ada <ada@example.com>", "oauth_failed"),
        ("ada@example.com,eve@example.com", "oauth_failed"),
        ("ada@example.com\u{200b}", "oauth_failed"),
        ("ada@[127.0.0.1]", "oauth_failed"),
    ];
    for (email, code) in cases {
        app.demo.person(person("ada", Some("ada"), None, email));
        let mut client = app.client();
        let answer = by(&mut client, "demo", "ada").await;
        assert_eq!(
            (answer.status.as_u16(), error(&answer)),
            (400, code.to_owned()),
            "{email}"
        );
        assert_eq!(me(&client).await, "");
        // Not proven, it is not even read.
        let mut unproven = Person::new("ada", Some(email), Value::Bool(false));
        unproven.username = Some("ada".to_owned());
        app.demo.person(unproven);
        let answer = by(&mut client, "demo", "ada").await;
        let code = if code == "email_missing" {
            code
        } else {
            "email_unverified"
        };
        assert_eq!(error(&answer), code, "{email}");
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM auth_identities").await, 0);
}
