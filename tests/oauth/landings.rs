//! Where a browser lands that comes home, whatever it was asked to bring along (SEC-109).

use crudauth::Authority;

use crate::elsewhere::{App, PUBLIC, bring, depart, error, home, me, page, web};
use crate::oidc::Endpoint::Token;
use crate::oidc::sign_in;
use crate::support::{FORM, JSON, encode};
use crate::wrong::{assert_refused, written};

/// What leads elsewhere, or may where somebody reads it in another way.
fn elsewhere() -> Vec<String> {
    let odd = [
        "",
        "x",
        "dash",
        "./dash",
        "../dash",
        "?a=1",
        "#f",
        "//e",
        "///e",
        "////e",
        "//e/..",
        "/\\e",
        "\\e",
        "\\\\e",
        "\\/e",
        "/\\/e",
        "/%2f%2fe",
        "/%2Fe",
        "/%5ce",
        "/%5C%5Ce",
        "/\t/e",
        "\t//e",
        "/\n/e",
        "/\r\nSet-Cookie: a=b",
        " /dash",
        "/dash ",
        "/a b",
        "/a\0b",
        "/a\u{7f}",
        "//e@app.example.com",
        "//app.example.com@e",
        "//app.example.com.e",
        "//app.example.com",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "https:e",
        "https:/e",
        "https:///e",
        "https://e",
        "http://app.example.com/dash",
        "https://app.example.com/dash",
        "https://app.example.com@e/",
        "https:\\\\e",
        "mailto:a@e",
        "@e",
        ":80",
        "*",
    ];
    let mut all: Vec<String> = odd.map(str::to_owned).into();
    all.push(format!("/{}", "a".repeat(2048)));
    all.push(format!("//{}", "e".repeat(10_000)));
    all
}

#[tokio::test]
async fn sec_109_who_comes_home_lands_on_a_page_of_this_site() {
    let (web, page) = (web().await, page().await);
    for target in elsewhere() {
        let asked = format!("?redirect_to={}", encode(&target));
        let mut client = web.client();
        let url = depart(&mut client, "demo", &asked).await;
        assert!(
            !url.contains(&encode(&target)) || target.len() < 4,
            "{target}"
        );
        let answer = bring(&mut client, &sign_in(&url, "ada").await).await;
        assert_eq!(answer.header("location"), Some("/landing"), "{target:?}");
        let mut client = page.client();
        let url = depart(&mut client, "demo", &asked).await;
        let answer = bring(&mut client, &sign_in(&url, "ada").await).await;
        assert_eq!(answer.json()["redirect_to"], "/landing", "{target:?}");
    }
    // Bytes that are no text, and two pages at once, are said to be wrong before anybody leaves.
    for asked in ["redirect_to=/%ff", "redirect_to=/a&redirect_to=//e"] {
        let answer = web
            .client()
            .get(&format!("/oauth/demo/authorize?{asked}"))
            .await;
        assert_eq!(answer.code(), "validation_error", "{asked}");
        assert!(answer.set_cookies().is_empty());
    }
    for good in ["/", "/dash?a=1&b=%2F%2Fe", "/ok#f", "/a//b", "/@e", "/a:b"] {
        let mut client = web.client();
        let url = depart(
            &mut client,
            "demo",
            &format!("?redirect_to={}", encode(good)),
        )
        .await;
        let answer = bring(&mut client, &sign_in(&url, "ada").await).await;
        assert_eq!(answer.header("location"), Some(good));
    }
}

/// Checked at use as well: whoever could write the row still sends nobody elsewhere.
#[tokio::test]
async fn sec_109_a_page_that_was_tampered_with_is_not_gone_to() {
    let (web, page) = (web().await, page().await);
    for target in elsewhere().iter().filter(|target| !target.contains('\0')) {
        let (mut client, callback) = home(&web, "demo").await;
        tamper(&web, target).await;
        let answer = bring(&mut client, &callback).await;
        assert_eq!(answer.header("location"), Some("/landing"), "{target:?}");
        let (mut client, callback) = home(&page, "demo").await;
        tamper(&page, target).await;
        let answer = bring(&mut client, &callback).await;
        assert_eq!(answer.json()["redirect_to"], "/landing", "{target:?}");
    }
}

