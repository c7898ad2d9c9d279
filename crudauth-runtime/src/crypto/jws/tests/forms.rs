//! The outer form: segments, base64, size.

use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::*;

fn is_read(token: &str) -> bool {
    TokenKeys::of(hs()).verify("JWT", token, NOW).is_some()
}

#[test]
fn sec_073_only_the_compact_form_is_read() {
    let keys = hs();
    let token = forge(&keys, &header(&keys), CLAIMS);
    assert!(is_read(&token));
    let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("{token}")
    };

    for odd in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        head.to_owned(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}..{signature}"),
        format!(".{body}.{signature}"),
        format!("..{signature}"),
        format!("{body}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{head}.{body}.{body}.{signature}"),
        format!("{head}.{head}.{body}.{signature}"),
        format!("{head}.{body}..{signature}"),
        format!("{body}.{head}.{signature}"),
        format!("{head}.{signature}.{body}"),
        format!("{token}="),
        format!("{head}=.{body}.{signature}"),
        format!("{head}.{body}=.{signature}"),
        format!("{head}.{body}==.{signature}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("\t{token}"),
        format!("{head}\n.{body}.{signature}"),
        format!("{head}.\r\n{body}.{signature}"),
        format!("{head}. {body}.{signature}"),
        format!("{token}\0"),
        format!("{head},{body},{signature}"),
        format!("{head}%2E{body}%2E{signature}"),
        format!("{token},{token}"),
        format!("{token} {token}"),
        format!("\"{token}\""),
        format!("Bearer {token}"),
        token.replace('.', "\u{2024}"),
        format!("\u{feff}{token}"),
        // The JSON forms (RFC 7515 §7.2), general and flattened.
        format!(
            r#"{{"payload":"{body}","signatures":[{{"protected":"{head}","signature":"{signature}"}}]}}"#
        ),
        format!(r#"{{"payload":"{body}","protected":"{head}","signature":"{signature}"}}"#),
        // Five segments are an encrypted token (RFC 7516 §7.1).
        format!("{head}.{body}.{signature}.{body}.{signature}"),
    ] {
        assert!(!is_read(&odd), "{odd:?}");
    }
}

#[test]
fn sec_073_every_segment_has_one_spelling() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let careless = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let (keys, mut spellings) = (hs(), 0);
    // Of each length modulo 3, so that 0, 2 or 4 bits of the last character are left over.
    for space in ["", " ", "  "] {
        let token = forge(
            &keys,
            &format!("{space}{}", header(&keys)),
            format!("{space}[1]").as_bytes(),
        );
        assert!(is_read(&token));
        let parts: Vec<&str> = token.split('.').collect();
        for at in 0..3 {
            let own = parts[at];
            let stem = &own[..own.len() - 1];
            let others = ALPHABET.chars().map(|last| format!("{stem}{last}"));
            for other in others.chain([format!("{own}="), format!("{own}==")]) {
                if other == own || careless.decode(&other) != careless.decode(own) {
                    continue;
                }
                let mut odd = parts.clone();
                odd[at] = &other;
                assert!(!is_read(&odd.join(".")), "{}", odd.join("."));
                // Nor if the other spelling is what was signed.
                let mut signed = format!("{}.{}", odd[0], odd[1]);
                keys.signer.append_signature(&mut signed).unwrap();
                assert!(at == 2 || !is_read(&signed), "{signed}");
                spellings += 1;
            }
        }
    }
    assert!(spellings > 50, "{spellings}");
    // The other alphabet of base64, where the two differ.
    let token = (0..1000_u32)
        .map(|n| {
            forge(
                &keys,
                &header(&keys),
                format!("{{\"sub\":\"{n}\"}}").as_bytes(),
            )
        })
        .find(|token| token.contains('-') && token.contains('_'))
        .unwrap();
    assert!(is_read(&token));
    for odd in [
        token.replace('-', "+"),
        token.replace('_', "/"),
        token.replace('-', "+").replace('_', "/"),
    ] {
        assert!(!is_read(&odd), "{odd}");
    }
}

