//! Whose account a provider's word opens (contract §3.9): every row, in both modes, and what it leaves in the tables.

use crudauth::Authority;
use serde_json::Value;

use crate::elsewhere::{bring, by, depart, error, me};
use crate::linked::{Town, link, script, site};
use crate::oidc::provider::Person;
use crate::oidc::sign_in;
use crate::support::{Answer, Client, PASSWORD};
use crate::tokens::{self, Pair};

/// The address, as the provider tells it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Address {
    Absent,
    Unverified,
    /// Said to be verified by a text, which is no boolean.
    Text,
    Verified,
}

/// The account that has that address here.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Account {
    None,
    Proven,
    Unproven,
    Disabled,
    /// Proven, and linked with somebody else of this provider.
    Occupied,
    /// Proven, and linked with somebody of another provider.
    Elsewhere,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    /// The identity is linked with yet another account already.
    known: bool,
    address: Address,
    account: Account,
    trusted: bool,
}

/// What contract §3.9 says of it: what becomes of the account, or the refusal.
fn expected(row: Row) -> Result<&'static str, &'static str> {
    use Account::{Disabled, Elsewhere, None, Occupied, Proven, Unproven};
    match (row.known, row.trusted, row.address, row.account) {
        (true, ..) => Ok("Known"),
        (_, false, ..) => Err("link_required"),
        (_, _, Address::Absent, _) => Err("email_missing"),
        (_, _, Address::Unverified | Address::Text, _) => Err("email_unverified"),
        (_, _, _, Disabled) => Err("account_inactive"),
        (_, _, _, Occupied) => Err("provider_already_linked"),
        (_, _, _, Proven | Elsewhere) => Ok("Linked"),
        (_, _, _, Unproven) => Ok("Claimed"),
        (_, _, _, None) => Ok("Created"),
    }
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for known in [false, true] {
        for address in [
            Address::Absent,
            Address::Unverified,
            Address::Text,
            Address::Verified,
        ] {
            for account in [
                Account::None,
                Account::Proven,
                Account::Unproven,
                Account::Disabled,
                Account::Occupied,
                Account::Elsewhere,
            ] {
                for trusted in [true, false] {
                    rows.push(Row {
                        known,
                        address,
                        account,
                        trusted,
                    });
                }
            }
        }
    }
    rows
}

/// What the account's holder had before.
struct Before {
    browser: Client,
    pair: Pair,
}

/// Makes what the row begins with, under names with `number` in them.
async fn prepare<A: Authority>(town: &Town<A>, row: Row, number: usize) -> Option<Before> {
    let provider = if row.trusted { "demo" } else { "loose" };
    let (account, holder, sub) = (
        format!("a{number}"),
        format!("k{number}"),
        format!("s{number}"),
    );
    let person = |sub: &str| Person::new(sub, None, Value::Null);
    if row.known {
        town.provider(provider).person(person(&sub));
        town.verified(&holder).await;
        let mut holder = town.enters(&holder).await;
        link(&mut holder, provider, &sub).await;
    }
    let before = if row.account == Account::None {
        None
    } else {
        if row.account == Account::Unproven {
            town.sign_up(&account).await;
        } else {
            town.verified(&account).await;
        }
        let mut browser = town.enters(&account).await;
        let pair = town.pair(&account).await;
        let at = match row.account {
            Account::Occupied => Some(provider),
            Account::Elsewhere => Some("other"),
            _ => None,
        };
        if let Some(at) = at {
            let sub = format!("x{number}");
            town.provider(at).person(person(&sub));
            link(&mut browser, at, &sub).await;
        }
        if row.account == Account::Disabled {
            let id = town.id(&account).await;
            town.db
                .query("UPDATE users SET is_active = (1 = 0) WHERE id = $1")
                .bind(id)
                .execute()
                .await;
        }
        Some(Before { browser, pair })
    };
    let email = format!("a{number}@example.com");
    let told: (Option<&str>, Value) = match row.address {
        Address::Absent => (None, Value::Null),
        Address::Unverified => (Some(&email), false.into()),
        Address::Text => (Some(&email), "true".into()),
        Address::Verified => (Some(&email), true.into()),
    };
    let person = Person::new(&sub, told.0, told.1);
    town.provider(provider)
        .person(person.named("Anna", &account));
    before
}

