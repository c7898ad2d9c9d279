//! Signing in by a provider, over HTTP, against the included one (contract §1.14).

use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, PasswordHash, auth};

use crate::elsewhere::{PUBLIC, bring, by, credentials, depart, error, me, page, web};
use crate::oidc::{Provider, query, sign_in};
use crate::support::{Client, SECRET, TempDb, User, database};

#[tokio::test]
async fn a_browser_goes_to_the_provider_and_comes_back_signed_in() {
    let app = web().await;
    let mut client = app.client();
    let answer = client.get("/oauth/demo/authorize?redirect_to=/dash").await;
    assert_eq!(answer.status, 307);
    client.keep(&answer);
    let url = answer.header("location").unwrap();
    let asked = query(url);
    assert!(
        url.starts_with(&format!("{}/authorize?", app.demo.url())),
        "{url}"
    );
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], app.demo.client_id());
    assert_eq!(
        asked["redirect_uri"],
        format!("{PUBLIC}/oauth/demo/callback")
    );
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["code_challenge"].len(), 43);
    let [cookie] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies())
    };
    assert!(cookie.starts_with("oauth_state_"), "{cookie}");
    assert!(
        cookie.contains(&format!(
            "={}; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure",
            asked["state"]
        )),
        "{cookie}"
    );

    let callback = sign_in(url, "ada").await;
    let answer = bring(&mut client, &callback).await;
    assert_eq!(answer.status, 307, "{}", answer.text);
    assert_eq!(answer.header("location"), Some("/dash"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(
        client
            .cookies
            .keys()
            .all(|name| !name.starts_with("oauth_state"))
    );
    assert_eq!(me(&client).await, "ada");

    // The same person from another browser is the same account.
    let mut again = app.client();
    assert_eq!(
        by(&mut again, "demo", "ada").await.header("location"),
        Some("/landing")
    );
    assert_eq!(me(&again).await, "ada");
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
}

auth! {
    #[database(sqlite, postgres)]
    #[session(danger_insecure_cookies)]
    #[bearer]
    #[oauth(oidc("demo"))]
    pub struct Desk<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session]
    #[bearer(refresh(danger_insecure_cookies))]
    #[oauth(oidc("demo"))]
    pub struct Counter<User>;
}

#[tokio::test]
async fn what_leads_to_a_session_is_as_secure_as_its_cookies_whatever_others_are() {
    macro_rules! marked {
        ($auth:ty) => {{
            let (_file, pool) = database(2).await;
            let demo = Provider::start().await.unwrap();
            let auth = <$auth>::builder(pool)
                .secret(SECRET)
                .cheap_hashing()
                .manual_workers()
                .public_url(PUBLIC)
                .oidc("demo", credentials(&demo))
                .await
                .unwrap();
            let mut client = Client::new(auth.router());
            let answer = client.get("/oauth/demo/authorize").await;
            client.keep(&answer);
            let callback = sign_in(answer.header("location").unwrap(), "ada").await;
            let home = bring(&mut client, &callback).await;
            [answer, home].map(|answer| {
                let cookies = answer.set_cookies();
                assert!(!cookies.is_empty(), "{}", answer.text);
                let secure = cookies.iter().filter(|it| it.ends_with("; Secure"));
                (secure.count(), cookies.len())
            })
        }};
    }
    // The state; then its end, and the session's three.
    assert_eq!(marked!(Desk), [(0, 1), (0, 4)]);
    assert_eq!(marked!(Counter), [(1, 1), (4, 4)]);
}

#[tokio::test]
async fn in_json_mode_the_page_is_told() {
    let app = page().await;
    let mut client = app.client();
    let url = depart(&mut client, "demo", "?redirect_to=/dash").await;
    let callback = sign_in(&url, "ada").await;
    let answer = bring(&mut client, &callback).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let told = answer.json();
    assert_eq!(told["user"]["username"], "ada");
    assert_eq!(told["user"]["email"], "ada@example.com");
    assert_eq!(told["user"]["is_superuser"], false);
    assert_eq!(told["redirect_to"], "/dash");
    assert_eq!(told["csrf_token"].as_str(), client.csrf.as_deref());
    let answer = bring(&mut client, &callback).await;
    assert_eq!(
        (answer.status.as_u16(), error(&answer)),
        (400, "invalid_state".to_owned())
    );
}

