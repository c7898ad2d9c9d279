//! Keys in two halves: what is read, what is too weak, what is shown.

use serde_json::{Value, json};

use super::*;
use crate::crypto::jws::VerifyingKey;
use crate::error::Error;

const P384: &str = include_str!("keys/p384.pem");
const RSA1024: &str = include_str!("keys/rsa1024.pem");
const PKCS1: &str = include_str!("keys/rs256.pkcs1.pem");

fn refused(result: Result<impl std::fmt::Debug, Error>) -> String {
    let Err(Error::Config(lines)) = result else {
        panic!("{result:?}")
    };
    lines.join("\n")
}

fn jwks(keys: SigningKeys) -> Vec<Value> {
    let text = TokenKeys::of(keys).jwks(NOW);
    let Value::Object(mut set) = super::super::json::parse(text.as_bytes()).unwrap() else {
        panic!("{text}")
    };
    let Some(Value::Array(keys)) = set.remove("keys") else {
        panic!("{text}")
    };
    assert!(set.is_empty(), "{text}");
    keys
}

fn members(key: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = key
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn pem_and_der_give_the_same_key_whatever_stands_around() {
    use rustls_pki_types::PrivatePkcs8KeyDer;
    use rustls_pki_types::pem::PemObject;
    type Read = fn(&[u8]) -> crate::error::Result<SigningKeys>;
    let read: [(&str, Read); 3] = [
        (ED25519, SigningKeys::ed25519_pkcs8_der),
        (ES256, SigningKeys::es256_pkcs8_der),
        (RS256, SigningKeys::rs256_pkcs8_der),
    ];
    for (index, (pem, from_der)) in read.into_iter().enumerate() {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let keys = from_der(der.secret_pkcs8_der()).unwrap();
        assert_eq!(jwks(keys), jwks(all().remove(3 + index)));
    }
    let framed = format!(
        "# made in November\n\n{}{ED25519}",
        include_str!("keys/rs256.pub.pem")
    );
    assert!(SigningKeys::ed25519_pkcs8_pem(framed.replace('\n', "\r\n")).is_ok());
}

#[test]
fn sec_074_what_is_no_key_of_the_kind_is_refused_without_a_word_of_it() {
    type Read = fn(String) -> crate::error::Result<SigningKeys>;
    let read: [(Read, &str, &str); 3] = [
        (SigningKeys::ed25519_pkcs8_pem, ED25519, "EdDSA"),
        (SigningKeys::es256_pkcs8_pem, ES256, "ES256"),
        (SigningKeys::rs256_pkcs8_pem, RS256, "RS256"),
    ];
    for (from_pem, own, name) in read {
        assert!(from_pem(own.to_owned()).is_ok());
        let truncated = own.replace('\n', "").replace("-----END", "\n-----END");
        for other in [
            "",
            "MARKER",
            "-----BEGIN PRIVATE KEY-----\nTUFSS0VS\n-----END PRIVATE KEY-----\n",
            include_str!("keys/rs256.pub.pem"),
            PKCS1,
            RSA1024,
            P384,
            ED25519,
            ES256,
            RS256,
            &truncated[truncated.len() / 2..],
        ] {
            if other == own {
                continue;
            }
            let line = refused(from_pem(other.to_owned()));
            assert!(
                line.starts_with(&format!(
                    "the {name} key for access tokens cannot be used: "
                )),
                "{line}"
            );
            assert!(
                !line.contains("MARKER") && !line.contains("TUFSS"),
                "{line}"
            );
            assert!(
                !other
                    .lines()
                    .any(|text| text.len() > 30 && line.contains(text)),
                "{line}"
            );
        }
    }
    let line = refused(SigningKeys::rs256_pkcs8_pem(RSA1024));
    assert!(
        line.contains("TooSmall") && line.contains("rsa_keygen_bits:3072"),
        "{line}"
    );
    let line = refused(SigningKeys::rs256_pkcs8_pem(PKCS1));
    assert!(line.contains("openssl pkcs8 -topk8"), "{line}");
}

#[test]
fn the_set_of_public_keys_has_no_private_member_and_a_name_for_each() {
    let far = NOW.plus(Duration::from_mins(1));
    let [_, _, named, ed, es, rs] = <[SigningKeys; 6]>::try_from(all()).unwrap();
    let keys = ed
        .also_verify(es, far.to_datetime())
        .and_then(|keys| keys.also_verify(rs, NOW.to_datetime()))
        .and_then(|keys| keys.also_verify(named, far.to_datetime()))
        .unwrap();
    let keys = TokenKeys::of(keys);

    let shown: Value = serde_json::from_str(&keys.jwks(NOW)).unwrap();
    let [ed, es] = shown["keys"].as_array().unwrap().as_slice() else {
        panic!("{shown}") // RS256 verifies no more, and HS256 has nothing to show
    };
    assert_eq!(members(ed), ["alg", "crv", "kid", "kty", "use", "x"]);
    assert_eq!(members(es), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(
        (&ed["alg"], &ed["kty"], &ed["crv"]),
        (&json!("EdDSA"), &json!("OKP"), &json!("Ed25519"))
    );
    assert_eq!(
        (&es["alg"], &es["kty"], &es["crv"]),
        (&json!("ES256"), &json!("EC"), &json!("P-256"))
    );
    let before: Value =
        serde_json::from_str(&keys.jwks(NOW.minus(Duration::from_secs(1)))).unwrap();
    let rs = &before["keys"][2];
    assert_eq!(members(rs), ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(
        (&rs["alg"], &rs["kty"], &rs["e"]),
        (&json!("RS256"), &json!("RSA"), &json!("AQAB"))
    );
    for key in [ed, es, rs] {
        assert_eq!(key["use"], "sig");
        assert_eq!(
            key["kid"].as_str().unwrap().len(),
            43,
            "a SHA-256 thumbprint"
        );
    }
    let after: Value = serde_json::from_str(&keys.jwks(far)).unwrap();
    assert_eq!(after["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_of_the_shown_set_verifies_elsewhere() {
    let far = NOW.plus(Duration::from_mins(1)).to_datetime();
    for keys in all().into_iter().skip(3) {
        let writer = TokenKeys::of(keys);
        let token = writer.sign("JWT", &[1]).unwrap();
        let shown: Value = serde_json::from_str(&writer.jwks(NOW)).unwrap();
        let public = VerifyingKey::jwk(&shown["keys"][0].to_string()).unwrap();
        let reader = TokenKeys::of(hs().also_verify(public, far).unwrap());
        assert!(reader.verify("JWT", &token, NOW).is_some());
        // What was read is shown as it was.
        assert_eq!(reader.jwks(NOW), writer.jwks(NOW));
    }
}

/// A modulus of so many bits that has no small factor of note, and is a multiple of nothing that matters here.
fn modulus(bits: usize) -> String {
    let mut bytes = vec![0xa7; bits.div_ceil(8)];
    bytes[0] = 1 << ((bits - 1) % 8);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// 65537 to the power of 128: 2049 bits, and the mark of a ROCA modulus for every prime.
fn roca() -> String {
    let mut bytes = vec![1_u8]; // little endian
    for _ in 0..128 {
        let shifted = [&[0, 0][..], &bytes].concat();
        let mut carry = 0;
        bytes = shifted
            .iter()
            .zip(bytes.iter().chain(std::iter::repeat(&0)))
            .map(|(a, b)| {
                let sum = u16::from(*a) + u16::from(*b) + carry;
                carry = sum >> 8;
                sum.to_le_bytes()[0]
            })
            .collect();
    }
    bytes.reverse();
    let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

fn with(key: &Value, name: &str, value: Value) -> Value {
    let mut key = key.clone();
    key[name] = value;
    key
}

fn without(key: &Value, name: &str) -> Value {
    let mut key = key.clone();
    key.as_object_mut().unwrap().remove(name);
    key
}

fn text(key: &Value, name: &str) -> String {
    key[name].as_str().unwrap().to_owned()
}

fn assert_refused(what: &str, jwk: &Value) {
    let line = refused(VerifyingKey::jwk(&jwk.to_string()));
    assert!(
        line.starts_with("a JWK for access tokens: "),
        "{what}: {line}"
    );
    assert!(
        !line.contains("jpsQ") && !line.contains("AyM1"),
        "{what}: {line}"
    );
}

#[test]
fn sec_079_public_keys_on_curves_that_cannot_be_trusted_are_refused() {
    let [ed, es] = [3, 4].map(|index| jwks(all().remove(index)).remove(0));
    for good in [
        ed.clone(),
        without(&ed, "alg"),
        without(&es, "kid"),
        with(&without(&es, "use"), "key_ops", json!(["verify"])),
    ] {
        assert!(VerifyingKey::jwk(&good.to_string()).is_ok(), "{good}");
    }
    for (what, bad) in [
        ("for encryption", with(&es, "use", json!("enc"))),
        (
            "for signing only",
            with(&without(&es, "use"), "key_ops", json!(["sign"])),
        ),
        (
            "no operation",
            with(&without(&es, "use"), "key_ops", json!([])),
        ),
        ("another algorithm", with(&es, "alg", json!("ES384"))),
        (
            "an algorithm there is not",
            with(&es, "alg", json!("ES224")),
        ),
        ("none", with(&es, "alg", json!("none"))),
        ("EC as RSA", with(&es, "kty", json!("RSA"))),
        ("another curve", with(&es, "crv", json!("P-384"))),
        ("a curve for agreement", with(&ed, "crv", json!("X25519"))),
        ("EC as OKP", with(&es, "kty", json!("OKP"))),
        ("off the curve", with(&es, "y", json!(text(&es, "x")))),
        (
            "the point at infinity",
            with(
                &with(&es, "x", json!("A".repeat(43))),
                "y",
                json!("A".repeat(43)),
            ),
        ),
        ("half a point", without(&es, "y")),
        ("a short coordinate", with(&es, "x", json!("AAAA"))),
        (
            "padding",
            with(&ed, "x", json!(format!("{}=", text(&ed, "x")))),
        ),
        ("31 bytes", with(&ed, "x", json!("A".repeat(42)))),
        ("no type", without(&ed, "kty")),
        (
            "a shared secret",
            json!({"kty": "oct", "alg": "HS256", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}),
        ),
        (
            "a private key",
            with(
                &es,
                "d",
                json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"),
            ),
        ),
        ("a long name", with(&ed, "kid", json!("k".repeat(65)))),
        ("no object", json!([ed])),
        ("a set", json!({"keys": [ed]})),
    ] {
        assert_refused(what, &bad);
    }
    let twice = ed.to_string().replacen('{', r#"{"alg":"EdDSA","#, 1);
    refused(VerifyingKey::jwk(&twice));
    // One name for two keys, whatever their kinds.
    let renamed = all().remove(4).kid(text(&ed, "kid")).unwrap();
    refused(renamed.also_verify(all().remove(3), NOW.to_datetime()));
}

#[test]
fn sec_079_public_rsa_keys_that_cannot_be_trusted_are_refused() {
    let rs = jwks(all().remove(5)).remove(0);
    for good in [
        without(&rs, "use"),
        with(&rs, "n", json!(modulus(2048))),
        with(&rs, "n", json!(modulus(4096))),
        with(&rs, "x5t", json!("AAAA")),
    ] {
        assert!(VerifyingKey::jwk(&good.to_string()).is_ok(), "{good}");
    }
    for (what, bad) in [
        ("PS256", with(&rs, "alg", json!("PS256"))),
        ("RSA for encryption", with(&rs, "alg", json!("RSA1_5"))),
        ("RSA without algorithm", without(&rs, "alg")),
        ("RSA as EC", with(&rs, "kty", json!("EC"))),
        ("1024 bits", with(&rs, "n", json!(modulus(1024)))),
        ("2047 bits", with(&rs, "n", json!(modulus(2047)))),
        ("4097 bits", with(&rs, "n", json!(modulus(4097)))),
        ("16384 bits", with(&rs, "n", json!(modulus(16384)))),
        (
            "a zero in front",
            with(
                &rs,
                "n",
                json!(URL_SAFE_NO_PAD.encode([&[0_u8][..], &[0xa7; 256]].concat())),
            ),
        ),
        (
            "an even modulus",
            with(&rs, "n", json!(URL_SAFE_NO_PAD.encode([0xa6_u8; 256]))),
        ),
        ("ROCA", with(&rs, "n", json!(roca()))),
        ("exponent 1", with(&rs, "e", json!("AQ"))),
        ("exponent 3", with(&rs, "e", json!("Aw"))),
        ("exponent 65536", with(&rs, "e", json!("AQAA"))),
        ("no exponent", with(&rs, "e", json!(""))),
        ("a long exponent", with(&rs, "e", json!("AQAAAAE"))),
    ] {
        assert_refused(what, &bad);
    }
}
