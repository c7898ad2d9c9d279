//! Keys come and go while tokens are in use.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;

fn named(secret: &str, kid: &str) -> SigningKeys {
    SigningKeys::hs256(secret).unwrap().kid(kid).unwrap()
}

fn is_read(keys: &TokenKeys, token: &str, now: Timestamp) -> bool {
    keys.verify("JWT", token, now).is_some()
}

#[test]
fn sec_075_one_key_signs_the_one_before_verifies_until_an_instant_and_then_is_gone() {
    let hour = Duration::from_hours(1);
    let until = NOW.plus(hour);
    let keys = TokenKeys::of(named(SECRET, "old"));
    let old = keys.sign("JWT", &[1]).unwrap();

    keys.replace(
        named(OTHER, "new")
            .also_verify(named(SECRET, "old"), until.to_datetime())
            .unwrap(),
    );
    let new = keys.sign("JWT", &[1]).unwrap();
    assert!(is_read(&keys, &old, NOW) && is_read(&keys, &new, NOW));
    let last = until.minus(Duration::from_micros(1));
    assert!(is_read(&keys, &old, last));
    assert!(!is_read(&keys, &old, until) && is_read(&keys, &new, until));
    assert!(
        TokenKeys::of(named(OTHER, "new"))
            .verify("JWT", &new, NOW)
            .is_some()
    );

    keys.replace(named(OTHER, "new"));
    assert!(!is_read(&keys, &old, NOW) && is_read(&keys, &new, NOW));
}

#[test]
fn sec_075_keys_without_a_name_rotate_as_well() {
    let until = NOW.plus(Duration::from_mins(1));
    let old = TokenKeys::of(hs()).sign("JWT", &[1]).unwrap();
    let keys = SigningKeys::hs256(OTHER)
        .unwrap()
        .also_verify(hs(), until.to_datetime())
        .unwrap();
    let keys = TokenKeys::of(keys);
    assert!(is_read(&keys, &old, NOW) && !is_read(&keys, &old, until));
    assert!(is_read(&keys, &keys.sign("JWT", &[1]).unwrap(), until));
}

#[test]
fn sec_075_derived_keys_follow_the_root_secrets() {
    let before = TokenKeys::derived(&roots(&[SECRET]), "auth_ users").unwrap();
    let during = TokenKeys::derived(&roots(&[OTHER, SECRET]), "auth_ users").unwrap();
    let after = TokenKeys::derived(&roots(&[OTHER]), "auth_ users").unwrap();
    let (old, new) = (
        before.sign("JWT", &[1]).unwrap(),
        during.sign("JWT", &[1]).unwrap(),
    );
    assert!(is_read(&during, &old, NOW) && is_read(&during, &new, NOW));
    assert!(!is_read(&after, &old, NOW) && is_read(&after, &new, NOW));
    assert!(!is_read(&before, &new, NOW));
    // The root secret itself is no key, although it is the same text.
    assert!(!is_read(
        &before,
        &forge(&hs(), &header(&hs()), CLAIMS),
        NOW
    ));
}

#[test]
fn a_name_stands_for_one_key() {
    let until = NOW.to_datetime();
    let twice = named(SECRET, "a").also_verify(named(OTHER, "a"), until);
    assert!(twice.unwrap_err().to_string().contains("one `kid`"));
    let renamed = named(SECRET, "a")
        .also_verify(named(OTHER, "b"), until)
        .unwrap()
        .kid("b");
    assert!(renamed.is_err());
    assert!(hs().also_verify(hs(), until).is_ok());
}

#[test]
fn of_other_signing_keys_only_the_one_that_signs_is_taken() {
    let far = NOW.plus(Duration::from_hours(1)).to_datetime();
    let oldest = named("kQ3nXzT5rKe8uGm2sWj9dLf4h7Yc1Vb0p", "oldest");
    let token = forge(&oldest, &header(&oldest), CLAIMS);
    let old = named(SECRET, "old").also_verify(oldest, far).unwrap();
    let keys = TokenKeys::of(named(OTHER, "new").also_verify(old, far).unwrap());
    assert!(!is_read(&keys, &token, NOW));
}

#[test]
fn sec_075_no_good_token_is_refused_while_keys_are_replaced() {
    let far = NOW.plus(Duration::from_hours(1)).to_datetime();
    let of = |n: u32| named(&format!("{n:08}-{SECRET}"), &n.to_string());
    let generation =
        |n: u32| (0..n).fold(of(n), |keys, old| keys.also_verify(of(old), far).unwrap());
    let keys = TokenKeys::of(generation(0));
    let (done, read) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let oldest = keys.sign("JWT", &[0]).unwrap();
                while !done.load(Ordering::SeqCst) {
                    let token = keys.sign("JWT", &[1]).unwrap();
                    assert!(is_read(&keys, &token, NOW) && is_read(&keys, &oldest, NOW));
                    read.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for n in 1..40 {
            keys.replace(generation(n));
            let before = read.load(Ordering::SeqCst);
            while read.load(Ordering::SeqCst) < before + 20 {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::SeqCst);
    });
}
