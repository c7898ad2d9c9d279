//! Claims under a signature that is good.

use serde_json::json;

use super::*;
use crate::crypto::jws::SigningKeys;
use crate::crypto::jws::tests::{NOW, forge, hs};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const SECOND: Duration = Duration::from_secs(1);
const RULES: AccessRules = AccessRules::new(Duration::from_mins(15));

fn keys() -> TokenKeys {
    TokenKeys::of(hs())
}

fn now() -> i64 {
    NOW.as_secs()
}

fn new() -> NewClaims<'static> {
    NewClaims {
        sub: "1",
        ver: 3,
        now: NOW,
        until: None,
        jti: Some("a-token"),
        sid: Some("a-family"),
        scopes: &["read", "reports:read"],
        extra: Map::new(),
    }
}

/// The claims of a good token that is one minute old.
fn claims() -> Value {
    json!({
        "sub": "1", "ver": 0, "exp": now() + 840, "token_type": "access", "scopes": ["read"], "iat": now() - 60
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn judge_text(rules: &AccessRules, claims: &str, now: Timestamp) -> Verdict {
    let token = forge(&hs(), HEADER, claims.as_bytes());
    read(&keys(), rules, &token, now)
}

fn judge(rules: &AccessRules, claims: &Value) -> Verdict {
    let verdict = judge_text(rules, &claims.to_string(), NOW);
    // A claim of the application's leads through the other reading, which must not be another judgement.
    let mut more = claims.clone();
    if more.is_object() {
        more["plan"] = json!("pro");
        let other = judge_text(rules, &more.to_string(), NOW);
        assert_eq!(kind(&verdict), kind(&other), "{more}");
    }
    verdict
}

fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Good(_) => "good",
        Verdict::Expired => "expired",
        Verdict::Invalid => "invalid",
    }
}

#[test]
fn what_is_issued_is_believed_word_for_word() {
    let token = issue(&keys(), &RULES, &new()).unwrap();
    let Verdict::Good(claims) = read(&keys(), &RULES, &token, NOW) else {
        panic!("{token}")
    };
    let expected = AccessClaims {
        sub: "1".to_owned(),
        ver: 3,
        exp: now() + 900,
        iat: now(),
        nbf: None,
        jti: Some("a-token".to_owned()),
        sid: Some("a-family".to_owned()),
        scopes: vec!["read".to_owned(), "reports:read".to_owned()],
        extra: Map::new(),
    };
    assert_eq!(claims, expected);
    let written = keys().verify("JWT", &token, NOW).unwrap();
    assert_eq!(
        String::from_utf8_lossy(written.payload()),
        format!(
            r#"{{"sub":"1","ver":3,"exp":{},"token_type":"access","scopes":["read","reports:read"],"iat":{},"jti":"a-token","sid":"a-family"}}"#,
            now() + 900,
            now()
        )
    );
}

#[test]
fn a_token_ends_with_what_it_was_made_from() {
    let ends = |seconds| {
        let until = NOW.plus(Duration::from_secs(seconds));
        let token = issue(
            &keys(),
            &RULES,
            &NewClaims {
                until: Some(until),
                ..new()
            },
        )
        .unwrap();
        match read(&keys(), &RULES, &token, NOW) {
            Verdict::Good(claims) => claims.exp - now(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((ends(60), ends(900), ends(86_400)), (60, 900, 900));
}

#[test]
fn claims_of_the_application_come_back_and_may_not_take_our_names() {
    let extra = json!({"plan": "pro", "org": {"id": 7, "roles": ["a", null, 1.5]}, "scope": "x"});
    let Value::Object(extra) = extra else {
        panic!()
    };
    let claims = NewClaims {
        extra: extra.clone(),
        ..new()
    };
    let token = issue(&keys(), &RULES, &claims).unwrap();
    match read(&keys(), &RULES, &token, NOW) {
        Verdict::Good(claims) => assert_eq!((claims.extra, claims.ver), (extra, 3)),
        other => panic!("{other:?}"),
    }
    for name in RESERVED {
        let extra = Map::from_iter([(name.to_owned(), json!("x"))]);
        let error = issue(&keys(), &RULES, &NewClaims { extra, ..new() }).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn sec_069_a_token_of_another_purpose_or_type_is_no_access_token() {
    for kind in ["refresh", "", "Access", "access ", "id", "verify_email"] {
        assert_eq!(
            judge(&RULES, &with("token_type", json!(kind))),
            Verdict::Invalid
        );
    }
    // The other tokens of contract §3.2, signed with the same key.
    for claims in [
        json!({"sub": "1", "ver": 0, "scopes": ["read"], "iat": now(), "exp": now() + 60, "token_type": "refresh"}),
        json!({"sub": "1", "purpose": "verify_email", "exp": now() + 60, "iat": now(), "state": "00"}),
    ] {
        assert_eq!(judge(&RULES, &claims), Verdict::Invalid);
    }
    let at_jwt = AccessRules {
        typ: "at+jwt",
        ..RULES
    };
    let (plain, typed) = (
        issue(&keys(), &RULES, &new()).unwrap(),
        issue(&keys(), &at_jwt, &new()).unwrap(),
    );
    assert_eq!(kind(&read(&keys(), &at_jwt, &typed, NOW)), "good");
    assert_eq!(read(&keys(), &RULES, &typed, NOW), Verdict::Invalid);
    assert_eq!(read(&keys(), &at_jwt, &plain, NOW), Verdict::Invalid);
}

#[test]
fn sec_070_each_claim_is_there_and_of_its_type() {
    assert_eq!(kind(&judge(&RULES, &claims())), "good");
    for name in ["sub", "ver", "exp", "token_type", "scopes", "iat"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(judge(&RULES, &claims), Verdict::Invalid, "{name}");
    }
    let odd = [
        json!(null),
        json!(true),
        json!(1.0),
        json!(1.5),
        json!(""),
        json!("1"),
        json!([]),
        json!([1]),
        json!([null]),
        json!([["read"]]),
        json!({}),
        json!({"0": "read"}),
        json!("1700000000"),
    ];
    for name in RESERVED {
        for value in &odd {
            let fine = match name {
                "sub" => value.as_str().is_some_and(|text| !text.is_empty()),
                "jti" | "sid" => value.is_string(),
                "scopes" => *value == json!([]),
                _ => false, // `iss` and `aud` are not asked for here
            };
            let verdict = judge(&RULES, &with(name, value.clone()));
            assert_eq!(
                kind(&verdict),
                if fine { "good" } else { "invalid" },
                "{name}: {value}"
            );
        }
    }
    for text in ["", "[]", "1", "null", "\"x\"", "{}", "[[],{}]"] {
        assert_eq!(judge_text(&RULES, text, NOW), Verdict::Invalid, "{text}");
    }
    // A list in the order of the struct is no object.
    let list = json!(["1", 0, now() + 60, "access", ["read"], now()]);
    assert_eq!(judge(&RULES, &list), Verdict::Invalid);
}

#[test]
fn sec_070_issuer_and_audience_are_as_configured_and_otherwise_absent() {
    let ours = AccessRules {
        issuer: Some("https://us.example"),
        audience: Some("api"),
        ..RULES
    };
    let token = issue(&keys(), &ours, &new()).unwrap();
    assert_eq!(kind(&read(&keys(), &ours, &token, NOW)), "good");
    assert_eq!(read(&keys(), &RULES, &token, NOW), Verdict::Invalid);
    let plain = issue(&keys(), &RULES, &new()).unwrap();
    assert_eq!(read(&keys(), &ours, &plain, NOW), Verdict::Invalid);

    let issuer = AccessRules {
        audience: None,
        ..ours
    };
    for (iss, good) in [
        (json!("https://us.example"), true),
        (json!("https://us.example/"), false),
        (json!("https://US.example"), false),
        (json!(["https://us.example"]), false),
        (json!(""), false),
        (json!(null), false),
        (json!(1), false),
    ] {
        assert_eq!(
            kind(&judge(&issuer, &with("iss", iss.clone()))) == "good",
            good,
            "{iss}"
        );
        assert_eq!(judge(&RULES, &with("iss", iss)), Verdict::Invalid);
    }
    let audience = AccessRules {
        issuer: None,
        ..ours
    };
    for (aud, good) in [
        (json!("api"), true),
        (json!(["api"]), true),
        (json!(["web", "api"]), true),
        (json!(["api", "api"]), true),
        (json!("web"), false),
        (json!("api web"), false),
        (json!("API"), false),
        (json!(""), false),
        (json!([]), false),
        (json!(["web"]), false),
        (json!(["api", 1]), false),
        (json!(["api", null]), false),
        (json!([["api"]]), false),
        (json!({"api": true}), false),
        (json!(null), false),
        (json!(1), false),
    ] {
        assert_eq!(
            kind(&judge(&audience, &with("aud", aud.clone()))) == "good",
            good,
            "{aud}"
        );
        assert_eq!(judge(&RULES, &with("aud", aud)), Verdict::Invalid);
    }
}

#[test]
fn sec_070_clocks_may_differ_by_the_leeway_and_not_by_a_second_more() {
    let at = |claims: &Value, now| kind(&judge_text(&RULES, &claims.to_string(), now));
    let (early, late) = (
        |seconds: u64| NOW.minus(SECOND * u32::try_from(seconds).unwrap()),
        |seconds: u64| NOW.plus(SECOND * u32::try_from(seconds).unwrap()),
    );
    let fresh = json!({
        "sub": "1", "ver": 0, "exp": now() + 900, "token_type": "access", "scopes": [], "iat": now(), "nbf": now() + 10
    });
    let mut plain = fresh.clone();
    plain.as_object_mut().unwrap().remove("nbf");

    // Issued in the future.
    assert_eq!(
        ["good", "good", "invalid"],
        [29, 30, 31].map(|s| at(&plain, early(s)))
    );
    // Not good yet.
    assert_eq!(
        ["good", "good", "invalid"],
        [19, 20, 21].map(|s| at(&fresh, early(s)))
    );
    // No longer good.
    assert_eq!(
        ["good", "good", "expired", "expired"],
        [899, 929, 930, 931].map(|s| at(&fresh, late(s)))
    );
    let strict = AccessRules {
        leeway: Duration::ZERO,
        ..RULES
    };
    let at = |seconds| kind(&judge_text(&strict, &plain.to_string(), late(seconds)));
    assert_eq!(["good", "good", "expired"], [0, 899, 900].map(at));
    assert_eq!(
        kind(&judge_text(&strict, &plain.to_string(), early(1))),
        "invalid"
    );
}

#[test]
fn sec_071_dates_are_whole_numbers_of_a_calendar() {
    for name in ["exp", "iat", "nbf"] {
        for text in [
            "1.7e9",
            "17e8",
            "1700000000.0",
            "1700000000.5",
            "-1",
            "-0",
            "-1700000000",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "1e308",
            "1e999",
            "253402300800",
            "\"1700000000\"",
            "NaN",
            "Infinity",
            "-Infinity",
            "null",
            "true",
            "0x6553f100",
            "01700000000",
            "+1700000000",
            "1_700_000_000",
            "[1700000000]",
            "{}",
        ] {
            let claims = with(name, json!("HERE"))
                .to_string()
                .replace("\"HERE\"", text);
            assert_eq!(
                judge_text(&RULES, &claims, NOW),
                Verdict::Invalid,
                "{claims}"
            );
            let more = claims.replacen('{', "{\"plan\":1,", 1);
            assert_eq!(judge_text(&RULES, &more, NOW), Verdict::Invalid, "{more}");
        }
    }
    // The last second there is.
    let long = AccessRules::new(Duration::from_secs(u64::MAX));
    assert_eq!(kind(&judge(&long, &with("exp", json!(LAST)))), "good");
    assert_eq!(
        kind(&judge(&long, &with("exp", json!(LAST + 1)))),
        "invalid"
    );
    assert_eq!(kind(&judge(&long, &with("iat", json!(0)))), "good");
}

#[test]
fn sec_071_a_longer_life_than_configured_is_refused_whoever_signed_it() {
    let lives = |iat: i64, exp: i64| {
        let mut claims = claims();
        claims["iat"] = json!(now() + iat);
        claims["exp"] = json!(now() + exp);
        kind(&judge(&RULES, &claims))
    };
    assert_eq!(lives(0, 900), "good");
    assert_eq!((lives(0, 930), lives(0, 931)), ("good", "invalid"));
    assert_eq!(
        (lives(0, 31_536_000), lives(-31_536_000, 60)),
        ("invalid", "invalid")
    );
    // Not even where it is over.
    assert_eq!(
        (lives(-2000, -1000), lives(-1000, -65)),
        ("invalid", "invalid")
    );
    assert_eq!(
        (lives(0, 0), lives(0, -1), lives(10, 5)),
        ("invalid", "invalid", "invalid")
    );
    assert_eq!(lives(0, 1), "good");
    // Tokens from before the block was changed.
    let shorter = AccessRules::new(Duration::from_mins(5));
    let token = issue(&keys(), &RULES, &new()).unwrap();
    assert_eq!(read(&keys(), &shorter, &token, NOW), Verdict::Invalid);
}

#[test]
fn sec_078_expired_is_said_of_a_token_with_which_nothing_else_is_wrong() {
    let later = NOW.plus(Duration::from_hours(1));
    let ours = AccessRules {
        issuer: Some("us"),
        ..RULES
    };
    let mut good = claims();
    good["iss"] = json!("us");
    assert_eq!(
        judge_text(&ours, &good.to_string(), later),
        Verdict::Expired
    );

    for (name, value) in [
        ("iss", json!("them")),
        ("aud", json!("api")),
        ("token_type", json!("refresh")),
        ("sub", json!("")),
        ("sub", json!(1)),
        ("ver", json!("0")),
        ("scopes", json!("read")),
        ("jti", json!(1)),
        ("sid", json!(null)),
        ("iat", json!(now() - 3600)),
        ("nbf", json!(now() + 7200)),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        assert_eq!(
            judge_text(&ours, &claims.to_string(), later),
            Verdict::Invalid,
            "{claims}"
        );
    }
    let token = issue(&keys(), &RULES, &new()).unwrap();
    let (input, _) = token.rsplit_once('.').unwrap();
    assert_eq!(read(&keys(), &RULES, &token, later), Verdict::Expired);
    for odd in [
        input.to_owned(),
        format!("{input}.AAAA"),
        format!("{token}="),
    ] {
        assert_eq!(read(&keys(), &RULES, &odd, later), Verdict::Invalid);
    }
    // Nor of one whose key verifies no more.
    let other = SigningKeys::hs256("hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU").unwrap();
    let keys = TokenKeys::of(other.also_verify(hs(), NOW.to_datetime()).unwrap());
    assert_eq!(read(&keys, &RULES, &token, later), Verdict::Invalid);
}

#[test]
fn sec_073_claims_that_can_be_read_in_two_ways_are_not_read() {
    let good = claims().to_string();
    assert_eq!(kind(&judge_text(&RULES, &good, NOW)), "good");
    let body = &good[1..];
    for twice in [
        format!(r#"{{"sub":"2",{body}"#),
        format!(r#"{{"s\u0075b":"2",{body}"#),
        format!(r#"{{"exp":{},{body}"#, now() + 60),
        format!(r#"{{"token_type":"refresh",{body}"#),
        format!(r#"{{"scopes":["admin"],{body}"#),
        format!(r#"{{"plan":1,"plan":2,{body}"#),
        format!(r#"{{"plan":{{"a":1,"a":2}},{body}"#),
        format!(r#"{{"plan":[{{"a":{{}},"a":{{}}}}],{body}"#),
    ] {
        assert_eq!(judge_text(&RULES, &twice, NOW), Verdict::Invalid, "{twice}");
    }
    for odd in [
        format!("{good}x"),
        format!("{good}{good}"),
        format!("\u{feff}{good}"),
        format!("{good}\0"),
        format!("{{\"deep\":{}1{},{body}", "[".repeat(16), "]".repeat(16)),
    ] {
        assert_eq!(judge_text(&RULES, &odd, NOW), Verdict::Invalid, "{odd:?}");
    }
    assert_eq!(
        kind(&judge_text(&RULES, &format!(" {good}\r\n"), NOW)),
        "good"
    );
}
