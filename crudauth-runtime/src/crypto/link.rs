//! Tokens that prove a mailbox: each is good for one purpose, one account and one use.
//!
//! A token names its row and carries a secret. The secret is a MAC of the row's name under a key of the application's, so
//! that a worker can write the link again after a crash although the row holds a digest only: neither a copy of the
//! database nor the outbox opens anything.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Purpose, Random, RootKeys, compare};
use crate::error::Result;
use crate::secret::SecretText;

/// What a token is good for: a column of its row, a part of its secret, and a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkKind {
    /// Moves an account to another address.
    ChangeEmail,
    /// Sets a new password.
    ResetPassword,
    /// Takes a change of address back.
    UndoEmailChange,
    /// Proves what an account is recovered by.
    Verify,
}

impl LinkKind {
    /// As the row says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
            Self::UndoEmailChange => "undo_email_change",
            Self::Verify => "verify",
        }
    }
}

/// A purpose as a type, so that a token of one cannot be handed to a flow of another.
pub trait LinkPurpose: Send + Sync + 'static {
    /// The same as a value.
    const KIND: LinkKind;
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl LinkPurpose for $name {
            const KIND: LinkKind = LinkKind::$name;
        }
    )*};
}

purposes! {
    /// See [`LinkKind::ChangeEmail`].
    ChangeEmail
    /// See [`LinkKind::ResetPassword`].
    ResetPassword
    /// See [`LinkKind::UndoEmailChange`].
    UndoEmailChange
    /// See [`LinkKind::Verify`].
    Verify
}

/// A token of purpose `P`, as it was sent or is about to be: 64 characters of base64url on the wire.
pub struct Token<P> {
    id: [u8; ID],
    secret: [u8; SECRET],
    purpose: PhantomData<fn() -> P>,
}

impl<P: LinkPurpose> Token<P> {
    /// A fresh one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn issue(keys: &RootKeys, random: &Random) -> Result<Self> {
        let id = random.bytes::<ID>()?;
        let secret = keys.mac(Purpose::Link, &message(P::KIND, &id));
        Ok(Self::from(id, secret))
    }

    /// Reads what a client sends. `None` for anything that [`issue`](Self::issue) cannot have made. Whether it did, only
    /// the row tells.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, secret) = bytes.split_at_checked(ID)?;
        Some(Self::from(id.try_into().ok()?, secret.try_into().ok()?))
    }

    const fn from(id: [u8; ID], secret: [u8; SECRET]) -> Self {
        Self {
            id,
            secret,
            purpose: PhantomData,
        }
    }

    /// The name of its row.
    #[must_use]
    pub fn row(&self) -> String {
        name(&self.id)
    }

    /// What the row keeps of the secret.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(P::KIND, &self.secret)
    }

    /// Whether its secret is the one of which the row keeps `stored`. Takes the same time for every secret.
    #[must_use]
    pub fn matches(&self, stored: &[u8; 32]) -> bool {
        compare::equal(&self.digest(), stored)
    }
}

impl<P> fmt::Debug for Token<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// The token of the row called `row`, as it is sent, where its secret is the one of which the row keeps `stored`. `None`
/// when none of the keys in force made it: it was issued under a root secret that has been taken away.
#[must_use]
pub fn rewrite(
    keys: &RootKeys,
    kind: LinkKind,
    row: &str,
    stored: &[u8; 32],
) -> Option<SecretText> {
    let id = unname(row)?;
    let secret = keys
        .macs(Purpose::Link, &message(kind, &id))
        .find(|secret| compare::equal(&digest(kind, secret), stored))?;
    let mut bytes = [0; ID + SECRET];
    let (head, tail) = bytes.split_at_mut(ID);
    head.copy_from_slice(&id);
    tail.copy_from_slice(&secret);
    Some(SecretText::from(URL_SAFE_NO_PAD.encode(bytes)))
}

