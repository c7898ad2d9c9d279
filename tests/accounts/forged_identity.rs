//! Who one is comes from the credential, whole and as issued, and what one may set from the allow-list.

use serde_json::{Value, json};

use crate::support::{JSON, PASSWORD, TestApp};

/// Key, plan, verified, active, superuser; whether the hash is one of ours, and the epoch not the one asked for.
type OwnColumns = (i64, String, bool, bool, bool, bool, bool);

/// Advisories 3 and 19: who one is comes from the credential, and what one may set from the allow-list.
#[tokio::test]
async fn sec_127_no_body_sets_what_is_not_opened() {
    let app = TestApp::start().await;
    let columns = "SELECT id, plan, email_verified, is_active, is_superuser, password_hash LIKE '$argon2id$%', token_version <> 7 FROM users WHERE username = $1";
    let corpus: Vec<Value> = vec![
        json!({ "is_superuser": true, "email_verified": true, "is_active": false, "plan": "gold", "token_version": 7, "id": 77, "password_hash": "x", "hashed_password": "x" }),
        json!({ "isSuperuser": true, "emailVerified": true, "isActive": false, "tokenVersion": 7, "passwordHash": "x", "Id": 77, "Plan": "gold" }),
        json!({ "IS_SUPERUSER": true, "Is_Superuser": true, "is-superuser": true, "is superuser": true, "\u{ff49}s_superuser": true }),
        json!({ "user": { "is_superuser": true, "plan": "gold" }, "columns": { "plan": "gold" }, "account": { "id": 77 }, "data": [{ "is_superuser": true }] }),
        json!({ "user.is_superuser": true, "user[is_superuser]": true, "is_superuser[]": true, "$set": { "is_superuser": true }, "__proto__": { "is_superuser": true }, "constructor": { "prototype": { "is_superuser": true } } }),
        json!({ "is_superuser": "true", "is_active": 0, "plan": ["gold"], "id": "77", "scopes": ["admin"], "role": "admin", "admin": 1 }),
    ];

    for (n, privileges) in corpus.iter().enumerate() {
        let name = format!("u{n}");
        let mut body =
            json!({ "email": format!("{name}@x.com"), "username": name, "password": PASSWORD });
        body.as_object_mut()
            .unwrap()
            .extend(privileges.as_object().unwrap().clone());
        let answer = app
            .client()
            .from(&format!("198.51.100.{}", n + 1))
            .post_json("/register", &body)
            .await;
        assert_eq!(
            answer.text,
            format!(
                r#"{{"id":{},"email":"{name}@x.com","username":"{name}"}}"#,
                n + 1
            )
        );
        let row: OwnColumns = app.db.query(columns).bind(&name).row().await;
        let id = i64::try_from(n + 1).unwrap();
        let untouched = (id, "free".to_owned(), false, true, false, true, true);
        assert_eq!(row, untouched, "{privileges}");
    }
    // The same key twice is no second chance, whichever spelling of JSON hides it.
    for twice in [
        r#""plan":"a","plan":"b""#,
        r#""username":"x","username":"y""#,
        r#""username":"x","usern\u0061me":"y""#,
    ] {
        let answer = app
            .client()
            .post_body(
                "/register",
                JSON,
                format!(r#"{{"email":"x@x.com","password":"{PASSWORD}",{twice}}}"#),
            )
            .await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.json()["detail"][0]["type"].as_str()
            ),
            (422, Some("duplicate_field")),
            "{twice}"
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 6);
}

#[tokio::test]
async fn no_identity_is_taken_from_a_body_a_query_or_a_header() {
    let app = TestApp::start().await;
    let victim = app.register("victim").await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let hash = "SELECT password_hash || token_version FROM users WHERE username = 'victim'";
    let before: String = app.db.query(hash).scalar().await;
    let claims = json!({ "userId": victim, "user_id": victim, "id": victim, "sub": victim.to_string(), "username": "victim", "email": "victim@example.com", "new_password": "a wholly different one", "current_password": PASSWORD });

    for path in [
        "/set-password",
        "/change-password",
        "/logout-all",
        "/csrf/refresh",
    ] {
        let path = format!("{path}?userId={victim}&user_id={victim}&id={victim}");
        let stranger = app.client();
        let request = stranger
            .request(axum::http::Method::POST, &path)
            .header("x-user-id", victim)
            .header("x-forwarded-user", "victim")
            .header("authorization", "Bearer victim");
        let answer = stranger
            .send(
                request
                    .header("content-type", JSON)
                    .body(claims.to_string().into())
                    .unwrap(),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (401, "not_authenticated"),
            "{path}"
        );
    }
    let me = ada
        .get(&format!("/me?user_id={victim}&userId={victim}"))
        .await;
    assert_eq!(me.json()["username"], "ada");
    let changed = ada.post_json("/change-password", &claims).await; // ada's own password is the same one
    assert_eq!(changed.status, 200, "{}", changed.text);
    let after: String = app.db.query(hash).scalar().await;
    assert_eq!(after, before);
    assert_eq!(app.client().login("victim", PASSWORD).await.status, 200);
}

/// Advisory 20: only the whole value, exactly as issued, is a credential.
#[tokio::test]
async fn no_part_of_a_cookie_and_no_changed_one_is_a_credential() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let cookie = ada.cookies["session_id"].clone();
    let with = |value: String| {
        let mut client = ada.clone();
        client.cookies.insert("session_id".to_owned(), value);
        client
    };
    let prefixes = (0..cookie.len()).map(|end| cookie[..end].to_owned());
    let suffixes = (1..cookie.len()).map(|start| cookie[start..].to_owned());
    let flipped = (0..cookie.len() * 8).filter_map(|bit| {
        let mut bytes = cookie.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        String::from_utf8(bytes).ok().filter(|text| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte))
        })
    });
    let others = [
        "null",
        "undefined",
        "true",
        "*",
        "%00",
        &format!("{cookie}="),
        &format!("{cookie}."),
        &format!(".{cookie}"),
        &cookie.to_lowercase(),
        &cookie.to_uppercase(),
        &format!("%{:02X}{}", cookie.as_bytes()[0], &cookie[1..]),
    ]
    .map(str::to_owned);

    let mut tried = 0;
    for value in prefixes.chain(suffixes).chain(flipped).chain(others) {
        assert_eq!(
            with(value.clone()).get("/me").await.status,
            401,
            "{value:?}"
        );
        tried += 1;
    }
    assert!(tried > 300, "{tried}");

    // The CSRF token likewise: a live session, and every part and change of its token refused.
    let token = ada.csrf.clone().unwrap();
    let changed = (0..token.len()).map(|at| {
        format!(
            "{}{}{}",
            &token[..at],
            if token.as_bytes()[at] == b'0' {
                '1'
            } else {
                '0'
            },
            &token[at + 1..]
        )
    });
    for value in (0..token.len())
        .map(|end| token[..end].to_owned())
        .chain(changed)
        .chain([token.to_uppercase(), format!("{token}0")])
    {
        let mut client = ada.clone();
        client.csrf = Some(value.clone());
        assert_eq!(client.post("/logout").await.status, 403, "{value:?}");
    }
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(ada.post("/logout").await.status, 200);
}
