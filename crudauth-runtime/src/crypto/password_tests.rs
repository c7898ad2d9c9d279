//! The hasher, with cheap parameters except where the parameters are the point.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};

use argon2::{PasswordHasher, PasswordVerifier};

use super::*;

const ME: ClientKey = ClientKey::UNKNOWN;

fn policy(argon2: Argon2Params) -> PasswordPolicy {
    PasswordPolicy {
        argon2,
        permits: 2,
        ..PasswordPolicy::DEFAULT
    }
}

fn cheap() -> Passwords {
    Passwords::for_tests(&policy(Passwords::CHEAP), Random::system()).unwrap()
}

fn password(text: &str) -> Normalized {
    Normalized::new(text, 1024).unwrap()
}

fn stored(text: impl Into<String>) -> PasswordHash {
    PasswordHash::from_stored(text.into())
}

async fn opens(passwords: &Passwords, text: &str, hash: &PasswordHash) -> bool {
    passwords
        .verify(&password(text), Some(hash), ME)
        .await
        .unwrap()
        .ok
}

#[tokio::test]
async fn sec_001_only_argon2id_strings_with_a_fresh_salt() {
    let passwords = cheap();

    let one = passwords.hash(&password("same"), ME).await.unwrap();
    let two = passwords.hash(&password("same"), ME).await.unwrap();

    let (first, second) = (
        Phc::parse(one.as_stored()).unwrap(),
        Phc::parse(two.as_stored()).unwrap(),
    );
    assert!(one.as_stored().starts_with("$argon2id$v=19$m=32,t=1,p=1$") && one.is_usable());
    assert!(first.salt.len() >= 16 && first.digest.len() == 32);
    assert!(first.salt != second.salt && first.digest != second.digest);
    assert!(opens(&passwords, "same", &one).await && opens(&passwords, "same", &two).await);
    assert!(!opens(&passwords, "Same", &one).await);
}

#[test]
fn sec_002_weak_parameters_stop_the_start() {
    let start =
        |m_kib, t| Passwords::new(&policy(Argon2Params { m_kib, t, p: 1 }), Random::system());

    for (m_kib, t) in [
        (19 * 1024 - 1, 2),
        (19 * 1024, 1),
        (12 * 1024, 2),
        (12 * 1024 - 1, 4),
        (7 * 1024, 4),
        (7167, 99),
    ] {
        assert!(
            matches!(start(m_kib, t), Err(Error::Config(_))),
            "m = {m_kib}, t = {t}"
        );
    }
    for (m_kib, t) in [
        (19 * 1024, 2),
        (12 * 1024, 3),
        (7 * 1024, 5),
        (64 * 1024, 3),
    ] {
        assert!(start(m_kib, t).is_ok(), "m = {m_kib}, t = {t}");
    }
    let no_lanes = Argon2Params {
        p: 0,
        ..Argon2Params::DEFAULT
    };
    assert!(matches!(
        Passwords::new(&policy(no_lanes), Random::system()),
        Err(Error::Config(_))
    ));
}

#[tokio::test]
async fn hashes_pass_both_ways_between_us_and_the_argon2_crate() {
    let params = Argon2Params {
        m_kib: 64,
        t: 3,
        p: 2,
    };
    let passwords = Passwords::for_tests(&policy(params), Random::system()).unwrap();
    let theirs = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(64, 3, 2, None).unwrap(),
    );

    let foreign = theirs
        .hash_password_with_salt("pässword".as_bytes(), b"sixteen bytes ok")
        .unwrap()
        .to_string();
    let own = passwords.hash(&password("pässword"), ME).await.unwrap();

    let verdict = passwords
        .verify(&password("pässword"), Some(&stored(foreign)), ME)
        .await
        .unwrap();
    assert_eq!(
        verdict,
        Verdict {
            ok: true,
            rehash: false
        }
    );
    let read_there = argon2::PasswordHash::new(own.as_stored()).unwrap();
    assert!(
        theirs
            .verify_password("pässword".as_bytes(), &read_there)
            .is_ok()
    );
}