fn message(kind: LinkKind, id: &[u8; ID]) -> Vec<u8> {
    [kind.name().as_bytes(), b"\0", id].concat()
}

fn digest(kind: LinkKind, secret: &[u8; SECRET]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(kind.name());
    hash.update(b"\0");
    hash.update(secret);
    hash.finalize().into()
}

/// Lower-case hexadecimal: the same order and equality in every database, whatever its collation.
pub(super) fn name(id: &[u8; ID]) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

fn unname(name: &str) -> Option<[u8; ID]> {
    let id = u128::from_str_radix(name, 16).ok()?.to_be_bytes();
    (self::name(&id) == name).then_some(id)
}

/// A fresh name for a row that is no secret.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn row_name(random: &Random) -> Result<String> {
    Ok(name(&random.bytes::<ID>()?))
}

/// Bytes of a row's name: too many to guess one, so that a guess at a secret needs a row that was seen.
const ID: usize = 16;
/// Bytes of a secret.
const SECRET: usize = 32;
/// Characters of a token: no bits are left over, so every token has one spelling.
const CHARS: usize = (ID + SECRET) / 3 * 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[&str]) -> RootKeys {
        RootKeys::new(secrets.iter().map(|text| SecretText::from(*text)).collect()).unwrap()
    }

    const OLD: &str = "old: 7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h";
    const NEW: &str = "new: hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU";

    #[test]
    fn what_is_written_is_read_again_under_its_own_purpose_only() {
        let keys = keys(&[OLD]);
        let token = Token::<ResetPassword>::issue(&keys, &Random::system()).unwrap();
        let text = rewrite(
            &keys,
            LinkKind::ResetPassword,
            &token.row(),
            &token.digest(),
        )
        .unwrap();
        let read = Token::<ResetPassword>::parse(text.expose()).unwrap();
        assert_eq!(read.row(), token.row());
        assert!(read.matches(&token.digest()));

        let other = Token::<Verify>::parse(text.expose()).unwrap();
        assert!(!other.matches(&token.digest()));
        assert!(rewrite(&keys, LinkKind::Verify, &token.row(), &token.digest()).is_none());
    }

    #[test]
    fn a_token_outlives_the_rotation_of_the_root_secret() {
        let token = Token::<Verify>::issue(&keys(&[OLD]), &Random::system()).unwrap();
        let write = |secrets: &[&str]| {
            rewrite(
                &keys(secrets),
                LinkKind::Verify,
                &token.row(),
                &token.digest(),
            )
        };
        assert!(write(&[NEW, OLD]).is_some());
        assert!(write(&[NEW]).is_none());
    }

    #[test]
    fn sec_088_every_prefix_and_every_changed_bit_is_another_token() {
        let keys = keys(&[OLD]);
        let token = Token::<Verify>::issue(&keys, &Random::system()).unwrap();
        let text = rewrite(&keys, LinkKind::Verify, &token.row(), &token.digest()).unwrap();
        let bytes = text.expose().as_bytes();
        assert_eq!(bytes.len(), CHARS);
        for end in 0..bytes.len() {
            let prefix = std::str::from_utf8(&bytes[..end]).unwrap();
            assert!(Token::<Verify>::parse(prefix).is_none());
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.to_vec();
                other[at] ^= 1 << bit;
                let Ok(other) = String::from_utf8(other) else {
                    continue;
                };
                let same = Token::<Verify>::parse(&other).is_some_and(|other| {
                    other.row() == token.row() && other.matches(&token.digest())
                });
                assert!(!same, "{other}");
            }
        }
        for odd in [format!("{}=", text.expose()), format!(" {}", text.expose())] {
            assert!(Token::<Verify>::parse(&odd).is_none());
        }
    }

    #[test]
    fn sec_139_a_token_shows_nothing() {
        let token = Token::<Verify>::issue(&keys(&[OLD]), &Random::system()).unwrap();
        assert_eq!(format!("{token:?}"), "Token([redacted])");
    }
}
