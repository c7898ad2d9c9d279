//! Primary keys of accounts.

use std::fmt::{Debug, Display};

use serde::Serialize;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::crypto::Random;
use crate::error::Result;

/// A primary key: `i64` (numbered by the database), [`Uuid`] (version 7, made here), `String` (a version 4 UUID in
/// text, made here), or a newtype over one of them.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// # use crudauth::account::AccountKey;
/// #[derive(Debug, Clone, PartialEq)]
/// pub struct UserId(i64);
///
/// impl AccountKey for UserId {
///     type Inner = i64;
///     fn from_inner(inner: i64) -> Self { Self(inner) }
///     fn as_inner(&self) -> &i64 { &self.0 }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the primary key of an account",
    label = "not an account key",
    note = "use `i64`, `Uuid` or `String`, or implement `crudauth::AccountKey` for your newtype: `type Inner = i64;`, `from_inner` and `as_inner`"
)]
pub trait AccountKey: Debug + Clone + Send + Sync + 'static {
    /// The type in the column.
    type Inner: RawKey;
    /// Wraps a value read from the column.
    fn from_inner(inner: Self::Inner) -> Self;
    /// The value in the column.
    fn as_inner(&self) -> &Self::Inner;
}

/// The three types a key column may hold.
pub trait RawKey: Clone + Debug + Display + PartialEq + Serialize + Send + Sync + 'static {
    /// How a UUID is kept where nothing else is said; `None` for every other type.
    const REPR: Option<Repr> = None;
    /// Whether crudauth makes the key, not the database.
    const GENERATED: bool;
    /// A new key, where crudauth makes it.
    ///
    /// # Errors
    /// [`Random`](crate::Error::Random) when the operating system gives no random bytes.
    fn generate(random: &Random, now: Timestamp) -> Result<Option<Self>>;
    /// Reads the canonical spelling and no other: no spaces, signs or leading zeros.
    fn parse_canonical(text: &str) -> Option<Self>;
}

impl RawKey for i64 {
    const GENERATED: bool = false;
    fn generate(_: &Random, _: Timestamp) -> Result<Option<Self>> {
        Ok(None)
    }
    fn parse_canonical(text: &str) -> Option<Self> {
        text.parse()
            .ok()
            .filter(|key: &Self| key.to_string() == text)
    }
}

impl RawKey for Uuid {
    const REPR: Option<Repr> = Some(Repr::Blob);
    const GENERATED: bool = true;
    fn generate(random: &Random, now: Timestamp) -> Result<Option<Self>> {
        random.uuid_v7(now).map(Some)
    }
    fn parse_canonical(text: &str) -> Option<Self> {
        text.parse()
            .ok()
            .filter(|key: &Self| key.to_string() == text)
    }
}

impl RawKey for String {
    const GENERATED: bool = true;
    fn generate(random: &Random, _: Timestamp) -> Result<Option<Self>> {
        random.uuid_v4().map(|key| Some(key.to_string()))
    }
    fn parse_canonical(text: &str) -> Option<Self> {
        // No key has this character: not every product can store it, and those that cannot refuse to compare with it.
        (!text.contains('\0')).then(|| text.to_owned())
    }
}

macro_rules! keys_of_themselves {
    ($($key:ty),*) => {$(
        impl AccountKey for $key {
            type Inner = Self;
            fn from_inner(inner: Self) -> Self {
                inner
            }
            fn as_inner(&self) -> &Self {
                self
            }
        }
    )*};
}
keys_of_themselves!(i64, Uuid, String);

/// How a UUID is kept in a product that has no type for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repr {
    /// Sixteen bytes.
    Blob,
    /// A text with dashes, in lower case.
    Hyphenated,
    /// A text without dashes, in lower case.
    Simple,
}

impl Repr {
    /// As written in `#[auth(repr = …)]`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Hyphenated => "hyphenated",
            Self::Simple => "simple",
        }
    }

    /// The nil UUID as SQL, where it is a text; every product that has a type for UUIDs reads both spellings.
    pub(crate) const fn nil(self) -> Option<&'static str> {
        match self {
            Self::Blob => None,
            Self::Hyphenated => Some("'00000000-0000-0000-0000-000000000000'"),
            Self::Simple => Some("'00000000000000000000000000000000'"),
        }
    }
}