pub async fn tamper<A>(app: &App<A>, target: &str) {
    let set = app
        .db
        .query("UPDATE auth_oauth_states SET redirect_to = $1");
    assert_eq!(set.bind(target.to_owned()).execute().await, 1);
}

/// Queries that no provider sends: the browser sees a page of the application's, and never an error of ours.
#[tokio::test]
async fn sec_109_an_unreadable_callback_leads_to_the_page_of_errors() {
    let (web, page) = (web().await, page().await);
    let odd = [
        "",
        "?",
        "&",
        "=",
        "code",
        "code=",
        "state=",
        "code=&state=",
        "code=a&code=b",
        "state=a&state=b&code=c",
        "code=a&state=b&iss=c&iss=d",
        "error=a&error=b",
        "error=",
        "code=%ff&state=%ff",
        "code=%00",
        "code=%",
        "code=%zz",
        "code=a;state=b",
        "%00=%00",
        "code[]=a&state[]=b",
        "code=a&state=%0d%0aSet-Cookie:%20a=b",
        "error=%0d%0aLocation:%20//e",
        "state=%E2%80%AE",
        "a=b&a=b",
        "error=%3Cscript%3E",
        "code=a#b",
        "__proto__=x",
    ];
    let mut queries: Vec<String> = odd.map(str::to_owned).into();
    queries.push(format!("code={}", "a".repeat(20_000)));
    queries.push(format!("state={}&code=a", "a".repeat(20_000)));
    let many: Vec<_> = (0..200).map(|at| format!("a{at}=b")).collect();
    queries.push(many.join("&"));
    let (mut ada, callback) = home(&web, "demo").await;
    let before = written(&web).await;
    for query in &queries {
        for client in [&web.client(), &ada, &page.client()] {
            let answer = client.get(&format!("/oauth/demo/callback?{query}")).await;
            let told = error(&answer);
            // A state that is there, and one that is not.
            assert!(
                ["oauth_failed", "invalid_state"].contains(&&*told),
                "{query}"
            );
            assert_refused(query, &answer, &told);
            assert!(answer.set_cookies().is_empty(), "{query}");
        }
    }
    // What comes beside the parameters of a right answer, twice, makes it unreadable; the answer itself is still good then.
    for more in ["&code=x", "&state=x", "&a=b&a=b", "&b=%ff"] {
        let answer = ada
            .get(&format!("{}{more}", callback.strip_prefix(PUBLIC).unwrap()))
            .await;
        assert_refused(more, &answer, "oauth_failed");
    }
    assert_eq!(written(&web).await, before);
    assert_eq!(web.demo.calls(Token), 0);
    bring(&mut ada, &callback).await;
    assert_eq!(me(&ada).await, "ada");
}

/// Nobody's provider answers by a form here: such a post does nothing at all.
#[tokio::test]
async fn sec_100_a_posted_callback_is_refused_where_the_provider_answers_by_query() {
    let (web, page) = (web().await, page().await);
    posted(&web).await;
    posted(&page).await;
}

async fn posted<A: Authority>(app: &App<A>) {
    let (mut ada, callback) = home(app, "demo").await;
    let before = written(app).await;
    let form = callback.split_once('?').unwrap().1.to_owned();
    for (kind, body) in [
        (FORM, form.clone()),
        (FORM, format!("{form}&user=x")),
        (FORM, "%ff=%ff".to_owned()),
        (FORM, "a".repeat(3_000_000)),
        (JSON, "{}".to_owned()),
        ("text/plain", form.clone()),
        ("multipart/form-data; boundary=b", "--b".to_owned()),
    ] {
        let answer = ada.post_body("/oauth/demo/callback", kind, body).await;
        assert_refused(kind, &answer, "oauth_failed");
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(written(app).await, before);
    assert_eq!(app.demo.calls(Token), 0);
    bring(&mut ada, &callback).await;
    assert_eq!(me(&ada).await, "ada");
}
