//! Thousands of tokens that are nearly right.

use std::collections::HashSet;

use super::*;

const ALGORITHMS: [&str; 16] = [
    "none", "None", "nONE", "NONE", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
    "PS512", "ES256", "ES384", "EdDSA", "Ed25519",
];

/// Whatever of a key an attacker can get hold of, used as a secret.
fn public_texts() -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = [
        include_str!("keys/rs256.pub.pem"),
        include_str!("keys/es256.pub.pem"),
        include_str!("keys/ed25519.pub.pem"),
    ]
    .into_iter()
    .flat_map(|pem| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::engine::general_purpose::STANDARD
            .decode(&body)
            .unwrap();
        [pem.into(), pem.trim_end().into(), body.into(), der]
    })
    .collect();
    for keys in all().into_iter().skip(3) {
        let set = TokenKeys::of(keys).jwks(NOW);
        let value: serde_json::Value = serde_json::from_str(&set).unwrap();
        let key = value["keys"][0].clone();
        texts.push(set.into_bytes());
        texts.push(key.to_string().into_bytes());
        for name in ["n", "x", "y", "kid"] {
            if let Some(text) = key[name].as_str() {
                texts.push(text.into());
                texts.push(URL_SAFE_NO_PAD.decode(text).unwrap_or_default());
            }
        }
    }
    texts.push(Vec::new());
    texts
}

fn neighbours(token: &str) -> HashSet<String> {
    let bytes = token.as_bytes();
    let mut found = HashSet::new();
    let mut add = |bytes: Vec<u8>| found.extend(String::from_utf8(bytes));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut other = bytes.to_vec();
            other[at] ^= 1 << bit;
            add(other);
        }
        let (head, tail) = bytes.split_at(at);
        add(head.to_vec());
        add(tail.to_vec());
        add([head, &tail[1..]].concat());
        add([head, &tail[..1], tail].concat());
        for inserted in [b"A", b".", b"=", b" ", b"\n", b"\0"] {
            add([head, inserted, tail].concat());
        }
        if at + 1 < bytes.len() {
            let mut other = bytes.to_vec();
            other.swap(at, at + 1);
            add(other);
        }
    }
    let parts: Vec<&str> = token.split('.').collect();
    for a in 0..3 {
        for b in 0..3 {
            for c in 0..3 {
                add([parts[a], parts[b], parts[c]].join(".").into_bytes());
            }
        }
    }
    for end in [
        "=",
        "==",
        ".",
        "..",
        "A",
        "AA",
        "AAAA",
        " ",
        "\t",
        "%3D",
        &format!(".{token}"),
        token,
    ] {
        add(format!("{token}{end}").into_bytes());
        add(format!("{end}{token}").into_bytes());
    }
    add(token.replace('-', "+").replace('_', "/").into_bytes());
    add(token.to_uppercase().into_bytes());
    add(token.to_lowercase().into_bytes());
    found.remove(token);
    found
}

/// The payload of `token` under other headers, signed with everything but the right key in the right way.
fn resigned(keys: &SigningKeys, token: &str) -> HashSet<String> {
    let payload = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    let own = header(keys);
    let name = format!("\"{}\"", keys.active.alg.name());
    let mut found = HashSet::new();
    for alg in ALGORITHMS {
        let header = own.replace(&name, &format!("\"{alg}\""));
        for other in all() {
            let is_own = other.active.alg == keys.active.alg;
            if !(is_own && header == own) {
                found.insert(forge(&other, &header, &payload));
            }
        }
        for text in public_texts() {
            let input = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(&header),
                URL_SAFE_NO_PAD.encode(&payload)
            );
            let signature = HmacKey::of(&text).unwrap().sign(input.as_bytes());
            found.insert(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)));
        }
        let input = forge(keys, &header, &payload);
        let (input, signature) = input.rsplit_once('.').unwrap();
        let length = URL_SAFE_NO_PAD.decode(signature).unwrap().len();
        for fill in [0, 1, 0xff] {
            found.insert(format!(
                "{input}.{}",
                URL_SAFE_NO_PAD.encode(vec![fill; length])
            ));
        }
        found.insert(format!("{input}."));
        found.insert(input.to_owned());
    }
    found.remove(token);
    found
}

#[test]
fn sec_068_thousands_of_mutations_of_a_token_and_none_is_read() {
    for index in 0..all().len() {
        let keys = TokenKeys::of(all().remove(index));
        let token = keys
            .sign("JWT", &serde_json::json!({"sub": "1", "scopes": ["read"]}))
            .unwrap();
        assert!(keys.verify("JWT", &token, NOW).is_some());

        let mut odd = neighbours(&token);
        odd.extend(resigned(&all()[index], &token));
        assert!(odd.len() > 2000, "{}", odd.len());
        for odd in odd {
            assert!(keys.verify("JWT", &odd, NOW).is_none(), "{odd}");
        }
    }
}

#[test]
fn sec_068_no_text_of_a_public_key_is_a_secret_where_both_kinds_verify() {
    // HS256 beside a pair, without names: the worst case of a rotation.
    let far = NOW.plus(Duration::from_mins(1)).to_datetime();
    for pair in [3, 4, 5] {
        let keys = hs().also_verify(all().remove(pair), far).unwrap();
        let kid = keys.others[0].key.kid.clone().unwrap();
        let keys = TokenKeys::of(keys);
        for header in [
            r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
            format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#),
        ] {
            let input = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(&header),
                URL_SAFE_NO_PAD.encode(CLAIMS)
            );
            for text in public_texts() {
                let signature = HmacKey::of(&text).unwrap().sign(input.as_bytes());
                let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
                assert!(keys.verify("JWT", &token, NOW).is_none(), "{header}");
            }
        }
        // And the secret does not sign under the name of the pair.
        let header = format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#);
        assert!(
            keys.verify("JWT", &forge(&hs(), &header, CLAIMS), NOW)
                .is_none()
        );
    }
}