#[tokio::test]
async fn sec_111_kept_tokens_are_the_applications_and_nowhere_in_clear() {
    let app = page().await;
    let mut client = app.client();
    by(&mut client, "demo", "ada").await;
    let ada = app.auth.users().find_by_email("ada@example.com").await;
    let ada = ada.unwrap().unwrap();
    let tokens = app.auth.oauth().tokens(&ada.id, "demo").await.unwrap();
    let first = tokens.unwrap();
    let bearer = format!("Bearer {}", first.access_token());
    let userinfo = format!("{}/userinfo", app.demo.url());
    let answer = crate::http::call("GET", &userinfo, &[("authorization", &bearer)], "").await;
    assert_eq!(answer.json()["sub"], "ada");
    assert!(first.expires_at().unwrap() > app.clock.now().to_datetime());
    assert!(!format!("{first:?}").contains(first.access_token()));

    let dump = app.db.bytes("auth_identities").await;
    let holds = |text: &str| {
        let held = |(_, bytes): &(String, Vec<u8>)| String::from_utf8_lossy(bytes).contains(text);
        dump.iter().any(held)
    };
    assert!(holds("ada@example.com") && !holds(first.access_token()));
    let listed = client.get("/oauth/identities").await;
    assert!(
        !listed.text.contains(first.access_token()),
        "{}",
        listed.text
    );

    // The next sign-in replaces them; whoever never came that way has none, nor does a row that was copied.
    by(&mut app.client(), "demo", "ada").await;
    let next = app.auth.oauth().tokens(&ada.id, "demo").await.unwrap();
    assert_ne!(next.unwrap().access_token(), first.access_token());
    assert!(
        app.auth
            .oauth()
            .tokens(&ada.id, "other")
            .await
            .unwrap()
            .is_none()
    );
    by(&mut app.client(), "demo", "grace").await;
    app.db
        .run("UPDATE auth_identities SET tokens = (SELECT tokens FROM auth_identities WHERE subject = 'ada')")
        .await;
    let grace = app.auth.users().find_by_email("grace@example.com").await;
    let grace = grace.unwrap().unwrap();
    assert!(
        app.auth
            .oauth()
            .tokens(&grace.id, "demo")
            .await
            .unwrap()
            .is_none()
    );
}

/// As little as an account can be that a provider opens.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
pub struct Member {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    pub email_verified: bool,
}

auth! {
    #[database(sqlite, postgres)]
    #[oauth(oidc("demo"), oidc("other"))]
    pub struct Club<Member>;
}

#[tokio::test]
async fn an_account_without_a_name_an_epoch_or_a_switch_is_opened_linked_and_unlinked() {
    let (demo, other) = (
        Provider::start().await.unwrap(),
        Provider::start().await.unwrap(),
    );
    let file = TempDb::new();
    let pool = crate::support::pool(&file.url(), 2).await;
    pool.run(Member::create_table_sql(pool.dialect())).await;
    let auth = Club::builder(pool)
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .public_url(PUBLIC)
        .oidc("demo", credentials(&demo))
        .oidc("other", credentials(&other))
        .await
        .unwrap();
    let mut client = Client::new(auth.router());
    assert_eq!(
        by(&mut client, "demo", "ada").await.header("location"),
        Some("/")
    );
    client.csrf = client.cookies.get("csrf_token").cloned();
    for (sub, there) in [("ada", 2), ("grace", 3)] {
        let answer = client.post("/oauth/other/link").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        client.keep(&answer);
        let callback = sign_in(answer.json()["url"].as_str().unwrap(), sub).await;
        assert_eq!(
            bring(&mut client, &callback).await.header("location"),
            Some("/")
        );
        let all = client.get("/oauth/identities").await.json();
        assert_eq!(all.as_array().map(Vec::len), Some(there), "{all}");
    }
    let all = client.get("/oauth/identities").await.json();
    let mut left = 3;
    for identity in all.as_array().unwrap() {
        let path = format!("/oauth/identities/{}", identity["id"].as_str().unwrap());
        let answer = client.delete(&path).await;
        assert_eq!(
            answer.status,
            if left > 1 { 200 } else { 409 },
            "{}",
            answer.text
        );
        left -= 1;
    }
    let grace = auth
        .users()
        .find_by_email("grace@example.com")
        .await
        .unwrap();
    assert!(grace.is_none(), "a link makes no account");
}
