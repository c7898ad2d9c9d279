//! The five attacks of "Pre-hijacked accounts" (Sudhodanan & Paverd, 2022, §3) where people sign in by a provider: whoever prepares
//! an account with somebody else's address has nothing of it when the owner comes.

use std::time::Duration;

use crudauth::mail::MessageKind;
use serde_json::json;

use crate::elsewhere::{bring, by, error, me};
use crate::linked::{Script, Town, ask_to_link, identities, link, script, sudo};
use crate::oidc::provider::Person;
use crate::oidc::sign_in;
use crate::support::{Answer, Client, PASSWORD};
use crate::tokens::{self, Pair};

/// The victim's own.
const NEW: &str = "the words of the owner";

/// The victim is `victim` here and at `demo`, the attacker `mallory` at `other`; both providers have proven their addresses.
async fn town() -> Town<Script> {
    let town = script().await;
    let person = |name: &str| {
        let email = format!("{name}@example.com");
        Person::new(name, Some(&email), true).named(name, name)
    };
    town.demo.person(person("victim"));
    town.other.person(person("mallory"));
    town
}

/// What an attacker holds who has registered the victim's address.
struct Trap {
    session: Client,
    pair: Pair,
    /// To the attacker's own mailbox.
    change: String,
    /// Half of a journey that would link the attacker's identity.
    callback: String,
}

async fn trap(town: &Town<Script>) -> Trap {
    town.sign_up("victim").await;
    let mut session = town.enters("victim").await;
    let pair = town.pair("victim").await;
    assert_eq!(sudo(&session, PASSWORD).await.status, 200);
    town.move_to(&session, "mallory").await;
    let change = town.token(MessageKind::ChangeEmail, "mallory");
    link(&mut session, "other", "mallory").await;
    town.loose.person(Person::new("mallory", None, false));
    let url = ask_to_link(&mut session, "loose").await;
    let callback = sign_in(&url, "mallory").await;
    Trap {
        session,
        pair,
        change,
        callback,
    }
}

/// The victim comes by the provider.
async fn claim(town: &Town<Script>) -> Client {
    let mut victim = town.browser();
    let answer = by(&mut victim, "demo", "victim").await;
    assert_eq!(me(&victim).await, "victim", "{}", answer.text);
    victim
}

