//! How long an identity opens an account, and whose.

use std::time::Duration;

use crate::elsewhere::{bring, by, error, me};
use crate::identities::{arrived, refusal, told};
use crate::linked::{ask_to_link, identities, link, read_csrf, script, unlink};
use crate::oidc::provider::Person;
use crate::oidc::sign_in;
use crate::support::PASSWORD;

#[tokio::test]
async fn an_identity_opens_one_account() {
    let town = script().await;
    arrived(&town, "grace").await;
    town.verified("ada").await;
    let mut ada = town.enters("ada").await;
    let rows = town.rows().await;
    let answer = link(&mut ada, "demo", "grace").await;
    assert_eq!(refusal(&answer), told(400, "identity_taken"));
    assert_eq!(town.rows().await, rows);
    // One's own once more changes nothing, and is no error.
    link(&mut ada, "demo", "ada").await;
    let rows = town.rows().await;
    let answer = link(&mut ada, "demo", "ada").await;
    assert_eq!(answer.json()["detail"], "Identity linked.");
    assert_eq!(town.rows().await, rows);
    // A second of the same provider is the owner's to add, and opens the account as well.
    town.demo.person(Person::new("second", None, false));
    link(&mut ada, "demo", "second").await;
    let mut again = town.browser();
    by(&mut again, "demo", "second").await;
    assert_eq!(me(&again).await, "ada");
}

#[tokio::test]
async fn a_link_that_was_asked_for_ends_with_its_session() {
    let town = script().await;
    town.verified("ada").await;
    let id = town.id("ada").await;
    for end in ["logout", "password", "disabled"] {
        let mut ada = town.enters("ada").await;
        let url = ask_to_link(&mut ada, "demo").await;
        let callback = sign_in(&url, "grace").await;
        match end {
            "logout" => assert_eq!(ada.post("/logout").await.status, 200),
            "password" => {
                let token = town.reset_token("ada").await;
                assert_eq!(town.reset(&token, "another one of hers").await.status, 200);
                let token = town.reset_token("ada").await;
                assert_eq!(town.reset(&token, PASSWORD).await.status, 200);
            }
            _ => assert!(town.auth.users().disable(&id).await.unwrap()),
        }
        let answer = bring(&mut ada, &callback).await;
        assert_eq!(error(&answer), "invalid_state", "{end}");
        assert_eq!(town.owner("demo", "grace").await, "", "{end}");
    }
}

#[tokio::test]
async fn an_account_that_is_deleted_frees_its_identities() {
    let town = script().await;
    let mut ada = arrived(&town, "ada").await;
    link(&mut ada, "other", "grace").await;
    let id = town.id("ada").await;
    assert!(town.auth.users().delete(&id).await.unwrap());
    assert_eq!(me(&ada).await, "");
    assert_eq!(town.of("auth_identities", id).await, 0);
    town.heard();
    let mut again = arrived(&town, "ada").await;
    assert_eq!(town.heard(), ["registered ada", "Created ada by demo ada"]);
    assert_ne!(again.get("/me").await.json()["user_id"], id);
    assert_eq!(
        link(&mut again, "other", "grace").await.json()["detail"],
        "Identity linked."
    );

    // One that the application deleted by its own means leaves rows, which belong to nobody.
    let id = town.id("ada").await;
    let delete = "DELETE FROM users WHERE id = $1";
    town.db.query(delete).bind(id).execute().await;
    let mut grace = town.browser();
    by(&mut grace, "other", "grace").await;
    assert_eq!(me(&grace).await, "grace");
    link(&mut grace, "demo", "ada").await;
    assert_eq!(town.owner("demo", "ada").await, "grace");
}

#[tokio::test]
async fn a_reset_of_a_proven_address_keeps_the_identities() {
    let town = script().await;
    town.verified("ada").await;
    let mut ada = town.enters("ada").await;
    link(&mut ada, "loose", "ada").await;
    let token = town.reset_token("ada").await;
    assert_eq!(town.reset(&token, "another one of hers").await.status, 200);
    assert_eq!(me(&ada).await, "");
    let mut ada = town.browser();
    by(&mut ada, "loose", "ada").await;
    assert_eq!(me(&ada).await, "ada");
}

/// The block calls the same issuer by another name than it did: the identity is that provider's from the next sign-in on.
#[tokio::test]
async fn an_identity_goes_by_the_name_that_its_provider_has_now() {
    let town = script().await;
    let mut ada = arrived(&town, "ada").await;
    let renamed = "UPDATE auth_identities SET provider = 'former'";
    town.db.run(renamed).await;
    by(&mut ada, "demo", "ada").await;
    assert_eq!(me(&ada).await, "ada");
    let listed = ada.get("/oauth/identities").await.json();
    assert_eq!(listed[0]["provider"], "demo");
    // It is a way in again: another may be unlinked beside it.
    read_csrf(&mut ada);
    link(&mut ada, "other", "grace").await;
    let ids = identities(&ada).await;
    assert_eq!(unlink(&ada, &ids[1]).await.status, 200);
    assert_eq!(unlink(&ada, &ids[0]).await.code(), "last_way_in");
}

/// The provider of that name has another issuer by now, to whom the identity says nothing.
#[tokio::test]
async fn sec_107_an_identity_of_a_former_issuer_is_no_way_in() {
    let town = script().await;
    let mut ada = arrived(&town, "ada").await;
    read_csrf(&mut ada);
    town.clock.advance(Duration::from_mins(1));
    link(&mut ada, "other", "grace").await;
    let ids = identities(&ada).await;
    let moved =
        "UPDATE auth_identities SET issuer = 'https://former.example' WHERE provider = 'other'";
    town.db.run(moved).await;
    assert_eq!(unlink(&ada, &ids[0]).await.code(), "last_way_in");
    assert_eq!(unlink(&ada, &ids[1]).await.status, 200);
    assert_eq!(town.owner("demo", "ada").await, "ada");
}
