//! Whose account a provider's word opens, beside the table: subjects and addresses, what hooks hear, and what nobody hears.

use crudauth::Authority;
use serde_json::Value;

use crate::elsewhere::{bring, by, depart, error, me};
use crate::linked::{Town, link, script, site};
use crate::oidc::provider::Person;
use crate::oidc::sign_in;
use crate::support::{Answer, PASSWORD};

#[tokio::test]
async fn sec_105_only_two_proofs_and_trust_link_of_themselves() {
    let town = script().await;
    let mut number = 0;
    for trusted in [false, true] {
        for vouched in [false, true] {
            for proven in [false, true] {
                number += 1;
                let name = format!("ada{number}");
                if proven {
                    town.verified(&name).await;
                } else {
                    town.sign_up(&name).await;
                }
                let email = format!("{name}@example.com");
                let provider = if trusted { "demo" } else { "loose" };
                town.provider(provider)
                    .person(Person::new(&name, Some(&email), vouched));
                town.heard();
                let mut visitor = town.browser();
                let answer = by(&mut visitor, provider, &name).await;
                let linked = town
                    .heard()
                    .contains(&format!("Linked {name} by {provider} {name}"));
                assert_eq!(
                    linked,
                    trusted && vouched && proven,
                    "{trusted} {vouched} {proven}"
                );
                let owner = town.owner(provider, &name).await;
                // Without the account's own proof it is claimed: linked as it stands it is never.
                let opened = trusted && vouched;
                assert_eq!(owner.is_empty(), !opened, "{}", answer.text);
                let mut holder = town.browser();
                let entered = holder.login(&name, PASSWORD).await.status;
                let kept = proven || !opened;
                assert_eq!(
                    entered == 200,
                    kept,
                    "the password, {trusted} {vouched} {proven}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_account_of_whom_the_provider_knows_is_disabled() {
    for address in [None, Some("ada@example.com")] {
        let town = script().await;
        let mut ada = town.browser();
        by(&mut ada, "demo", "ada").await;
        let id = town.id("ada").await;
        assert!(town.auth.users().disable(&id).await.unwrap());
        assert_eq!(me(&ada).await, "", "at once");
        town.demo.person(Person::new("ada", address, true));
        let rows = town.rows().await;
        let answer = by(&mut town.browser(), "demo", "ada").await;
        assert_eq!(
            (answer.status.as_u16(), error(&answer)),
            (400, "account_inactive".to_owned())
        );
        assert_eq!(town.rows().await, rows);
        assert!(town.auth.users().enable(&id).await.unwrap());
        let mut again = town.browser();
        by(&mut again, "demo", "ada").await;
        assert_eq!(me(&again).await, "ada");
    }
}

#[tokio::test]
async fn sec_104_an_account_follows_its_subject_and_no_address() {
    let town = script().await;
    let mut ada = town.browser();
    by(&mut ada, "demo", "ada").await;
    let id = town.id("ada").await;
    town.verified("grace").await;
    // Another address, somebody else's, one that nobody proved, none.
    let told: [(Option<&str>, Value); 4] = [
        (Some("countess@example.org"), true.into()),
        (Some("grace@example.com"), true.into()),
        (Some("grace@example.com"), false.into()),
        (None, Value::Null),
    ];
    for (email, verified) in told {
        town.demo.person(Person::new("ada", email, verified));
        let mut again = town.browser();
        by(&mut again, "demo", "ada").await;
        let me = again.get("/me").await.json();
        assert_eq!(me["user_id"], id, "{email:?}");
        // What she is reached by here is her own affair.
        assert_eq!(me["email"], "ada@example.com");
        // For her to tell one from another, the list says the present one.
        let listed = again.get("/oauth/identities").await.json();
        assert_eq!(listed[0]["email"].as_str(), email, "{listed}");
    }
    assert_eq!(town.count("SELECT count(*) FROM users").await, 2);

    // Her former address at the provider, in other hands there, is not hers any more.
    town.demo
        .person(Person::new("heir", Some("countess@example.org"), true).named("Heir", "heir"));
    let mut heir = town.browser();
    by(&mut heir, "demo", "heir").await;
    assert_eq!(me(&heir).await, "heir");
}

#[tokio::test]
async fn sec_104_the_same_subject_at_another_provider_is_somebody_else() {
    let town = script().await;
    by(&mut town.browser(), "demo", "ada").await;
    town.other
        .person(Person::new("ada", Some("ada@elsewhere.example"), true).named("Ada", "ada"));
    let mut other = town.browser();
    by(&mut other, "other", "ada").await;
    assert_eq!(me(&other).await, "ada1");
    // Nor is a subject in other letters the same, nor one with a blank beside it.
    for (sub, name) in [("Ada", "ada2"), ("ada ", "ada3")] {
        let email = format!("{name}@elsewhere.example");
        town.demo
            .person(Person::new(sub, Some(&email), true).named("Ada", "ada"));
        let mut other = town.browser();
        by(&mut other, "demo", sub).await;
        assert_eq!(me(&other).await, name, "{sub:?}");
    }
}

#[tokio::test]
async fn the_address_is_read_as_sign_ups_read_it() {
    let town = script().await;
    town.verified("ada").await;
    for (sub, written) in [
        ("upper", "ADA@Example.COM"),
        ("blank", " ada@example.com "),
        ("wide", "ａda@example.com"),
    ] {
        let provider = if sub == "blank" { "other" } else { "demo" };
        town.provider(provider)
            .person(Person::new(sub, Some(written), true));
        let mut ada = town.browser();
        let answer = by(&mut ada, provider, sub).await;
        if sub == "wide" {
            // The account's second of this provider: the address was read as hers.
            assert_eq!(error(&answer), "provider_already_linked", "{written}");
        } else {
            assert_eq!(me(&ada).await, "ada", "{written}: {}", answer.text);
        }
    }
    assert_eq!(town.count("SELECT count(*) FROM users").await, 1);
}

/// Whatever stands behind the address: who has not proved it hears the same.
async fn silent<A: Authority>(town: &Town<A>) {
    town.verified("proven").await;
    town.sign_up("unproven").await;
    town.verified("disabled").await;
    let id = town.id("disabled").await;
    let disable = "UPDATE users SET is_active = (1 = 0) WHERE id = $1";
    town.db.query(disable).bind(id).execute().await;
    town.verified("linked").await;
    town.demo.person(Person::new("own", None, Value::Null));
    town.loose.person(Person::new("own", None, Value::Null));
    let mut linked = town.enters("linked").await;
    link(&mut linked, "demo", "own").await;
    link(&mut linked, "loose", "own").await;
    let rows = town.rows().await;
    let cases: [(&str, Value); 5] = [
        ("demo", false.into()),
        ("demo", "true".into()),
        ("demo", 1.into()),
        ("loose", true.into()),
        ("loose", false.into()),
    ];
    for (provider, verified) in cases {
        let mut heard = Vec::new();
        for name in ["free", "proven", "unproven", "disabled", "linked"] {
            let email = format!("{name}@example.com");
            town.provider(provider)
                .person(Person::new("nosy", Some(&email), verified.clone()));
            let mut nosy = town.browser();
            let url = depart(&mut nosy, provider, "?redirect_to=/dash").await;
            let callback = sign_in(&url, "nosy").await;
            let answer: Answer = bring(&mut nosy, &callback).await;
            let mut headers: Vec<_> = answer
                .headers
                .iter()
                .filter(|(name, _)| *name != "set-cookie" && *name != "x-request-id")
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect();
            headers.sort_by(|a, b| a.0.cmp(&b.0));
            heard.push((
                answer.status,
                answer.text.clone(),
                headers,
                answer.set_cookies().len(),
            ));
        }
        for other in &heard[1..] {
            assert_eq!(*other, heard[0], "{provider} {verified}");
        }
    }
    assert_eq!(town.rows().await, rows);
}

#[tokio::test]
async fn sec_032_a_visitor_who_has_not_proved_an_address_learns_nothing_of_it_by_redirects() {
    silent(&site().await).await;
}

#[tokio::test]
async fn sec_032_a_visitor_who_has_not_proved_an_address_learns_nothing_of_it_by_json() {
    silent(&script().await).await;
}

#[tokio::test]
async fn hooks_are_told_what_became_of_it_and_of_each_account_once() {
    let town = script().await;
    by(&mut town.browser(), "demo", "grace").await;
    assert_eq!(
        town.heard(),
        ["registered grace", "Created grace by demo grace"]
    );
    let mut grace = town.browser();
    by(&mut grace, "demo", "grace").await;
    assert_eq!(town.heard(), ["Known grace by demo grace"]);
    by(&mut town.browser(), "other", "grace").await;
    assert_eq!(town.heard(), ["Linked grace by other grace"]);
    link(&mut grace, "loose", "grace").await;
    assert_eq!(town.heard(), ["LinkedByOwner grace by loose grace"]);
    link(&mut grace, "loose", "grace").await;
    assert_eq!(town.heard(), [""; 0], "it was linked before");
    town.sign_up("ada").await;
    town.heard();
    by(&mut town.browser(), "demo", "ada").await;
    assert_eq!(town.heard(), ["Claimed ada by demo ada"]);
    by(&mut town.browser(), "demo", "mallory").await;
    assert_eq!(town.heard(), [""; 0]);
    // Nobody who came by a provider is asked to prove their address.
    town.deliver().await;
    let messages = town.mail.messages();
    assert!(
        messages
            .iter()
            .all(|message| message.to == "ada@example.com"),
        "{messages:?}"
    );
}
