//! Published examples, through our own reading of them.
//!
//! Project Wycheproof's files of JWS and JWK are in no package that this project may depend on. What they look for is
//! looked for here with the examples of the RFCs and keys of our own: this file has their valid signatures and the changed
//! ones, `forms.rs`, `headers.rs` and `mutations.rs` their forged and misshapen tokens, `pairs.rs` their keys.

use super::*;
use crate::crypto::jws::VerifyingKey;
use crate::crypto::jws::jwk::thumbprint;
use crate::crypto::jws::ring::{KeyPair, PublicKey};

/// RFC 7515 A.2.
const RFC7515_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
/// RFC 7638 §3.1.
const RFC7638_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
/// RFC 7520 §3.3.
const RFC7520_N: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
/// RFC 8037 A.1.
const RFC8037_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const RFC8037_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const BILBO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A set in which `key` verifies beside one of ours. A key of which the example says no name gets none.
fn public(jwk: &str, kid: Option<&str>) -> SigningKeys {
    let mut key = VerifyingKey::jwk(jwk).unwrap();
    key.kid = kid.map(Box::from);
    let far = NOW.plus(Duration::from_mins(1)).to_datetime();
    SigningKeys::hs256(OTHER)
        .unwrap()
        .also_verify(key, far)
        .unwrap()
}

fn secret(key: &str, kid: Option<&str>) -> SigningKeys {
    let mut keys = SigningKeys::hs256(OTHER).unwrap();
    let key = HmacKey::of(&bytes(key)).unwrap();
    keys.active = VerifyingKey::hmac(key, kid).unwrap();
    keys
}

#[test]
fn sec_079_published_tokens_are_read_and_their_neighbours_are_not() {
    let rsa = |n: &str| format!(r#"{{"kty":"RSA","alg":"RS256","n":"{n}","e":"AQAB"}}"#);
    let examples = [
        (
            "RFC 7515 A.1",
            secret(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
                None,
            ),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            JOE,
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            "RFC 7515 A.2",
            public(&rsa(RFC7515_N), None),
            "eyJhbGciOiJSUzI1NiJ9",
            JOE,
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            "RFC 7515 A.3",
            public(
                r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
                None,
            ),
            "eyJhbGciOiJFUzI1NiJ9",
            JOE,
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            "RFC 8037 A.4",
            public(
                &format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{RFC8037_X}"}}"#),
                None,
            ),
            "eyJhbGciOiJFZERTQSJ9",
            "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
        (
            "RFC 7520 §4.1",
            public(&rsa(RFC7520_N), Some("bilbo.baggins@hobbiton.example")),
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            BILBO,
            "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        ),
        (
            "RFC 7520 §4.4",
            secret(
                "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
                Some("018c0ae5-4d9b-471b-bfd6-eef314bc7037"),
            ),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
            BILBO,
            "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        ),
    ];
    for (name, keys, header, payload, signature) in examples {
        let token = format!("{header}.{payload}.{signature}");
        assert_eq!(
            verify_untyped(&keys, &token).as_deref(),
            Some(&*bytes(payload)),
            "{name}"
        );
        for (index, part) in [header, payload, signature].into_iter().enumerate() {
            let part = bytes(part);
            for at in 0..part.len() {
                for bit in [0, 3, 7] {
                    let mut other = part.clone();
                    other[at] ^= 1 << bit;
                    let mut parts = [header, payload, signature].map(str::to_owned);
                    parts[index] = URL_SAFE_NO_PAD.encode(other);
                    assert!(
                        verify_untyped(&keys, &parts.join(".")).is_none(),
                        "{name}: {index} {at}"
                    );
                }
            }
        }
    }
}

#[test]
fn sec_079_the_unsecured_example_is_refused() {
    // RFC 7519 §6.1, and the detached content of RFC 7520 §4.5.
    let keys = secret("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg", None);
    for token in [
        format!("eyJhbGciOiJub25lIn0.{JOE}."),
        format!("eyJhbGciOiJub25lIn0.{JOE}"),
        "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9..s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0".to_owned(),
    ] {
        assert!(verify_untyped(&keys, &token).is_none());
    }
}

#[test]
fn ed25519_signs_as_published() {
    // The seed in PKCS#8, version 1 (RFC 8410 §10.3).
    let head = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let der = [&head[..], &bytes(RFC8037_D)].concat();
    let pair = KeyPair::from_pkcs8(Alg::EdDsa, &der).unwrap();
    let signature = pair
        .sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
        .unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    assert_eq!(
        thumbprint(&pair.public().unwrap()),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    ); // RFC 8037 A.3
}

#[test]
fn a_key_is_named_as_published() {
    let key = PublicKey::rs256(bytes(RFC7638_N), bytes("AQAB")).unwrap();
    assert_eq!(
        thumbprint(&key),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    ); // RFC 7638 §3.1
}
