//! Tokens that others signed, and the keys that they publish.

use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use serde_json::Value;

use super::header::{Alg, Header, Rules};
use super::jwk::{self, PRIVATE};
use super::ring::PublicKey;
use super::{Compact, Verified};

/// The keys of somebody else (RFC 7517 §5): those of a set that can verify what we can.
pub(crate) struct ForeignKeys(Vec<ForeignKey>);

struct ForeignKey {
    kid: Option<String>,
    issuer: Option<Value>,
    key: PublicKey,
}

/// A token of somebody else, of the right form and not yet verified.
pub(crate) struct ForeignToken<'a> {
    token: Compact<'a>,
    header: Header,
    alg: Alg,
}

/// What keys say of a token.
pub(crate) enum Judgement {
    /// Some of them signed it: what the set says of each as its `issuer`, where it does. No standard knows the member.
    Signed(Verified, Vec<Option<Value>>),
    /// The one that it names did not.
    Forged,
    /// It names none of them: they may be out of date.
    Unknown,
}

/// Most characters: people are in many groups.
const MAX_FOREIGN: usize = 64 * 1024;

/// Most keys of a set that are looked at. Each costs a check of its own when a token names none.
const MAX_KEYS: usize = 64;

/// Others choose the names of their keys, and what they tell of them; we take no key from a token in any case.
const RULES: Rules = Rules {
    refused: &["crit", "b64", "zip", "cty"],
    max_kid: 256,
};

impl ForeignKeys {
    /// The usable keys of a JWK set. Others are passed over: a set serves many readers, and may hold keys for encryption, of
    /// other algorithms, or too weak.
    pub(crate) fn read(set: &Value) -> Option<Self> {
        let keys = set.get("keys")?.as_array()?;
        Some(Self(
            keys.iter()
                .filter_map(ForeignKey::read)
                .take(MAX_KEYS)
                .collect(),
        ))
    }

    pub(crate) fn judge(&self, token: &ForeignToken<'_>) -> Judgement {
        let name = token.header.kid.as_deref();
        let fitting = || self.0.iter().filter(|key| key.key.alg() == token.alg);
        let known = fitting().any(|key| key.kid.is_some() && key.kid.as_deref() == name);
        // A token without a name may be of any key, and a key without a name answers to every name.
        let signers: Vec<_> = fitting()
            .filter(|key| name.is_none() || key.kid.is_none() || key.kid.as_deref() == name)
            .filter(|key| key.key.verify(token.token.input, &token.token.signature))
            .map(|key| key.issuer.clone())
            .collect();
        match (signers.is_empty(), known) {
            (false, _) => {
                let payload = token.token.payload.clone();
                Judgement::Signed(Verified { payload }, signers)
            }
            (true, true) => Judgement::Forged,
            (true, false) => Judgement::Unknown,
        }
    }
}

impl ForeignKey {
    fn read(value: &Value) -> Option<Self> {
        if PRIVATE.iter().any(|name| value.get(*name).is_some()) {
            return None; // whoever publishes it does not know what it is
        }
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        let common = jwk.common;
        let verifies = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
            && common
                .key_operations
                .is_none_or(|all| all.contains(&KeyOperations::Verify));
        let key = jwk::read(&jwk.algorithm).ok()?;
        let said = common
            .key_algorithm
            .is_none_or(|said| said == jwk::name(key.alg()));
        (verifies && said).then_some(Self {
            kid: common.key_id,
            issuer: value.get("issuer").cloned(),
            key,
        })
    }
}

impl<'a> ForeignToken<'a> {
    /// Reads `token` if it is a JWT that says no more of its kind than that.
    ///
    /// # Security
    /// Of the algorithms only those with a pair of keys are known here: `none` and HS256, for which a public key or a client
    /// secret would be the key, have no value to be told apart.
    pub(crate) fn read(token: &'a str) -> Option<Self> {
        let token = Compact::split(token, MAX_FOREIGN)?;
        let header = Header::parse(token.header, &RULES)?;
        let alg = [Alg::Rs256, Alg::Es256, Alg::EdDsa]
            .into_iter()
            .find(|alg| alg.name() == header.alg)?;
        (header.is_untyped() || header.is_of("JWT")).then_some(Self { token, header, alg })
    }