/// The victim comes by the mailbox.
async fn reset(town: &Town<Script>) -> Client {
    let token = town.reset_token("victim").await;
    let answer = town.reset(&token, NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut victim = town.browser();
    assert_eq!(victim.login("victim", NEW).await.status, 200);
    victim
}

/// Nothing that was set up opens the account, or ever will.
async fn is_clean(town: &Town<Script>, mut trap: Trap, victim: &Client) {
    town.deliver().await;
    assert_eq!(me(&trap.session).await, "");
    assert_eq!(sudo(&trap.session, PASSWORD).await.status, 401);
    let client = town.browser();
    assert_eq!(tokens::me(&client, &trap.pair.access).await.status, 401);
    assert_eq!(
        tokens::refresh(&client, &trap.pair.refresh).await.status,
        401
    );
    let moved = town.confirm("/email/change-confirm", &trap.change).await;
    assert_eq!(moved.code(), "link_dead");
    let brought = bring(&mut trap.session, &trap.callback).await;
    assert_eq!(error(&brought), "invalid_state");
    for name in ["victim", "victim@example.com", "mallory@example.com"] {
        let status = town.browser().login(name, PASSWORD).await.status;
        assert_eq!(status, 401, "{name}");
    }
    let mut attacker = town.browser();
    by(&mut attacker, "other", "mallory").await;
    assert_eq!(me(&attacker).await, "mallory", "an account of one's own");

    let id = town.id("victim").await;
    assert_eq!(town.of("auth_sessions", id).await, 1, "the victim's");
    for table in [
        "auth_refresh_tokens",
        "auth_elevations",
        "auth_oauth_states",
    ] {
        assert_eq!(town.of(table, id).await, 0, "{table}");
    }
    let open = "SELECT count(*) FROM auth_tokens WHERE used_at IS NULL";
    assert_eq!(town.count(open).await, 0);
    let told = victim.get("/me").await.json();
    assert_eq!(told["email"], "victim@example.com");
}

/// (1) The account is there already, with a password, when its address comes by a provider. Advisory 12: `PocketBase`
/// CVE-2024-38351, better-auth GHSA-g38m-r43w-p2q7.
#[tokio::test]
async fn sec_106_classic_federated_merge_leaves_no_password() {
    let town = town().await;
    let trap = trap(&town).await;
    let victim = claim(&town).await;
    is_clean(&town, trap, &victim).await;
    assert_eq!(identities(&victim).await.len(), 1);
    assert_eq!(town.owner("demo", "victim").await, "victim");
    // The victim goes on with a password, or without one.
    let body = json!({ "new_password": NEW });
    assert_eq!(victim.post_json("/set-password", &body).await.status, 200);
    assert_eq!(town.browser().login("victim", NEW).await.status, 200);
}

/// (2) The attacker keeps a session alive until then, proven by the password a moment ago, and a program's tokens.
#[tokio::test]
async fn sec_106_an_unexpired_session_is_over_when_the_owner_comes_by_a_provider() {
    let town = town().await;
    let mut trap = trap(&town).await;
    for _ in 0..10 {
        town.clock.advance(Duration::from_mins(20));
        assert_eq!(me(&trap.session).await, "victim");
        let answer = tokens::refresh(&town.browser(), &trap.pair.refresh).await;
        trap.pair = Pair::of(&answer);
    }
    assert_eq!(sudo(&trap.session, PASSWORD).await.status, 200);
    let victim = claim(&town).await;
    is_clean(&town, trap, &victim).await;
}

/// (3) The attacker links an identity of their own, which is forgotten with the password.
#[tokio::test]
async fn sec_106_a_trojan_identifier_opens_nothing_after_a_reset() {
    let town = town().await;
    let trap = trap(&town).await;
    assert_eq!(town.owner("other", "mallory").await, "victim");
    let victim = reset(&town).await;
    assert_eq!(identities(&victim).await, [""; 0]);
    is_clean(&town, trap, &victim).await;
}

/// The same where the victim comes by a provider: even by the one that the attacker linked an identity of.
#[tokio::test]
async fn sec_106_a_trojan_identifier_keeps_no_owner_out_of_a_provider() {
    let town = town().await;
    town.other
        .person(Person::new("victim", Some("victim@example.com"), true));
    let trap = trap(&town).await;
    let mut victim = town.browser();
    by(&mut victim, "other", "victim").await;
    assert_eq!(me(&victim).await, "victim");
    assert_eq!(identities(&victim).await.len(), 1);
    is_clean(&town, trap, &victim).await;
}

/// (4) The attacker has asked to move the account to their own address, and keeps the link.
#[tokio::test]
async fn sec_106_an_unexpired_change_of_address_is_void_when_the_owner_comes_by_a_provider() {
    let town = town().await;
    let trap = trap(&town).await;
    // And once more, so late that it is mailed after the victim has come.
    let body = json!({ "new_email": "late@example.com", "password": PASSWORD });
    let asked = trap.session.post_json("/email/change-request", &body).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let victim = claim(&town).await;
    is_clean(&town, trap, &victim).await;
    let late = town.message(MessageKind::ChangeEmail, "late");
    assert!(late.is_none(), "{late:?}");
}

/// (4b) The attacker's former address has a way back to it, which is void as well.
#[tokio::test]
async fn sec_106_a_former_address_has_no_way_back_to_what_a_provider_has_proven() {
    let town = town().await;
    town.sign_up("mallory").await; // whose address nobody proves
    let session = town.enters("mallory").await;
    town.move_to(&session, "victim").await;
    let token = town.token(MessageKind::ChangeEmail, "victim");
    let unwitting = town.confirm("/email/change-confirm", &token).await;
    assert_eq!(unwitting.status, 200);
    town.deliver().await;
    let way_back = town.token(MessageKind::EmailChanged, "mallory");
    // As an application that takes the proof back would have it.
    let id = town.id("mallory").await;
    assert!(town.auth.users().set_verified(&id, false).await.unwrap());

    let mut victim = town.browser();
    by(&mut victim, "demo", "victim").await;
    assert_eq!(victim.get("/me").await.json()["user_id"], id);
    let answer = town.confirm("/email/change-undo", &way_back).await;
    assert_eq!(answer.code(), "link_dead");
    assert_eq!(me(&session).await, "");
}

/// (5) The attacker has the victim's address at a provider that does not prove it, before the victim is here, and after.
#[tokio::test]
async fn sec_106_a_provider_that_proves_nothing_opens_nothing() {
    let town = town().await;
    let email = Some("victim@example.com");
    town.other.person(Person::new("mallory", email, false));
    town.loose.person(Person::new("mallory", email, true));
    let refused = async || {
        let rows = town.rows().await;
        for (provider, code) in [("other", "email_unverified"), ("loose", "link_required")] {
            let mut attacker = town.browser();
            let answer: Answer = by(&mut attacker, provider, "mallory").await;
            assert_eq!(error(&answer), code);
            assert_eq!(me(&attacker).await, "");
        }
        assert_eq!(town.rows().await, rows);
    };
    refused().await;
    assert_eq!(town.count("SELECT count(*) FROM users").await, 0);
    town.sign_up("victim").await;
    refused().await;
    let token = town.token(MessageKind::VerifyEmail, "victim");
    let answer = town.confirm("/email/verify-confirm", &token).await;
    assert_eq!(answer.status, 200);
    refused().await;
    let victim = town.enters("victim").await;
    assert_eq!(identities(&victim).await, [""; 0]);
}

/// (3b) The victim takes the attacker's sign-up for their own, and proves the address by its link. The password that they choose
/// afterwards is then no first proof any more, and must not be needed as one.
#[tokio::test]
async fn sec_106_a_trojan_identifier_is_gone_when_the_mailbox_is_proven_by_its_link() {
    let town = town().await;
    let mut trap = trap(&town).await;
    let token = town.token(MessageKind::VerifyEmail, "victim");
    let proven = town.confirm("/email/verify-confirm", &token).await;
    assert_eq!(proven.status, 200, "{}", proven.text);
    assert_eq!(identities(&trap.session).await, [""; 0]);
    let brought = bring(&mut trap.session, &trap.callback).await;
    assert_eq!(error(&brought), "invalid_state");
    reset(&town).await;
    let mut attacker = town.browser();
    by(&mut attacker, "other", "mallory").await;
    assert_eq!(me(&attacker).await, "mallory", "an account of one's own");
}

/// A proven account keeps what it has when another link proves it once more.
#[tokio::test]
async fn a_second_proof_of_an_address_unlinks_nothing() {
    let town = town().await;
    town.sign_up("victim").await;
    let token = town.token(MessageKind::VerifyEmail, "victim");
    let id = town.id("victim").await;
    town.auth.users().set_verified(&id, true).await.unwrap();
    let mut session = town.enters("victim").await;
    link(&mut session, "demo", "victim").await;
    let proven = town.confirm("/email/verify-confirm", &token).await;
    assert_eq!(proven.status, 200, "{}", proven.text);
    assert_eq!(identities(&session).await.len(), 1);
}

/// Whoever took the session over moved the account away, and linked an identity, which goes with the move.
#[tokio::test]
async fn what_a_thief_links_goes_when_the_change_of_address_is_taken_back() {
    let town = town().await;
    town.verified("victim").await;
    let mut session = town.enters("victim").await;
    link(&mut session, "demo", "victim").await;
    town.clock.advance(Duration::from_mins(1));
    town.move_to(&session, "mallory").await;
    let token = town.token(MessageKind::ChangeEmail, "mallory");
    assert_eq!(
        town.confirm("/email/change-confirm", &token).await.status,
        200
    );
    town.deliver().await;
    town.clock.advance(Duration::from_mins(1));
    link(&mut session, "other", "mallory").await;
    assert_eq!(identities(&session).await.len(), 2);

    let way_back = town.token(MessageKind::EmailChanged, "victim");
    let answer = town.confirm("/email/change-undo", &way_back).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(town.owner("other", "mallory").await, "");
    assert_eq!(
        town.owner("demo", "victim").await,
        "victim",
        "the owner's own"
    );
}