#[tokio::test]
async fn sec_003_other_parameters_are_checked_as_stored_and_asked_to_be_renewed() {
    let passwords = cheap();
    for params in [
        Argon2Params {
            m_kib: 16,
            t: 2,
            p: 2,
        },
        Argon2Params {
            m_kib: 128,
            t: 1,
            p: 1,
        },
    ] {
        let old = Passwords::for_tests(&policy(params), Random::system()).unwrap();
        let hash = old.hash(&password("right"), ME).await.unwrap();

        let right = passwords
            .verify(&password("right"), Some(&hash), ME)
            .await
            .unwrap();
        let wrong = passwords
            .verify(&password("wrong"), Some(&hash), ME)
            .await
            .unwrap();

        assert_eq!(
            right,
            Verdict {
                ok: true,
                rehash: true
            }
        );
        assert_eq!(
            wrong,
            Verdict {
                ok: false,
                rehash: false
            }
        );
    }
}

#[tokio::test]
async fn sec_006_hashing_leaves_the_async_thread_at_once() {
    // One async thread. Were the hash computed on it, the first poll would bring the result.
    let passwords = Passwords::new(&policy(Argon2Params::DEFAULT), Random::system()).unwrap();
    let secret = password("x");
    let mut hash = pin!(passwords.hash(&secret, ME));

    let first = hash.as_mut().poll(&mut Context::from_waker(Waker::noop()));

    assert!(first.is_pending());
    assert!(hash.await.is_ok());
}

#[tokio::test]
async fn sec_008_a_hash_that_has_begun_keeps_its_permit_to_the_end() {
    let queue = Queue::new(1, 4, Duration::from_secs(5));
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (finish, may_finish) = mpsc::channel::<()>();
    let permit = queue.enter(ME).await.unwrap();

    let caller = tokio::spawn(on_blocking_thread(permit, move || {
        begun.send(()).unwrap();
        may_finish.recv().unwrap();
    }));
    has_begun.await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());

    assert_eq!(queue.running(), 1);
    finish.send(()).unwrap();
    drop(queue.enter(ME).await.unwrap());
    assert_eq!((queue.running(), queue.waiting()), (0, 0));
}