async fn check<A: Authority>(town: &Town<A>, row: Row, number: usize) {
    let before = prepare(town, row, number).await;
    let provider = if row.trusted { "demo" } else { "loose" };
    let (account, sub) = (format!("a{number}"), format!("s{number}"));
    let rows = town.rows().await;
    town.heard();
    let mut visitor = town.browser();
    let answer = by(&mut visitor, provider, &sub).await;
    let after = town.rows().await;
    let changed = |table: &str| {
        let less = |some: &[String], others: &[String]| {
            some.iter().filter(|row| !others.contains(row)).count()
        };
        let (was, is) = (&rows[table], &after[table]);
        (less(was, is), less(is, was))
    };
    let outcome = match expected(row) {
        Ok(outcome) => outcome,
        Err(code) => {
            assert_eq!(error(&answer), code, "{row:?}: {}", answer.text);
            assert_eq!(rows, after, "{row:?}");
            assert_eq!(town.heard(), [""; 0], "{row:?}");
            assert_eq!(me(&visitor).await, "", "{row:?}");
            assert_eq!(visitor.cookies.len(), 0, "{row:?}");
            return;
        }
    };
    let mine = if row.known {
        format!("k{number}")
    } else {
        account
    };
    assert_eq!(error(&answer), "", "{row:?}: {}", answer.text);
    assert_eq!(me(&visitor).await, mine, "{row:?}");
    assert_eq!(town.owner(provider, &sub).await, mine, "{row:?}");
    let mut heard = vec![format!("{outcome} {mine} by {provider} {sub}")];
    if outcome == "Created" {
        heard.insert(0, format!("registered {mine}"));
    }
    assert_eq!(town.heard(), heard, "{row:?}");
    // What went of a table, and what came: an identity that is used is written anew.
    let (users, identities, sessions, tokens) = match outcome {
        "Known" => ((0, 0), (1, 1), (0, 1), (0, 0)),
        "Linked" => ((0, 0), (0, 1), (0, 1), (0, 0)),
        "Claimed" => ((1, 1), (0, 1), (1, 1), (1, 0)),
        _ => ((0, 1), (0, 1), (0, 1), (0, 0)),
    };
    assert_eq!(changed("users"), users, "{row:?}");
    assert_eq!(changed("auth_sessions"), sessions, "{row:?}");
    assert_eq!(changed("auth_refresh_tokens"), tokens, "{row:?}");
    let (gone, come) = changed("auth_identities");
    // An equal row, used within the same instant, has not changed.
    assert!(
        (gone, come) == identities || (outcome == "Known" && (gone, come) == (0, 0)),
        "{row:?}: {gone} {come}"
    );
    let lives = row.account != Account::Disabled && outcome != "Claimed";
    if let Some(before) = before {
        let status = if lives { 200 } else { 401 };
        assert_eq!(
            before.browser.get("/me").await.status,
            status,
            "session, {row:?}"
        );
        let client = town.browser();
        let refreshed = tokens::refresh(&client, &before.pair.refresh).await;
        assert_eq!(refreshed.status, status, "token, {row:?}");
        let mut holder = town.browser();
        let entered = holder.login(&format!("a{number}"), PASSWORD).await;
        assert_eq!(entered.status, status, "password, {row:?}");
    }
    if matches!(outcome, "Claimed" | "Created") {
        let is = "SELECT count(*) FROM users WHERE username = $1 AND email = $2 AND email_verified AND password_hash LIKE '!%'";
        let query = town.db.query(is).bind(&mine);
        let query = query.bind(format!("a{number}@example.com"));
        assert_eq!(query.scalar::<i64>().await, 1, "{row:?}");
    }
}

async fn every_row<A: Authority>(town: &Town<A>) {
    for (number, row) in rows().into_iter().enumerate() {
        check(town, row, number).await;
    }
}

#[tokio::test]
async fn sec_105_every_row_of_the_table_opens_what_it_says_by_redirects() {
    every_row(&site().await).await;
}

#[tokio::test]
async fn sec_105_every_row_of_the_table_opens_what_it_says_by_json() {
    every_row(&script().await).await;
}

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
