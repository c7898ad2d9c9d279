//! How passwords are stored, measured and compared: SEC-001 to SEC-020, through HTTP and the real file.

use crudauth::testing::{TestBuilder, hashes_done};
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::{Value, json};

use crate::support::{self, Answer, Auth, Client, PASSWORD, SECRET, TempDb, TestApp, pool, routes};

fn sign_up(name: &str, password: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "username": name, "password": password })
}

async fn register(app: &TestApp, n: usize, name: &str, password: &str) -> Answer {
    app.client()
        .from(&format!("198.51.100.{n}"))
        .post_json("/register", &sign_up(name, password))
        .await
}

async fn stored(app: &TestApp, name: &str) -> String {
    app.db
        .query("SELECT password_hash FROM users WHERE username = $1")
        .bind(name)
        .scalar()
        .await
}

/// The same application over the same file, with the parameters of production.
async fn with_real_hashing(app: &TestApp) -> (Auth, axum::Router) {
    let auth = Auth::builder(pool(&app.file.url(), 5).await)
        .secret(SECRET)
        .clock(app.clock.clone())
        .manual_workers()
        .await
        .unwrap();
    let router = routes(&auth);
    (auth, router)
}

#[tokio::test]
async fn sec_001_one_password_twice_gives_two_argon2id_strings_and_lies_nowhere_else() {
    let app = TestApp::start().await;
    let (auth, router) = with_real_hashing(&app).await;
    for name in ["ada", "bob"] {
        assert_eq!(
            Client::new(router.clone())
                .post_json("/register", &sign_up(name, PASSWORD))
                .await
                .status,
            200
        );
    }
    assert_eq!(Client::new(router).login("ada", PASSWORD).await.status, 200);

    let (ada, bob) = (stored(&app, "ada").await, stored(&app, "bob").await);
    auth.shutdown().await;

    let parts = |phc: &str| phc.split('$').map(str::to_owned).collect::<Vec<_>>();
    let (ada, bob) = (parts(&ada), parts(&bob));
    assert_eq!(ada[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
    assert_eq!((ada[4].len(), ada[5].len()), (22, 43)); // 16 and 32 bytes in base64
    assert_ne!(ada[4], bob[4]);
    assert_ne!(ada[5], bob[5]);
    let files = app.db.files().await;
    assert!(!files.is_empty());
    for bytes in files {
        assert!(
            !bytes
                .windows(PASSWORD.len())
                .any(|window| window == PASSWORD.as_bytes()),
            "a file has the password"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_003_older_parameters_are_replaced_once_at_the_next_sign_in() {
    let app = TestApp::start().await;
    app.register("ada").await;
    assert!(stored(&app, "ada").await.contains("$m=32,t=1,p=1$"));
    let (auth, router) = with_real_hashing(&app).await;
    let client = Client::new(router);

    assert_eq!(
        client.clone().login("ada", "wrong password").await.status,
        401
    );
    assert!(stored(&app, "ada").await.contains("$m=32,t=1,p=1$")); // only a right password upgrades
    let (one, two) = (client.clone(), client.clone());
    let first =
        tokio::spawn(async move { one.clone().login("ada", PASSWORD).await.status.as_u16() });
    let second =
        tokio::spawn(async move { two.clone().login("ada", PASSWORD).await.status.as_u16() });
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (200, 200));

    let upgraded = stored(&app, "ada").await;
    assert!(
        upgraded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{upgraded}"
    );
    let before = hashes_done(&auth);
    assert_eq!(client.clone().login("ada", PASSWORD).await.status, 200);
    assert_eq!(hashes_done(&auth), before + 1); // checked, not hashed again
    assert_eq!(stored(&app, "ada").await, upgraded);
}

mod nullable {
    use super::{AuthUser, PasswordHash, auth};

    #[derive(Debug, Clone, AuthUser)]
    #[auth(table = "users")]
    pub(super) struct Member {
        pub(super) id: i64,
        pub(super) username: String,
        password_hash: Option<PasswordHash>,
        token_version: i64,
    }

    auth! {
        #[database(sqlite, postgres)]
        #[lockout(max_attempts = 100)]
        pub(super) struct Members<Member>;
    }
}

/// Set for a process of its own, whose memory no other test takes: this very test, started again.
const ALONE: &str = "CRUDAUTH_TEST_ALONE";

#[tokio::test]
async fn sec_010_whatever_the_column_holds_is_a_wrong_password_at_full_cost() {
    if std::env::var_os(ALONE).is_none() {
        let name = "passwords::sec_010_whatever_the_column_holds_is_a_wrong_password_at_full_cost";
        let alone = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&alone.stdout);
        let why = String::from_utf8_lossy(&alone.stderr);
        assert!(alone.status.success(), "{said}\n{why}");
        assert!(said.contains("1 passed"), "{said}");
        return;
    }
    let file = TempDb::new();
    let members = nullable::Members::connect(file.url())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let client = Client::new(members.router());
    assert_eq!(
        client
            .post_json(
                "/register",
                &json!({ "username": "ada", "password": PASSWORD })
            )
            .await
            .status,
        200
    );
    let db = pool(&file.url(), 1).await;
    let good: String = db.query("SELECT password_hash FROM users").scalar().await;
    let with_memory = |kib: u64| Some(good.replace("m=32", &format!("m={kib}")));
    let unknown = client.clone().login("nobody", PASSWORD).await;
    let memory = peak_memory_kib();

    for held in [
        None,
        Some(String::new()),
        Some("!".to_owned()),
        Some("x".to_owned()),
        Some(support::sql("\0", "\u{1}").to_owned()), // no text of PostgreSQL holds a NUL
        Some("$argon2id$".to_owned()),
        Some(good[..good.len() - 30].to_owned()),
        Some(good[..good.rfind('$').unwrap()].to_owned()),
        Some(format!("{good}$")),
        Some(good.replace("argon2id", "argon2i")),
        Some(good.replace("v=19", "v=16")),
        with_memory(1 << 31),
        with_memory(1 << 20), // a gigabyte: could be allocated, and must not be
        with_memory(u64::MAX),
        Some(good.replace("t=1", "t=4000000000")),
        Some(good.replace("p=1", "p=9999")),
    ] {
        db.query("UPDATE users SET password_hash = $1")
            .bind(held.clone())
            .execute()
            .await;
        for password in [PASSWORD, "\0", "!", "x"] {
            let before = hashes_done(&members);
            let answer = client.clone().login("ada", password).await;
            assert_eq!(
                (answer.status, &answer.text),
                (unknown.status, &unknown.text),
                "{held:?}"
            );
            assert_eq!(hashes_done(&members), before + 1, "{held:?}");
        }
    }
    assert!(
        peak_memory_kib() < memory + 64 * 1024,
        "a row made the check take memory"
    );
    db.query("UPDATE users SET password_hash = $1")
        .bind(&good)
        .execute()
        .await;
    assert_eq!(client.clone().login("ada", PASSWORD).await.status, 200);
}

/// The largest resident size that this process ever had.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

mod strict {
    use super::auth;
    use super::support::User;

    auth! {
        #[database(sqlite, postgres)]
        #[password(strict, words("wonderland"))]
        pub(super) struct Strict<User>;
    }
}

#[tokio::test]
async fn sec_011_the_minimum_is_eight_code_points_and_fifteen_when_strict() {
    let app = TestApp::start().await;
    let strict = strict::Strict::builder(pool(&app.file.url(), 1).await)
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let strict = Client::new(strict.router());
    let too_short = |min: usize| {
        format!(
            r#"{{"detail":[{{"type":"string_too_short","loc":["body","password"],"msg":"String should have at least {min} characters","ctx":{{"min_length":{min}}}}}],"code":"validation_error"}}"#
        )
    };

    let seven = register(&app, 1, "seven", "wxz vbm").await;
    let eight = register(&app, 2, "eight", "wxz vbmk").await;
    let emoji = register(&app, 3, "emoji", "🦀🐙🦑🐡🐬🐳🦭🐊").await;
    let seven_emoji = register(&app, 4, "squid", "🦀🐙🦑🐡🐬🐳🦭").await;
    // Four letters, each typed as a letter and an accent: the length is that of the normal form.
    let decomposed = register(&app, 5, "accent", "e\u{301}e\u{301}e\u{301}e\u{301}").await;
    let fourteen = strict
        .post_json("/register", &sign_up("fourteen", "wxz vbmk qrtp "))
        .await;
    let fifteen = strict
        .post_json("/register", &sign_up("fifteen", "wxz vbmk qrtp x"))
        .await;

    assert_eq!((seven.status.as_u16(), seven.text), (422, too_short(8)));
    assert_eq!(
        (eight.status.as_u16(), emoji.status.as_u16()),
        (200, 200),
        "{}",
        emoji.text
    );
    assert_eq!(
        (seven_emoji.text, decomposed.text),
        (too_short(8), too_short(8))
    );
    assert_eq!(
        (fourteen.status.as_u16(), fourteen.text),
        (422, too_short(15))
    );
    assert_eq!(fifteen.status, 200, "{}", fifteen.text);
}

#[tokio::test]
async fn sec_012_every_byte_counts_up_to_the_last() {
    let app = TestApp::start().await;
    let long = "wxz ".repeat(50);
    let (a, b) = (format!("{}a", &long[..199]), format!("{}b", &long[..199]));
    register(&app, 1, "ada", &a).await;
    register(&app, 2, "bob", "wxz\0vbmk-one").await;
    let most = "é".repeat(512);
    assert_eq!(register(&app, 3, "eve", &most).await.status, 200); // 512 code points, 1024 bytes

    assert_eq!(app.client().login("ada", &b).await.status, 401);
    assert_eq!(app.client().login("ada", &a[..199]).await.status, 401);
    assert_eq!(app.client().login("ada", &a).await.status, 200);
    assert_eq!(app.client().login("bob", "wxz").await.status, 401);
    assert_eq!(app.client().login("bob", "wxz\0vbmk-two").await.status, 401);
    assert_eq!(app.client().login("bob", "wxz\0vbmk-one").await.status, 200);
    assert_eq!(app.client().login("eve", &most).await.status, 200);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the rule is about real time")]
async fn sec_013_what_is_longer_than_any_password_costs_no_hash() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    app.register("bob").await; // the limit is five changes an hour for each
    let bob = app.signed_in("bob").await;
    let before = hashes_done(&app.auth);

    for length in [1025, 60 * 1024, 1 << 20] {
        // NFKC makes eighteen characters of this one: normalising first would multiply the work.
        let long = "\u{fdfa}".repeat(length / 3 + 1);
        let large = length > 64 * 1024;
        let form = format!("username=ada&password={}", "x".repeat(length));
        // The least of some: other tests share the machine, and what they take is only ever added.
        let mut each = std::time::Duration::MAX;
        for _ in 0..50 {
            if each.as_millis() < 20 {
                break;
            }
            let started = std::time::Instant::now();
            app.client()
                .post_json("/register", &sign_up("eve", &long))
                .await;
            app.client()
                .post_body("/login", support::FORM, form.clone())
                .await;
            each = each.min(started.elapsed() / 2);
        }
        let answers = [
            (
                app.client()
                    .post_json("/register", &sign_up("eve", &long))
                    .await,
                422,
            ),
            (
                app.client().post_body("/login", support::FORM, form).await,
                401,
            ),
            (
                ada.post_json(
                    "/change-password",
                    &json!({ "current_password": &long, "new_password": "wholly different" }),
                )
                .await,
                401,
            ),
            (
                bob.post_json(
                    "/change-password",
                    &json!({ "current_password": PASSWORD, "new_password": &long }),
                )
                .await,
                422,
            ),
        ];
        for (answer, status) in &answers {
            assert_eq!(
                answer.status.as_u16(),
                if large { 413 } else { *status },
                "{length}: {}",
                answer.text
            );
        }
        assert!(each.as_millis() < 20, "{each:?} for each of these answers");
        if !large {
            assert_eq!(
                answers[1].0.text,
                r#"{"detail":"Incorrect username or password","code":"incorrect_credentials"}"#
            );
            assert_eq!(
                answers[0].0.text,
                r#"{"detail":[{"type":"string_too_long","loc":["body","password"],"msg":"String should have at most 1024 characters","ctx":{"max_length":1024}}],"code":"validation_error"}"#
            );
        }
    }
    app.db.run("UPDATE users SET password_hash = '!'").await;
    let set = ada
        .post_json(
            "/set-password",
            &json!({ "new_password": "x".repeat(1025) }),
        )
        .await;
    assert_eq!(
        (set.status.as_u16(), issue(&set)),
        (422, "string_too_long".to_owned())
    );
    assert_eq!(hashes_done(&app.auth), before);
}

fn issue(answer: &Answer) -> String {
    answer.json()["detail"][0]["type"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn sec_014_any_script_any_sign_and_spaces_will_do() {
    let app = TestApp::start().await;
    let passwords = [
        "correct horse battery",
        "zwölf boxkämpfer",
        "перевёрнутый стол",
        "αλφάβητος νέος",
        "שלום עולם טוב",
        "مرحبا بالعالم",
        "नमस्ते दुनिया",
        "สวัสดีชาวโลก",
        "你好世界朋友们大家",
        "こんにちは世界よ",
        "안녕하세요 여러분",
        "გამარჯობა მსოფლიო",
        "բարեւ աշխարհ",
        "ሰላም ለዓለም ሁሉ",
        "ᚠᚢᚦᚨᚱᚲᚷᚹᚺ",
        "        ",
        "\u{1f980}\u{1f419}\u{1f991}\u{1f421}\u{1f42c}\u{1f433}\u{1f9ad}\u{1f40a}",
        "!\"#$%&'()*+,-./",
        "tab\tand\nnew line",
        "\u{7f}\u{1}\u{2} control",
    ];

    for (n, password) in passwords.into_iter().enumerate() {
        let name = format!("u{n}");
        let answer = register(&app, n + 1, &name, password).await;
        assert_eq!(answer.status, 200, "{password:?}: {}", answer.text);
        assert_eq!(
            app.client().login(&name, password).await.status,
            200,
            "{password:?}"
        );
    }
}
