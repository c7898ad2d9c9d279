//! Whose account a provider's word opens (contract §3.9): every row, in both modes, and what it leaves in the tables.

use crudauth::Authority;
use serde_json::Value;

use crate::elsewhere::{by, error, me};
use crate::linked::{Town, club, kept, link, script, site};
use crate::oidc::provider::Person;
use crate::support::{Client, PASSWORD};
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
    let (mut users, mut identities, sessions, tokens) = match outcome {
        "Known" => ((0, 0), (1, 1), (0, 1), (0, 0)),
        "Linked" => ((0, 0), (0, 1), (0, 1), (0, 0)),
        "Claimed" => ((1, 1), (0, 1), (1, 1), (1, 0)),
        _ => ((0, 1), (0, 1), (0, 1), (0, 0)),
    };
    if kept::<A>(provider).is_some() {
        identities = (0, 0); // the account's row says it
        if outcome == "Linked" {
            users = (1, 1);
        }
    }
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
async fn sec_105_every_row_of_the_table_opens_what_it_says_by_columns() {
    every_row(&club().await).await;
}

#[tokio::test]
async fn sec_105_every_row_of_the_table_opens_what_it_says_by_json() {
    every_row(&script().await).await;
}