    pub(crate) const fn alg(&self) -> Alg {
        self.alg
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    fn pair() -> Ed25519KeyPair {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap()
    }

    fn jwk(pair: &Ed25519KeyPair, more: &Value) -> Value {
        let mut key =
            json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key())});
        let (Some(members), Some(more)) = (key.as_object_mut(), more.as_object()) else {
            panic!("two objects");
        };
        members.extend(more.clone());
        key
    }

    fn token(pair: &Ed25519KeyPair, header: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(header), part(&json!({"sub": "1"})));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }

    fn outcome(keys: &[Value], token: &str) -> &'static str {
        let keys = ForeignKeys::read(&json!({ "keys": keys })).unwrap();
        match ForeignToken::read(token).map(|token| keys.judge(&token)) {
            None => "refused",
            Some(Judgement::Signed(..)) => "signed",
            Some(Judgement::Forged) => "forged",
            Some(Judgement::Unknown) => "unknown",
        }
    }

    #[test]
    fn sec_101_a_token_is_held_against_the_keys_of_its_name_and_algorithm() {
        let (ours, other) = (pair(), pair());
        let long = "k".repeat(100);
        let a = jwk(
            &ours,
            &json!({"kid": "a", "use": "sig", "alg": "EdDSA", "x5t": "?", "made": [1]}),
        );
        let b = jwk(&other, &json!({"kid": "b"}));
        let nameless = jwk(&ours, &json!({}));
        let foreign = jwk(&ours, &json!({"kid": long}));
        for (keys, header, expected) in [
            (
                vec![a.clone(), b.clone()],
                json!({"alg": "EdDSA", "kid": "a"}),
                "signed",
            ),
            (
                vec![a.clone(), b.clone()],
                json!({"alg": "EdDSA", "kid": "a", "typ": "JWT"}),
                "signed",
            ),
            (
                vec![a.clone(), b.clone()],
                json!({"alg": "EdDSA", "kid": "a", "jku": "https://x"}),
                "signed",
            ),
            (
                vec![a.clone(), b.clone()],
                json!({"alg": "EdDSA"}),
                "signed",
            ),
            (
                vec![nameless],
                json!({"alg": "EdDSA", "kid": "a"}),
                "signed",
            ),
            (
                vec![foreign],
                json!({"alg": "EdDSA", "kid": long}),
                "signed",
            ),
            (
                vec![a.clone(), b.clone()],
                json!({"alg": "EdDSA", "kid": "b"}),
                "forged",
            ),
            (
                vec![a.clone(), b.clone()],
                json!({"alg": "EdDSA", "kid": "c"}),
                "unknown",
            ),
            (vec![b.clone()], json!({"alg": "EdDSA"}), "unknown"),
            (
                vec![a.clone()],
                json!({"alg": "ES256", "kid": "a"}),
                "unknown",
            ),
            (
                vec![a.clone()],
                json!({"alg": "EdDSA", "kid": "a", "typ": "at+jwt"}),
                "refused",
            ),
            (
                vec![a.clone()],
                json!({"alg": "EdDSA", "kid": "a", "typ": "logout+jwt"}),
                "refused",
            ),
            (
                vec![a.clone()],
                json!({"alg": "EdDSA", "kid": "a", "crit": ["x"]}),
                "refused",
            ),
            (
                vec![a.clone()],
                json!({"alg": "none", "kid": "a"}),
                "refused",
            ),
            (
                vec![a.clone()],
                json!({"alg": "HS256", "kid": "a"}),
                "refused",
            ),
            (
                vec![a.clone()],
                json!({"alg": "eddsa", "kid": "a"}),
                "refused",
            ),
            (
                vec![a],
                json!({"alg": "EdDSA", "kid": "k".repeat(300)}),
                "refused",
            ),
        ] {
            assert_eq!(outcome(&keys, &token(&ours, &header)), expected, "{header}");
        }
    }

    #[test]
    fn sec_101_keys_that_cannot_be_used_are_passed_over() {
        let ours = pair();
        let good = jwk(&ours, &json!({"kid": "a"}));
        let odd = [
            json!(null),
            json!("key"),
            json!({}),
            json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"}),
            json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "a"}),
            json!({"kty": "future", "kid": "a"}),
            jwk(&pair(), &json!({"kid": "a", "use": "enc"})),
            jwk(&pair(), &json!({"kid": "a", "alg": "RSA-OAEP"})),
            jwk(&pair(), &json!({"kid": "a", "alg": "ES256"})),
            jwk(&pair(), &json!({"kid": "a", "key_ops": ["sign"]})),
            jwk(&pair(), &json!({"kid": 5})),
            jwk(&pair(), &json!({"kid": "a", "d": "AAAA"})),
        ];
        let keys = [odd.as_slice(), &[good]].concat();
        let set = json!({ "keys": keys, "issued": 1 });
        assert_eq!(ForeignKeys::read(&set).unwrap().0.len(), 1);
        for set in [json!({}), json!([]), json!({"keys": {}}), json!(null)] {
            assert!(ForeignKeys::read(&set).is_none(), "{set}");
        }
    }
}
