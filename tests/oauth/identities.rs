//! One's own identities: listed, linked and unlinked, by whom and by whom not.

use std::time::Duration;

use serde_json::json;

use crate::elsewhere::{bring, by, error, me};
use crate::linked::{
    Script, Town, ask_to_link, identities, link, read_csrf, script, site, sudo, unlink,
};
use crate::oidc::provider::Person;
use crate::oidc::sign_in;
use crate::support::{Answer, Client, PASSWORD};
use crate::tokens;

/// Longer than a sign-in counts as recent, shorter than a session lives.
const LATER: Duration = Duration::from_mins(11);

pub fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

pub fn told(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Somebody who came by a provider, and has no password.
pub async fn arrived(town: &Town<Script>, sub: &str) -> Client {
    let mut client = town.browser();
    let answer = by(&mut client, "demo", sub).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    client
}

#[tokio::test]
async fn the_list_says_which_and_since_when_and_nothing_of_the_subject() {
    let town = script().await;
    let mut ada = arrived(&town, "ada").await;
    town.clock.advance(Duration::from_mins(1));
    link(&mut ada, "loose", "grace").await;
    town.clock.advance(Duration::from_mins(1));
    ada = arrived(&town, "ada").await;
    let listed = ada.get("/oauth/identities").await;
    let rows = listed.json();
    let rows = rows.as_array().unwrap();
    let fields: Vec<_> = rows
        .iter()
        .map(|row| (row["provider"].as_str(), row["email"].as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            (Some("demo"), Some("ada@example.com")),
            (Some("loose"), Some("grace@example.com"))
        ]
    );
    assert!(rows[0]["last_used_at"].as_str() > rows[0]["created_at"].as_str());
    assert_eq!(rows[1]["last_used_at"], rows[1]["created_at"]);
    let names: Vec<_> = rows[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        ["created_at", "email", "id", "last_used_at", "provider"]
    );
    assert!(!listed.text.contains(&town.demo.issuer()));
    let grace = arrived(&town, "grace").await;
    let others = identities(&grace).await;
    assert_eq!(
        others.len(),
        1,
        "an identity of another provider is another one"
    );
    assert!(!identities(&ada).await.contains(&others[0]));
    assert_eq!(
        refusal(&town.browser().get("/oauth/identities").await),
        told(401, "not_authenticated")
    );
}

#[tokio::test]
async fn sec_107_a_stolen_session_links_and_unlinks_nothing() {
    let town = script().await;
    town.verified("ada").await;
    let mut ada = town.enters("ada").await;
    assert_eq!(
        link(&mut ada, "demo", "ada").await.json()["detail"],
        "Identity linked."
    );
    let [id] = &identities(&ada).await[..] else {
        panic!("one was linked")
    };
    town.clock.advance(LATER);
    let thief = ada.clone();
    let rows = town.rows().await;
    let answer = thief.post_json("/oauth/other/link", &json!({})).await;
    assert_eq!(refusal(&answer), told(403, "recent_sign_in_required"));
    assert!(answer.set_cookies().is_empty());
    assert_eq!(
        refusal(&unlink(&thief, id).await),
        told(403, "sudo_required")
    );
    assert_eq!(
        town.rows().await["auth_identities"],
        rows["auth_identities"]
    );

    // The owner proves it by the password, which opens both.
    assert_eq!(sudo(&ada, PASSWORD).await.status, 200);
    assert_eq!(
        link(&mut ada, "loose", "ada").await.json()["detail"],
        "Identity linked."
    );
    let answer = unlink(&ada, id).await;
    assert_eq!(answer.json()["detail"], "Identity unlinked.");
    assert_eq!(town.owner("demo", "ada").await, "");
}

#[tokio::test]
async fn sec_107_a_recent_sign_in_links_but_unlinks_only_where_there_is_no_password() {
    let town = script().await;
    town.verified("ada").await;
    let mut ada = town.enters("ada").await;
    link(&mut ada, "demo", "ada").await;
    let ids = identities(&ada).await;
    assert_eq!(
        refusal(&unlink(&ada, &ids[0]).await),
        told(403, "sudo_required")
    );

    let mut grace = arrived(&town, "grace").await;
    link(&mut grace, "other", "grace").await;
    let ids = identities(&grace).await;
    town.clock.advance(LATER);
    let refused = told(403, "recent_sign_in_required");
    assert_eq!(refusal(&unlink(&grace, &ids[0]).await), refused);
    let answer = grace.post_json("/oauth/loose/link", &json!({})).await;
    assert_eq!(refusal(&answer), refused);
    assert_eq!(identities(&grace).await, ids);
    let grace = arrived(&town, "grace").await;
    assert_eq!(unlink(&grace, &ids[0]).await.status, 200);
    assert_eq!(identities(&grace).await, ids[1..]);
}

#[tokio::test]
async fn sec_107_the_last_way_in_stays_until_there_is_a_password() {
    let town = script().await;
    town.other.person(Person::new("countess", None, false));
    let mut ada = arrived(&town, "ada").await;
    let last = told(409, "last_way_in");
    let only = identities(&ada).await.remove(0);
    assert_eq!(refusal(&unlink(&ada, &only).await), last);
    town.clock.advance(Duration::from_mins(1));
    link(&mut ada, "other", "countess").await;
    let ids = identities(&ada).await;
    assert_eq!(ids.len(), 2);
    assert_eq!(unlink(&ada, &ids[0]).await.status, 200);
    assert_eq!(refusal(&unlink(&ada, &ids[1]).await), last);
    // The same to application code.
    let id = town.id("ada").await;
    let refused = town.auth.oauth().unlink(&id, &ids[1]).await;
    assert!(
        matches!(refused, Err(crudauth::oauth::UnlinkError::LastWayIn)),
        "{refused:?}"
    );
    let mut again = town.browser();
    by(&mut again, "other", "countess").await;
    assert_eq!(me(&again).await, "ada");

    let body = json!({ "new_password": PASSWORD });
    assert_eq!(again.post_json("/set-password", &body).await.status, 200);
    assert_eq!(
        refusal(&unlink(&again, &ids[1]).await),
        told(403, "sudo_required")
    );
    assert_eq!(sudo(&again, PASSWORD).await.status, 200);
    assert_eq!(unlink(&again, &ids[1]).await.status, 200);
    assert_eq!(identities(&again).await, [""; 0]);
    assert_eq!(
        town.browser().login("ada", PASSWORD).await.status,
        200,
        "the way in that is left"
    );
    // What was unlinked is nobody's: an address that is not proven opens nothing by it.
    let answer = by(&mut town.browser(), "other", "countess").await;
    assert_eq!(error(&answer), "email_missing");
}

#[tokio::test]
async fn somebody_elses_identity_is_none() {
    let town = script().await;
    let mut ada = arrived(&town, "ada").await;
    link(&mut ada, "other", "ada").await;
    let grace = arrived(&town, "grace").await;
    let theirs = identities(&grace).await.remove(0);
    let mine = identities(&ada).await.remove(0);
    let none = unlink(&ada, &"0".repeat(64)).await;
    assert_eq!(refusal(&none), told(404, "identity_not_found"));
    for id in [
        theirs.clone(),
        theirs[1..].to_owned(),
        format!("{mine}00"),
        "x".repeat(64),
        "%FF".to_owned(),
        "1".to_owned(),
    ] {
        let answer = unlink(&ada, &id).await;
        assert_eq!(
            (answer.status, &answer.text),
            (none.status, &none.text),
            "{id}"
        );
    }
    assert_eq!(town.owner("demo", "grace").await, "grace");
    let id = town.id("ada").await;
    let refused = town.auth.oauth().unlink(&id, &theirs).await;
    assert!(
        matches!(refused, Err(crudauth::oauth::UnlinkError::NotFound)),
        "{refused:?}"
    );
}

/// Whoever brings a link home that they did not ask for would have somebody else's identity open their account, or theirs open
/// somebody else's.
#[tokio::test]
async fn sec_107_only_the_session_that_asked_brings_a_link_home() {
    let town = script().await;
    town.verified("ada").await;
    town.verified("eve").await;
    let rows = town.rows().await["auth_identities"].clone();
    for by_whom in ["eve", "nobody", "another browser", "another session"] {
        let mut ada = town.enters("ada").await;
        let url = ask_to_link(&mut ada, "demo").await;
        let callback = sign_in(&url, "grace").await;
        let mut bringer = match by_whom {
            "eve" => town.enters("eve").await,
            "nobody" => town.browser(),
            // Ada's own session without the state's cookie.
            _ => town.enters("ada").await,
        };
        if by_whom != "another browser" {
            let states = ada.cookies.clone().into_iter();
            let states = states.filter(|(name, _)| name.starts_with("oauth_state"));
            bringer.cookies.extend(states);
        }
        let answer = bring(&mut bringer, &callback).await;
        assert_eq!(refusal(&answer), told(400, "invalid_state"), "by {by_whom}");
        assert_eq!(town.rows().await["auth_identities"], rows, "by {by_whom}");
        let expected = if by_whom == "nobody" {
            ""
        } else if by_whom == "eve" {
            "eve"
        } else {
            "ada"
        };
        assert_eq!(me(&bringer).await, expected);
    }
    // A sign-in's callback links nothing to whoever is signed in.
    let mut ada = town.enters("ada").await;
    by(&mut ada, "demo", "grace").await;
    assert_eq!(me(&ada).await, "grace");
    assert_eq!(town.owner("demo", "grace").await, "grace");
}

#[tokio::test]
async fn linking_in_redirect_mode_goes_back_to_the_page() {
    let town = site().await;
    let mut ada = town.browser();
    by(&mut ada, "demo", "ada").await;
    read_csrf(&mut ada);
    let body = json!({ "redirect_to": "/settings?tab=accounts" });
    let answer = ada.post_json("/oauth/other/link", &body).await;
    ada.keep(&answer);
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    let callback = sign_in(&url, "grace").await;
    let answer = bring(&mut ada, &callback).await;
    assert_eq!(answer.status, 307);
    assert_eq!(answer.header("location"), Some("/settings?tab=accounts"));
    let answer = bring(&mut ada, &callback).await;
    assert_eq!(error(&answer), "invalid_state");
    let mut grace = town.browser();
    by(&mut grace, "demo", "grace").await;
    read_csrf(&mut grace);
    let answer = link(&mut grace, "other", "grace").await;
    assert_eq!(
        answer.header("location"),
        Some("/landing?error=identity_taken")
    );
    assert_eq!(identities(&grace).await.len(), 1);
}

#[tokio::test]
async fn linking_and_unlinking_need_the_page_and_a_session() {
    let town = script().await;
    town.verified("ada").await;
    let mut ada = town.enters("ada").await;
    link(&mut ada, "demo", "ada").await;
    assert_eq!(sudo(&ada, PASSWORD).await.status, 200);
    let id = identities(&ada).await.remove(0);
    let rows = town.rows().await;
    let mut forged = ada.clone();
    for csrf in [None, Some("of another session".to_owned())] {
        forged.csrf = csrf;
        let answer = forged.post_json("/oauth/other/link", &json!({})).await;
        assert_eq!(answer.status, 403);
        assert!(answer.header("x-csrf-error").is_some(), "{}", answer.text);
        let answer = unlink(&forged, &id).await;
        assert_eq!(answer.status, 403);
        assert!(answer.header("x-csrf-error").is_some(), "{}", answer.text);
    }
    let nobody = town.browser();
    let answer = nobody.post_json("/oauth/other/link", &json!({})).await;
    assert_eq!(refusal(&answer), told(401, "not_authenticated"));
    assert_eq!(unlink(&nobody, &id).await.status, 401);
    assert_eq!(town.rows().await, rows);

    let pair = town.pair("ada").await;
    let rows = town.rows().await;
    let bearer = async |method: &str, path: &str, body: Option<(&str, String)>| {
        let method = method.parse().unwrap();
        tokens::send(&town.browser(), method, path, &pair.access, body).await
    };
    let empty = Some((crate::support::JSON, "{}".to_owned()));
    let answer = bearer("POST", "/oauth/other/link", empty).await;
    assert_eq!(refusal(&answer), told(403, "session_required"));
    let answer = bearer("DELETE", &format!("/oauth/identities/{id}"), None).await;
    assert_eq!(refusal(&answer), told(403, "sudo_required"));
    let answer = bearer("GET", "/oauth/identities", None).await;
    assert_eq!(answer.json()[0]["id"], id.as_str());
    assert_eq!(town.rows().await, rows);
}