#[tokio::test]
async fn sec_008_a_request_dropped_in_the_queue_is_never_hashed() {
    let passwords = Passwords::for_tests(
        &PasswordPolicy {
            permits: 1,
            ..policy(Passwords::CHEAP)
        },
        Random::system(),
    );
    let passwords = passwords.unwrap();
    let held = passwords.0.queue.enter(ME).await.unwrap();
    let secret = password("x");

    {
        let mut queued: Vec<_> = (0..20)
            .map(|_| Box::pin(passwords.verify(&secret, None, ME)))
            .collect();
        for request in &mut queued {
            assert!(
                request
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        assert_eq!(passwords.waiting(), 20);
    }
    assert_eq!((passwords.running(), passwords.waiting()), (1, 0));
    drop(held);

    let _ = passwords.verify(&secret, None, ME).await.unwrap();
    assert_eq!((passwords.hashes_done(), passwords.running()), (1, 0));
}

#[tokio::test]
async fn sec_007_a_burst_is_served_or_refused_and_the_permits_return() {
    let policy = PasswordPolicy {
        queue: 10,
        ..policy(Passwords::CHEAP)
    };
    let passwords = Passwords::for_tests(&policy, Random::system()).unwrap();

    let tasks: Vec<_> = (0..100_u8)
        .map(|n| {
            let passwords = passwords.clone();
            tokio::spawn(async move {
                passwords
                    .verify(&password("x"), None, ClientKey::new(&[n]))
                    .await
            })
        })
        .collect();
    let (mut served, mut refused) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => served += 1,
            Err(Error::Busy(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }

    assert!(served >= 12 && served + refused == 100, "{served} served");
    assert_eq!(
        (
            passwords.hashes_done(),
            passwords.running(),
            passwords.waiting()
        ),
        (served, 0, 0)
    );
}

#[tokio::test]
async fn sec_010_anything_but_a_hash_is_false_at_full_cost() {
    let passwords = cheap();
    let good = passwords
        .hash(&password("right"), ME)
        .await
        .unwrap()
        .as_stored()
        .to_owned();
    let before = passwords.hashes_done();
    let texts = [
        String::new(),
        "!".into(),
        "x".into(),
        "!unusable".into(),
        "right".into(),
        "\0".into(),
        "$".repeat(10_000),
        good[..good.len() / 2].into(),
        good.replace("m=32", "m=2147483648"),
        good.replace("m=32", "m=4294967295"),
        good.replace("m=32", "m=1"),
        good.replace("t=1", "t=4294967295"),
        good.replace("t=1", "t=0"),
        good.replace("p=1", "p=16777215"),
        good.replace("m=32,t=1,p=1", "m=32768,t=1,p=4096"),
        good.replace("argon2id", "argon2d"),
        format!("{good}$"),
        "$2b$12$abcdefghijklmnopqrstuv".into(),
    ];
    let rows: Vec<_> = texts
        .into_iter()
        .map(|text| Some(stored(text)))
        .chain([None])
        .collect();

    for row in &rows {
        let verdict = passwords
            .verify(&password("right"), row.as_ref(), ME)
            .await
            .unwrap();
        assert_eq!(
            verdict,
            Verdict {
                ok: false,
                rehash: false
            },
            "{:?}",
            row.as_ref().map(PasswordHash::as_stored)
        );
    }

    // One computation each, all with the parameters in force: those beyond reach are never tried.
    assert_eq!(passwords.hashes_done() - before, rows.len() as u64);
    assert!(!is_affordable(
        Argon2Params {
            m_kib: 1 << 31,
            t: 1,
            p: 1
        },
        Argon2Params::DEFAULT
    ));
    assert!(!is_affordable(
        Argon2Params {
            m_kib: 32,
            t: 17,
            p: 1
        },
        Argon2Params::DEFAULT
    ));
    assert!(!is_affordable(
        Argon2Params {
            m_kib: 1024,
            t: 1,
            p: 9
        },
        Argon2Params::DEFAULT
    ));
    assert!(is_affordable(
        Argon2Params {
            m_kib: 64 * 1024,
            t: 16,
            p: 8
        },
        Passwords::CHEAP
    ));
}

#[tokio::test]
async fn sec_022_every_outcome_costs_one_computation() {
    let passwords = cheap();
    let hash = passwords.hash(&password("right"), ME).await.unwrap();
    let unusable = PasswordHash::unusable(&Random::system()).unwrap();

    for (text, row) in [
        ("right", Some(&hash)),
        ("wrong", Some(&hash)),
        ("right", Some(&unusable)),
        ("right", None),
    ] {
        let before = passwords.hashes_done();
        let verdict = passwords.verify(&password(text), row, ME).await.unwrap();
        assert_eq!(passwords.hashes_done(), before + 1);
        assert_eq!(
            verdict.ok,
            text == "right" && row.is_some_and(PasswordHash::is_usable)
        );
    }
}

#[tokio::test]
async fn sec_012_every_byte_counts() {
    let passwords = cheap();
    let long = "é".repeat(100);
    let hash = passwords
        .hash(&password(&format!("{long}a")), ME)
        .await
        .unwrap();
    let with_nul = passwords.hash(&password("ab\0cd"), ME).await.unwrap();

    assert!(opens(&passwords, &format!("{long}a"), &hash).await);
    assert!(!opens(&passwords, &format!("{long}b"), &hash).await);
    assert!(!opens(&passwords, &long, &hash).await);
    assert!(opens(&passwords, "ab\0cd", &with_nul).await);
    assert!(
        !opens(&passwords, "ab\0ce", &with_nul).await && !opens(&passwords, "ab", &with_nul).await
    );
}

#[tokio::test]
async fn sec_015_two_spellings_of_one_password_open_each_others_account() {
    let passwords = cheap();
    let composed = passwords
        .hash(&password("caf\u{e9} au lait"), ME)
        .await
        .unwrap();

    assert!(opens(&passwords, "cafe\u{301} au lait", &composed).await);
    assert!(!opens(&passwords, "cafe au lait", &composed).await);
}

#[tokio::test]
async fn sec_140_no_salt_no_hash() {
    let passwords = Passwords::for_tests(&policy(Passwords::CHEAP), Random::failing()).unwrap();

    let refused = passwords.hash(&password("x"), ME).await;

    assert!(matches!(refused, Err(Error::Random)));
    assert_eq!(passwords.hashes_done(), 0);
    // Checking needs no randomness, and so still works.
    assert!(!passwords.verify(&password("x"), None, ME).await.unwrap().ok);
}