#[test]
fn sec_073_a_token_has_at_most_8_kib_and_a_longer_one_costs_nothing() {
    let keys = TokenKeys::of(hs());
    // Claims as long as they may be: 4 characters for 3 bytes, after the header and before the signature.
    let of = |length: usize| keys.sign("JWT", &"x".repeat(length));
    let fits = (5900..6200)
        .take_while(|length| of(*length).is_ok())
        .last()
        .unwrap();
    let longest = of(fits).unwrap();
    assert!((super::super::MAX_TOKEN - 1..=super::super::MAX_TOKEN).contains(&longest.len()));
    assert!(keys.verify("JWT", &longest, NOW).is_some());
    let refusal = of(fits + 1).unwrap_err().to_string();
    assert!(refusal.contains("8192"), "{refusal}");
    let own = hs();
    let longer = forge(&own, &header(&own), &vec![b'x'; 6200]);
    assert!(longer.len() > 8192 && keys.verify("JWT", &longer, NOW).is_none());

    for megabyte in [
        "a".repeat(1 << 20),
        ".".repeat(1 << 20),
        format!("{longest}.{}", "A".repeat(1 << 20)),
        format!("{}{longest}", "eyJh".repeat(1 << 18)),
    ] {
        // The fastest of some: what else runs on the machine is only ever added.
        let took = (0..20).map(|_| {
            let start = tokio::time::Instant::now();
            assert!(keys.verify("JWT", &megabyte, NOW).is_none());
            start.elapsed()
        });
        assert!(took.min().unwrap() < Duration::from_millis(5));
    }
}

#[test]
fn the_derived_token_has_the_form_of_the_contract() {
    let keys = TokenKeys::derived(&roots(&[SECRET]), "auth_ users").unwrap();
    let token = keys.sign("JWT", &[1]).unwrap();
    let head = token.split('.').next().unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.decode(head).unwrap(),
        br#"{"alg":"HS256","typ":"JWT"}"#
    );
    assert_eq!(keys.alg(), Alg::Hs256);
    assert_eq!(keys.jwks(NOW), r#"{"keys":[]}"#);
}

#[test]
fn sec_068_an_hs256_key_is_the_bytes_of_its_text() {
    // What another service computes from `JWT_SECRET`, with the hmac crate alone.
    use hmac::{Hmac, KeyInit, Mac};
    let token = TokenKeys::of(hs()).sign("JWT", &[1]).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(input.as_bytes());
    assert_eq!(
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()),
        signature
    );
}

#[test]
fn sec_074_weak_hs256_keys_are_refused_and_never_quoted() {
    for weak in [
        "",
        "MARKER",
        "MARKER-31-bytes-of-a-long-key-x",
        "change-me-MARKER-0123456789-abcdefghij",
        "Replace-This! MARKER 0123456789 abcdefghij",
        "your-secret-key-MARKER-0123456789abcdef",
        "MARKERMARKERMARKERMARKERMARKERMARKER",
    ] {
        let error = SigningKeys::hs256(weak).unwrap_err().to_string();
        assert!(error.contains("HS256 key for access tokens"), "{error}");
        assert!(!error.contains("MARKER"), "{error}");
    }
    assert!(
        SigningKeys::hs256(&SECRET[..32]).is_ok() && SigningKeys::hs256(&SECRET[..31]).is_err()
    );
}

#[test]
fn sec_139_debug_shows_nothing_of_the_keys() {
    for keys in all() {
        let shown = format!("{keys:?} {:?}", keys.active);
        assert!(shown.starts_with("SigningKeys([redacted]; "), "{shown}");
        assert_eq!(
            format!("{:?}", TokenKeys::of(keys)),
            shown.split(" Verifying").next().unwrap()
        );
    }
}
