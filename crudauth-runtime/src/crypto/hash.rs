//! A password hash as it lies in the database.

use std::fmt;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};
use zeroize::Zeroizing;

use super::Random;
use super::phc::Phc;
use crate::error::Result;

/// The stored form of a password: an argon2id PHC string, or whatever else the column holds.
///
/// Reads from and writes to a text column. A column may hold anything: text that is no hash verifies as false and at
/// full cost, so an account without a password keeps an [`unusable`](Self::unusable) one.
///
/// # Security
/// Redacted in `Debug`, wiped from memory when dropped, without `Display`, `Serialize` or `PartialEq`: a hash is
/// material for guessing passwords. Check passwords through [`Passwords::verify`](super::Passwords::verify) only.
#[derive(Clone)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    /// No hash that is made here has more characters: every parameter at the most that a policy may ask for.
    pub const LONGEST: usize = 98;

    /// Takes the text of a column as it is.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text for the column.
    #[must_use]
    pub fn as_stored(&self) -> &str {
        &self.0
    }

    /// What an account without a password holds: `!` and a random token. No password verifies against it, and no two
    /// accounts hold the same.
    ///
    /// # Errors
    /// [`Error::Random`](crate::error::Error::Random) if the operating system gives no random bytes.
    pub fn unusable(random: &Random) -> Result<Self> {
        Ok(Self(Zeroizing::new(format!("!{}", random.token()?))))
    }

    /// Whether this is a well-formed hash of a supported scheme, so that some password could verify against it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        Phc::parse(&self.0).is_some()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<DB: Database> Type<DB> for PasswordHash
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        String::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        String::compatible(ty)
    }
}

impl<'q, DB: Database> Encode<'q, DB> for PasswordHash
where
    String: Encode<'q, DB>,
{
    fn encode_by_ref(
        &self,
        buf: &mut <DB as Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        String::encode_by_ref(&self.0, buf)
    }

    fn produces(&self) -> Option<DB::TypeInfo> {
        String::produces(&self.0)
    }

    fn size_hint(&self) -> usize {
        String::size_hint(&self.0)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for PasswordHash
where
    String: Decode<'r, DB>,
{
    fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        String::decode(value).map(Self::from_stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn sec_139_debug_shows_nothing_of_the_hash() {
        assert_eq!(
            format!("{:?}", Some(PasswordHash::from_stored("MARKER".into()))),
            "Some([redacted])"
        );
    }

    #[test]
    fn an_unusable_hash_is_marked_random_and_not_usable() {
        let one = PasswordHash::unusable(&Random::system()).unwrap();
        let two = PasswordHash::unusable(&Random::system()).unwrap();

        assert!(one.as_stored().starts_with('!') && one.as_stored().len() == 44);
        assert_ne!(one.as_stored(), two.as_stored());
        assert!(!one.is_usable() && !PasswordHash::from_stored(String::new()).is_usable());
        assert!(matches!(
            PasswordHash::unusable(&Random::failing()),
            Err(Error::Random)
        ));
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_hash_passes_through_a_text_column_and_null_is_none() {
        let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
        let hash = PasswordHash::from_stored("!abc".into());

        let (back, none): (PasswordHash, Option<PasswordHash>) = sqlx::query_as("SELECT ?1, NULL")
            .bind(&hash)
            .fetch_one(&pool)
            .await
            .unwrap();

        assert_eq!(back.as_stored(), "!abc");
        assert!(none.is_none());
    }
}
