//! The kinds of token that nobody may believe, by what is wrong with each.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use serde_json::{Value, json};

use crate::forge::{
    HEADER, KEY, Kinds, b64, claiming, headed, signed, unb64, under, with, without,
};
use crate::support::SECRET;

/// SEC-068: other algorithms, and none.
pub fn of_other_algorithms(claims: &Value) -> Kinds {
    let mut kinds = Vec::new();
    let payload = b64(claims.to_string());
    for alg in ["none", "None", "nONE", "NONE", ""] {
        let input = format!(
            "{}.{payload}",
            b64(format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#))
        );
        kinds.push((format!("alg {alg:?}, no signature"), format!("{input}.")));
        kinds.push((format!("alg {alg:?}, no third part"), input.clone()));
        kinds.push((
            format!("alg {alg:?}, signed"),
            under(KEY.as_bytes(), &input),
        ));
    }
    for alg in [
        "\"HS384\"",
        "\"HS512\"",
        "\"hs256\"",
        "\"RS256\"",
        "\"PS256\"",
        "\"ES256\"",
        "\"EdDSA\"",
        "\"HS256 \"",
        "null",
        "256",
        "[\"HS256\"]",
        "{}",
    ] {
        let header = format!(r#"{{"alg":{alg},"typ":"JWT"}}"#);
        kinds.push((format!("alg {alg}"), headed(&header, claims)));
    }
    kinds.push(("no alg".to_owned(), headed(r#"{"typ":"JWT"}"#, claims)));
    kinds
}

/// SEC-068: our algorithm, and a key that is not ours.
pub fn under_other_keys(token: &str, claims: &Value) -> Kinds {
    let payload = claims.to_string();
    let mut kinds: Kinds = [
        ("empty", &b""[..]),
        ("guessed", b"secret"),
        ("root secret", SECRET.as_bytes()),
        ("truncated", &KEY.as_bytes()[..32]),
        ("trailing newline", &[KEY.as_bytes(), b"\n"].concat()),
        ("base64", b64(KEY).as_bytes()),
    ]
    .into_iter()
    .map(|(name, key)| (format!("{name} key"), signed(key, HEADER, &payload)))
    .collect();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let bytes = unb64(signature);
    let other = |bytes: &[u8]| format!("{input}.{}", b64(bytes));
    let mut flipped = bytes.clone();
    flipped[31] ^= 1;
    kinds.push(("a bit of the signature".to_owned(), other(&flipped)));
    kinds.push(("half the signature".to_owned(), other(&bytes[..16])));
    kinds.push(("a byte of signature".to_owned(), other(&bytes[..1])));
    kinds.push((
        "a byte too many".to_owned(),
        other(&[&bytes[..], b"\0"].concat()),
    ));
    kinds.push(("a signature of zeroes".to_owned(), other(&[0; 32])));
    let greedy = b64(with(claims, "scopes", json!(["read", "reports:read"])).to_string());
    let header = token.split('.').next().unwrap();
    kinds.push((
        "another payload under the same signature".to_owned(),
        format!("{header}.{greedy}.{signature}"),
    ));
    kinds
}

/// SEC-069: tokens of another kind.
pub fn of_other_kinds(claims: &Value) -> Kinds {
    let mut kinds = Vec::new();
    for kind in ["refresh", "Access", "access ", "verify_email", "state", ""] {
        let claims = with(claims, "token_type", kind);
        kinds.push((format!("token_type {kind:?}"), claiming(&claims)));
    }
    kinds.push((
        "no token_type".to_owned(),
        claiming(&without(claims, "token_type")),
    ));
    for typ in [
        "\"at+jwt\"",
        "\"logout+jwt\"",
        "\"JWE\"",
        "\"\"",
        "null",
        "1",
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":{typ}}}"#);
        kinds.push((format!("typ {typ}"), headed(&header, claims)));
    }
    kinds.push(("no typ".to_owned(), headed(r#"{"alg":"HS256"}"#, claims)));
    kinds
}

/// SEC-070: claims that are missing, of another type, or another's.
pub fn of_wrong_claims(claims: &Value) -> Kinds {
    let iat = claims["iat"].as_i64().unwrap();
    let mut kinds: Kinds = ["sub", "ver", "exp", "iat", "scopes"]
        .into_iter()
        .map(|name| (format!("no {name}"), claiming(&without(claims, name))))
        .collect();
    for (name, value) in [
        ("sub", json!(1)),
        ("sub", json!("")),
        ("sub", json!(["1"])),
        ("sub", json!(null)),
        ("ver", json!("0")),
        ("ver", json!(null)),
        ("ver", json!(0.5)),
        ("scopes", json!("read")),
        ("scopes", json!([1])),
        ("scopes", json!(null)),
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!(null)),
        ("aud", json!("another")),
        ("aud", json!(["another", "us"])),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("sid", json!(7)),
        ("sid", json!(null)),
        ("jti", json!(7)),
        ("nbf", json!(iat + 31)),
        ("nbf", json!("0")),
        ("nbf", json!(null)),
        ("nbf", json!(-1)),
        ("iat", json!(iat + 31)),
        ("iat", json!("0")),
        ("iat", json!(-1)),
        ("iat", json!(1.5)),
        ("iat", json!(null)),
    ] {
        let named = format!("{name} {value}");
        kinds.push((named, claiming(&with(claims, name, value))));
    }
    kinds
}

/// SEC-071: ends that are none, and lives that are too long.
pub fn of_wrong_ends(claims: &Value) -> Kinds {
    let iat = claims["iat"].as_i64().unwrap();
    let exp = claims["exp"].as_i64().unwrap();
    let text = claims.to_string();
    let written = format!("\"exp\":{exp}");
    assert!(text.contains(&written));
    let raw = |exp: &str| {
        let payload = text.replace(&written, &format!("\"exp\":{exp}"));
        signed(KEY.as_bytes(), HEADER, &payload)
    };
    [
        format!("{exp}.0"),
        format!("{exp}.5"),
        format!("\"{exp}\""),
        format!("{exp}e0"),
        format!("[{exp}]"),
        (iat + 900 + 31).to_string(),
        (iat + 86_400).to_string(),
        iat.to_string(),
        "-1".to_owned(),
        "0".to_owned(),
        "1e99".to_owned(),
        "9223372036854775807".to_owned(),
        "9223372036854775808".to_owned(),
        "18446744073709551616".to_owned(),
        "-9223372036854775808".to_owned(),
        "NaN".to_owned(),
        "Infinity".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        "{}".to_owned(),
    ]
    .into_iter()
    .map(|exp| (format!("exp {exp}"), raw(&exp)))
    .collect()
}

/// SEC-072: headers that would have us take the key, or the meaning, from the token.
pub fn of_wrong_headers(claims: &Value) -> Kinds {
    let jwk = format!(r#"{{"kty":"oct","k":"{}"}}"#, b64(KEY));
    let mut members: Vec<String> = [
        r#""jku":"https://attacker.example/jwks.json""#,
        r#""x5u":"https://attacker.example/cert.pem""#,
        r#""x5c":["MIIB"]"#,
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":["x-of-the-attacker"],"x-of-the-attacker":1"#,
        r#""b64":false,"crit":["b64"]"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""cty":"JWT""#,
        r#""jku":null"#,
        r#""kid":null"#,
        r#""kid":0"#,
        r#""kid":[]"#,
    ]
    .map(str::to_owned)
    .to_vec();
    members.push(format!(r#""jwk":{jwk}"#));
    for kid in [
        "",
        "1",
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "x' UNION SELECT 'secret' --",
        "'; DROP TABLE users; --",
        "https://attacker.example/key",
        "key\\u0000",
        "a b",
        "\\u00e9",
        "|whoami",
        &"k".repeat(64),
        &"k".repeat(65),
        &"k".repeat(4000),
    ] {
        members.push(format!(r#""kid":"{kid}""#));
    }
    let mut kinds: Kinds = members
        .into_iter()
        .map(|member| {
            let header = format!(r#"{{"alg":"HS256","typ":"JWT",{member}}}"#);
            let name: String = member.chars().take(40).collect();
            (format!("header {name}"), headed(&header, claims))
        })
        .collect();
    for header in [
        r#"{"alg":"HS256","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"none","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
        r#"["HS256","JWT"]"#,
        r#""HS256""#,
        "null",
        "{",
        "",
    ] {
        kinds.push((format!("header {header}"), headed(header, claims)));
    }
    kinds
}

/// SEC-073: spellings of a good token that are none.
pub fn of_wrong_form(token: &str, claims: &Value) -> Kinds {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let text = claims.to_string();
    let twice = |member: &str| {
        let payload = format!("{},{member}}}", text.strip_suffix('}').unwrap());
        signed(KEY.as_bytes(), HEADER, &payload)
    };
    // The last of 43 characters carries four bits; the other two are zero in the only spelling.
    let last = signature.chars().last().unwrap();
    let spare = {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.find(last).unwrap();
        assert_eq!(at % 4, 0);
        &alphabet[at + 1..at + 2]
    };
    let serialised =
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#);
    [
        ("no token", String::new()),
        ("a dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("no dots", "x".repeat(72)),
        ("no signature", format!("{input}.")),
        ("no payload", format!("{header}..{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts", format!("{header}.{payload}.x.y.{signature}")),
        ("a dot behind", format!("{token}.")),
        ("a dot before", format!(".{token}")),
        ("padding", format!("{token}=")),
        ("padding within", format!("{header}=.{payload}.{signature}")),
        (
            "a space behind the header",
            format!("{header} .{payload}.{signature}"),
        ),
        ("a space within", token.replacen('.', ". ", 1)),
        ("a tab within", token.replacen('.', ".\t", 1)),
        ("two tokens", format!("{token} {token}")),
        ("two tokens by comma", format!("{token}, {token}")),
        ("a parameter", format!("{token}, realm=\"x\"")),
        ("quotes", format!("\"{token}\"")),
        ("scheme twice", format!("Bearer {token}")),
        (
            "the other alphabet",
            format!("{input}.{}+/", &signature[..41]),
        ),
        ("spare bits", format!("{input}.{}{spare}", &signature[..42])),
        ("percent", token.replace('.', "%2E")),
        ("upper case", token.to_ascii_uppercase()),
        ("JSON serialisation", serialised.clone()),
        ("JSON serialisation, encoded", b64(serialised)),
        ("latin", format!("{token}é")),
        ("twice sub", twice(r#""sub":"2""#)),
        ("twice exp", twice(r#""exp":253402300799"#)),
        ("twice scopes", twice(r#""scopes":["reports:read"]"#)),
        ("twice a claim of nobody", twice(r#""x":1,"x":2"#)),
        ("a list of claims", signed(KEY.as_bytes(), HEADER, "[]")),
        ("a text", signed(KEY.as_bytes(), HEADER, "\"1\"")),
        ("no claims", signed(KEY.as_bytes(), HEADER, "{}")),
        ("broken claims", signed(KEY.as_bytes(), HEADER, &text[1..])),
        (
            "claims and more",
            signed(KEY.as_bytes(), HEADER, &format!("{text}{text}")),
        ),
        ("nested", {
            let payload = format!("{{\"x\":{}{}}}", "[".repeat(2000), "]".repeat(2000));
            signed(KEY.as_bytes(), HEADER, &payload)
        }),
        ("8 KiB and one", {
            // Genuine but for its length.
            let room = 8192 * 3 / 4;
            let payload = with(claims, "x", "y".repeat(room)).to_string();
            signed(KEY.as_bytes(), HEADER, &payload)
        }),
        ("1 MiB", "A".repeat(1 << 20)),
        ("1 MiB of dots", ".".repeat(1 << 20)),
    ]
    .into_iter()
    .map(|(name, token)| (name.to_owned(), token))
    .collect()
}
