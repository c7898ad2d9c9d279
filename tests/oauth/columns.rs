//! Identities in columns of the account's own, as an older application has left them: what they open, hold and let go of.

use std::time::Duration;

use crudauth::mail::MessageKind;
use serde_json::Value;

use crate::elsewhere::{bring, by, depart, error, me};
use crate::linked::{Club, Town, ask_to_link, club, identities, link, read_csrf, unlink};
use crate::oidc::provider::Person;
use crate::oidc::sign_in;
use crate::support::Client;
use tokio::task::JoinSet;

/// What the account's two columns hold.
async fn held(town: &Town<Club>, name: &str) -> [String; 2] {
    let mut held = [const { String::new() }; 2];
    for (place, column) in held.iter_mut().zip(["demo_id", "loose_subject"]) {
        let text = format!("SELECT COALESCE({column}, '') FROM users WHERE username = $1");
        *place = town.db.query(text).bind(name).scalar().await;
    }
    held
}

fn person(sub: &str) -> Person {
    Person::new(sub, None, Value::Null)
}

#[tokio::test]
async fn who_was_linked_by_an_older_application_signs_in() {
    let town = club().await;
    town.verified("ada").await;
    town.verified("grace").await;
    let linked = "UPDATE users SET demo_id = $1 WHERE username = $2";
    let query = town.db.query(linked).bind("a-1").bind("ada");
    query.execute().await;
    // Another address by now, of somebody else's account here: the subject decides.
    let now = Person::new("a-1", Some("grace@example.com"), true);
    town.demo.person(now);
    let rows = town.rows().await;
    let mut ada = town.browser();
    let answer = by(&mut ada, "demo", "a-1").await;
    assert_eq!(me(&ada).await, "ada", "{}", answer.text);
    let after = town.rows().await;
    assert_eq!(rows["users"], after["users"]);
    assert_eq!(after["auth_identities"], [""; 0]);

    let listed = ada.get("/oauth/identities").await.json();
    let row = &listed.as_array().unwrap()[0];
    assert_eq!(row["provider"], "demo");
    for unknown in ["email", "created_at", "last_used_at"] {
        assert_eq!(row[unknown], Value::Null, "{unknown}");
    }
    assert!(!listed.to_string().contains("a-1"), "{listed}");
    let id = town.id("ada").await;
    let own = town.auth.oauth().identities(&id).await.unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(
        (own[0].id.as_str(), own[0].created_at),
        (row["id"].as_str().unwrap(), None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_first_sign_ins_of_one_identity_make_one_account_with_a_column() {
    let town = club().await;
    let mut crowd = JoinSet::new();
    for _ in 0..50 {
        let mut client = town.browser();
        let url = depart(&mut client, "demo", "").await;
        let callback = sign_in(&url, "ada").await;
        crowd.spawn(async move { bring(&mut client, &callback).await });
    }
    for answer in crowd.join_all().await {
        assert_eq!(
            answer.header("location"),
            Some("/landing"),
            "{}",
            answer.text
        );
    }
    assert_eq!(town.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(held(&town, "ada").await, ["ada", ""]);
}

/// Fifty accounts ask for one identity.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_that_everybody_links_at_once_is_in_one_column() {
    let town = club().await;
    town.demo.person(person("shared"));
    let mut crowd = JoinSet::new();
    for number in 0..12 {
        let name = format!("member{number}");
        town.verified(&name).await;
        let mut client = town.enters(&name).await;
        let url = ask_to_link(&mut client, "demo").await;
        let callback = sign_in(&url, "shared").await;
        crowd.spawn(async move { error(&bring(&mut client, &callback).await) });
    }
    let mut told = crowd.join_all().await;
    told.sort_unstable();
    assert_eq!(told[0], "");
    assert!(
        told[1..].iter().all(|code| code == "identity_taken"),
        "{told:?}"
    );
    let held = "SELECT count(*) FROM users WHERE demo_id = 'shared'";
    assert_eq!(town.count(held).await, 1);
}

#[tokio::test]
async fn a_column_holds_one_identity_of_one_account() {
    let town = club().await;
    town.verified("ada").await;
    town.verified("grace").await;
    let mut ada = town.enters("ada").await;
    link(&mut ada, "demo", "ada").await;
    town.demo.person(person("second"));
    let rows = town.rows().await;
    let answer = link(&mut ada, "demo", "second").await;
    assert_eq!(error(&answer), "provider_already_linked");
    assert_eq!(error(&link(&mut ada, "demo", "ada").await), "", "one's own");
    let mut grace = town.enters("grace").await;
    let answer = link(&mut grace, "demo", "ada").await;
    assert_eq!(error(&answer), "identity_taken");
    let after = town.rows().await;
    for table in ["users", "auth_identities", "auth_outbox"] {
        assert_eq!(rows[table], after[table], "{table}");
    }
    // Of a provider without a column there may be two, as ever.
    for sub in ["one", "two"] {
        town.other.person(person(sub));
        assert_eq!(error(&link(&mut ada, "other", sub).await), "");
    }
    assert_eq!(identities(&ada).await.len(), 3);
}

#[tokio::test]
async fn linking_and_unlinking_change_the_instant_of_the_row() {
    let town = club().await;
    town.verified("ada").await;
    let changed = "SELECT updated_at FROM users WHERE username = 'ada'";
    let mut last = town.count(changed).await;
    let mut ada = town.enters("ada").await;
    for unlinks in [false, true] {
        town.clock.advance(Duration::from_mins(1));
        if unlinks {
            let id = identities(&ada).await.remove(0);
            assert_eq!(
                town.auth
                    .oauth()
                    .unlink(&town.id("ada").await, &id)
                    .await
                    .ok(),
                Some(())
            );
        } else {
            link(&mut ada, "demo", "ada").await;
        }
        let now = town.count(changed).await;
        assert_eq!(now - last, 60);
        last = now;
    }
    assert_eq!(held(&town, "ada").await, ["", ""]);
}

#[tokio::test]
async fn sec_107_the_last_way_in_stays_in_its_column() {
    let town = club().await;
    let mut ada = town.browser();
    by(&mut ada, "demo", "ada").await;
    read_csrf(&mut ada);
    let ids = identities(&ada).await;
    let answer = unlink(&ada, &ids[0]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (409, "last_way_in".into())
    );
    assert_eq!(held(&town, "ada").await, ["ada", ""]);
    // What a provider that is not declared any more says of her opens nothing, wherever it is kept.
    town.other.person(person("gone"));
    link(&mut ada, "other", "gone").await;
    town.db
        .run("UPDATE auth_identities SET provider = 'former'")
        .await;
    assert_eq!(unlink(&ada, &ids[0]).await.code(), "last_way_in");
    town.db
        .run("UPDATE auth_identities SET provider = 'demo'")
        .await;
    assert_eq!(unlink(&ada, &ids[0]).await.code(), "last_way_in");
    town.db
        .run("UPDATE auth_identities SET provider = 'other'")
        .await;
    assert_eq!(unlink(&ada, &ids[0]).await.status, 200);
    assert_eq!(held(&town, "ada").await, ["", ""]);
    assert_eq!(unlink(&ada, &ids[0]).await.code(), "identity_not_found");
    let rest = identities(&ada).await;
    assert_eq!(unlink(&ada, &rest[0]).await.code(), "last_way_in");
    // It opens no account now, but may make one, or be linked again.
    assert_eq!(town.owner("demo", "ada").await, "");
    assert_eq!(error(&link(&mut ada, "demo", "ada").await), "");
    assert_eq!(town.owner("demo", "ada").await, "ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_107_a_column_and_a_row_do_not_go_at_once() {
    let town = club().await;
    for round in 0..10 {
        let sub = format!("ada-{round}");
        let email = format!("{sub}@example.com");
        town.demo.person(Person::new(&sub, Some(&email), true));
        let mut first = town.browser();
        by(&mut first, "demo", &sub).await;
        read_csrf(&mut first);
        town.other.person(person(&sub));
        link(&mut first, "other", &sub).await;
        let second = first.clone();
        let ids = identities(&first).await;
        let (one, other) = tokio::join!(unlink(&first, &ids[0]), unlink(&second, &ids[1]));
        let mut answers = [one.status.as_u16(), other.status.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers, [200, 409], "{} {}", one.text, other.text);
    }
}

/// A stranger has signed up with the owner's address, and linked what opens the account without a password.
async fn prepared(town: &Town<Club>) -> Client {
    town.sign_up("victim").await;
    town.loose.person(person("mallory"));
    let mut stranger = town.enters("victim").await;
    link(&mut stranger, "loose", "mallory").await;
    assert_eq!(held(town, "victim").await, ["", "mallory"]);
    stranger
}

#[tokio::test]
async fn sec_106_what_a_stranger_put_into_a_column_goes_with_the_first_proof() {
    for way in ["provider", "link", "reset"] {
        let town = club().await;
        prepared(&town).await;
        let email = "victim@example.com";
        town.demo.person(Person::new("victim", Some(email), true));
        match way {
            "provider" => {
                by(&mut town.browser(), "demo", "victim").await;
            }
            "link" => {
                let token = town.token(MessageKind::VerifyEmail, "victim");
                let answer = town.confirm("/email/verify-confirm", &token).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            _ => {
                let token = town.reset_token("victim").await;
                let answer = town.reset(&token, "the words of the owner").await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
        }
        let own = if way == "provider" { "victim" } else { "" };
        assert_eq!(held(&town, "victim").await, [own, ""], "{way}");
        let mut stranger = town.browser();
        let answer = by(&mut stranger, "loose", "mallory").await;
        assert_eq!(error(&answer), "link_required", "{way}");
        assert_eq!(me(&stranger).await, "", "{way}");
    }
}

/// A column does not say since when: a thief's may be among them, and the owner's comes back with the next sign-in.
#[tokio::test]
async fn taking_back_a_change_of_address_empties_the_columns() {
    let town = club().await;
    town.verified("victim").await;
    let email = "victim@example.com";
    town.demo.person(Person::new("victim", Some(email), true));
    let mut session = town.enters("victim").await;
    link(&mut session, "demo", "victim").await;
    town.move_to(&session, "mallory").await;
    let token = town.token(MessageKind::ChangeEmail, "mallory");
    let moved = town.confirm("/email/change-confirm", &token).await;
    assert_eq!(moved.status, 200);
    town.deliver().await;
    town.loose.person(person("mallory"));
    link(&mut session, "loose", "mallory").await;
    let way_back = town.token(MessageKind::EmailChanged, "victim");
    let answer = town.confirm("/email/change-undo", &way_back).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(held(&town, "victim").await, ["", ""]);
    let mut victim = town.browser();
    by(&mut victim, "demo", "victim").await;
    assert_eq!(me(&victim).await, "victim");
    assert_eq!(held(&town, "victim").await, ["victim", ""]);
}

#[tokio::test]
async fn an_account_that_is_deleted_takes_its_columns_along() {
    let town = club().await;
    by(&mut town.browser(), "demo", "ada").await;
    let id = town.id("ada").await;
    assert!(town.auth.users().delete(&id).await.unwrap());
    town.heard();
    let mut again = town.browser();
    by(&mut again, "demo", "ada").await;
    assert_eq!(town.heard(), ["registered ada", "Created ada by demo ada"]);
    assert_eq!(me(&again).await, "ada");
}

/// What the guide says of an application that gets a column for a provider which it had without one.
#[tokio::test]
async fn identities_that_are_moved_from_the_table_to_a_column_open_their_accounts() {
    let town = club().await;
    let mut ada = town.browser();
    by(&mut ada, "other", "ada").await;
    by(&mut town.browser(), "other", "grace").await;
    town.db
        .run("UPDATE auth_identities SET provider = 'demo'")
        .await;
    assert_eq!(identities(&ada).await, [""; 0], "it opens nothing there");
    let moved = "UPDATE users SET demo_id = (SELECT subject FROM auth_identities WHERE user_id = users.id AND provider = 'demo')";
    town.db.run(moved).await;
    town.db
        .run("DELETE FROM auth_identities WHERE provider = 'demo'")
        .await;
    assert_eq!(identities(&ada).await.len(), 1);
    town.demo.person(person("ada")); // without an address, as nobody who is new could come
    let mut again = town.browser();
    by(&mut again, "demo", "ada").await;
    assert_eq!(me(&again).await, "ada");
}
