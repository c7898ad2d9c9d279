//! Keys change while everybody goes on: no token is refused that should not be, and a retired key's tokens are dead
//! (SEC-075).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::jwt::SigningKeys;
use crudauth::testing::{Clock, TestBuilder};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::task::JoinSet;

use crate::support::{self, Client, Db, PASSWORD, TempDb, User};
use crate::tokens::{Both, Pair, me, refresh, token};

const OLD: &str = "old: 7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h";
const NEW: &str = "new: hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU";
const CALLERS: usize = 50;

/// One server of the application, under these secrets and perhaps a key of its own.
async fn server(
    file: &TempDb,
    clock: &Clock,
    secrets: &[&'static str],
    keys: Option<SigningKeys>,
) -> (Both, Client) {
    let pool = support::pool(&file.url(), 4).await;
    let builder = Both::builder(pool)
        .secrets(secrets.iter().copied())
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers();
    let auth = match keys {
        Some(keys) => builder.signing_keys(keys).await,
        None => builder.await,
    };
    let auth = auth.unwrap();
    let client = Client::new(auth.router());
    (auth, client)
}

/// A database with accounts in it, whom the server of the old secret has registered.
async fn people(file: &TempDb, server: &Client) -> Db {
    for number in 0..CALLERS {
        let client = server.clone().from(&support::fresh_address());
        let body = json!({ "email": format!("u{number}@example.com"), "username": format!("u{number}"), "password": PASSWORD });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    support::pool(&file.url(), 1).await
}

async fn pair(server: &Client, number: usize) -> Pair {
    let answer = token(server, &format!("u{number}"), PASSWORD, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Pair::of(&answer)
}

/// Everybody asks and renews at these servers in turn; what they hold afterwards.
async fn under_load(servers: &[Client], held: &[Pair]) -> Vec<Pair> {
    let mut callers = JoinSet::new();
    for (number, pair) in held.iter().enumerate() {
        let (servers, mut pair) = (servers.to_vec(), pair.clone());
        callers.spawn(async move {
            for turn in 0..6 {
                let server = &servers[(number + turn) % servers.len()];
                let told = me(server, &pair.access).await;
                assert_eq!(told.status, 200, "{number} {turn}: {}", told.text);
                let told = refresh(server, &pair.refresh).await;
                assert_eq!(told.status, 200, "{number} {turn}: {}", told.text);
                pair = Pair::of(&told);
            }
            pair
        });
    }
    callers.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_075_a_secret_is_replaced_under_load_and_refuses_nobody() {
    let (file, _pool) = support::database(2).await;
    let clock = Clock::manual();
    let (_, old) = server(&file, &clock, &[OLD], None).await;
    people(&file, &old).await;
    let mut held = Vec::new();
    for number in 0..CALLERS {
        held.push(pair(&old, number).await);
    }
    let asleep = pair(&old, 0).await;

    // Every server learns the new secret, then every server uses it, then every server forgets the old one.
    let (_, knows) = server(&file, &clock, &[OLD, NEW], None).await;
    let (_, uses) = server(&file, &clock, &[NEW, OLD], None).await;
    let (_, new) = server(&file, &clock, &[NEW], None).await;
    for fleet in [[&old, &knows], [&knows, &uses]] {
        held = under_load(&fleet.map(Client::clone), &held).await;
    }
    // One token at two servers of different secrets in use: one successor all the same.
    for pair in &held[..3] {
        let mut callers = JoinSet::new();
        for turn in 0..CALLERS {
            let (server, token) = ([&knows, &uses][turn % 2].clone(), pair.refresh.clone());
            callers.spawn(async move { refresh(&server, &token).await });
        }
        let answers = callers.join_all().await;
        let given: BTreeSet<_> = answers.iter().map(|told| Pair::of(told).refresh).collect();
        assert_eq!(given.len(), 1, "{given:?}");
        assert!(!given.contains(""));
    }
    clock.advance(Duration::from_mins(1));
    let mut held = Vec::new();
    for number in 0..CALLERS {
        held.push(pair(&knows, number).await);
    }
    held = under_load(std::slice::from_ref(&uses), &held).await;
    under_load(&[uses, new.clone()], &held).await;

    // Whoever slept through it is signed out: retiring a secret ends what it made.
    assert_eq!(me(&new, &asleep.access).await.code(), "invalid_token");
    let told = refresh(&new, &asleep.refresh).await;
    assert_eq!(told.code(), "refresh_token_invalid");
    assert_eq!(
        me(&knows, &asleep.access).await.status,
        200,
        "it is a secret's end, no account's"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_075_a_signing_key_is_replaced_while_fifty_are_served() {
    let (file, _pool) = support::database(2).await;
    let clock = Clock::manual();
    let keys = SigningKeys::hs256(OLD).unwrap();
    let (auth, client) = server(&file, &clock, &[support::SECRET], Some(keys)).await;
    people(&file, &client).await;
    let mut held = Vec::new();
    for number in 0..CALLERS {
        held.push(pair(&client, number).await);
    }
    let (stop, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut callers = JoinSet::new();
    for pair in held.clone() {
        let (client, stop, served) = (client.clone(), Arc::clone(&stop), Arc::clone(&served));
        callers.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let told = me(&client, &pair.access).await;
                assert_eq!(told.status, 200, "{}", told.text);
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let until = clock.now().plus(Duration::from_mins(10));
    let mut next = [NEW, OLD].into_iter().cycle();
    for swap in 1..=20 {
        // Whichever is the newer one, the other is known still.
        let (signs, verifies) = (next.next().unwrap(), if swap % 2 == 1 { OLD } else { NEW });
        let keys = SigningKeys::hs256(signs).unwrap();
        let other = SigningKeys::hs256(verifies).unwrap();
        let keys = keys.also_verify(other, until.to_datetime()).unwrap();
        auth.tokens().replace_keys(keys).unwrap();
        let before = served.load(Ordering::SeqCst);
        while served.load(Ordering::SeqCst) < before + 20 {
            if let Some(ended) = callers.try_join_next() {
                ended.unwrap();
            }
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    callers.join_all().await;

    let keys = SigningKeys::hs256(NEW).unwrap();
    let keys = keys.also_verify(SigningKeys::hs256(OLD).unwrap(), until.to_datetime());
    auth.tokens().replace_keys(keys.unwrap()).unwrap();
    let fresh = pair(&client, 0).await;
    for (wait, status) in [
        (Duration::from_secs(599), 200),
        (Duration::from_secs(1), 401),
    ] {
        clock.advance(wait);
        let told = me(&client, &held[1].access).await;
        assert_eq!(told.status, status, "{}", told.text);
        assert_eq!(me(&client, &fresh.access).await.status, 200);
    }
    assert_eq!(me(&client, &held[1].access).await.code(), "invalid_token");
    // Its refresh token is none of that key's.
    assert_eq!(refresh(&client, &held[1].refresh).await.status, 200);
}

/// A token as anybody writes one who has the key: HMAC-SHA256 over the text, under the bytes of `key`.
fn by_hand(key: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!(
        "{}.{}",
        part(&json!({ "alg": "HS256", "typ": "JWT" })),
        part(claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

#[tokio::test]
async fn a_key_of_ones_own_is_its_bytes() {
    let (file, _pool) = support::database(2).await;
    let clock = Clock::manual();
    let keys = SigningKeys::hs256(OLD).unwrap();
    let (_, client) = server(&file, &clock, &[support::SECRET], Some(keys)).await;
    let db = people(&file, &client).await;
    let (id, ver): (i64, i64) = (
        db.count("SELECT id FROM users WHERE username = 'u7'").await,
        db.count("SELECT token_version FROM users WHERE username = 'u7'")
            .await,
    );
    let now = clock.now().as_secs();
    let claims = json!({ "sub": id.to_string(), "ver": ver, "scopes": ["read"], "exp": now + 900, "iat": now,
        "token_type": "access" });
    let told = me(&client, &by_hand(OLD, &claims)).await;
    assert_eq!(
        (&told.json()["username"], &told.json()["scopes"]),
        (&json!("u7"), &json!(["read"]))
    );
    for key in [NEW, support::SECRET] {
        assert_eq!(
            me(&client, &by_hand(key, &claims)).await.code(),
            "invalid_token"
        );
    }
    // And what we write, anybody reads.
    let ours = pair(&client, 7).await.access;
    let (text, signature) = ours.rsplit_once('.').unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(OLD.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
    assert!(User::create_table_sql(db.dialect()).contains("token_version"));
}
