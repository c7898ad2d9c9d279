//! What the type of a column can hold.

use time::{OffsetDateTime, PrimitiveDateTime};

use crate::clock::Timestamp;
use crate::crypto::PasswordHash;

/// A column type that can hold an instant of ours: what `created_at` and `updated_at` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold an instant",
    note = "use `time::OffsetDateTime`, `time::PrimitiveDateTime`, or `i64` (seconds since the Unix epoch), or leave the column to the database with `#[auth(own)]`"
)]
pub trait InstantColumn {
    /// The value to store for `instant`.
    fn at(instant: Timestamp) -> Self;
}

impl InstantColumn for OffsetDateTime {
    fn at(instant: Timestamp) -> Self {
        instant.to_datetime()
    }
}

impl InstantColumn for PrimitiveDateTime {
    fn at(instant: Timestamp) -> Self {
        let utc = instant.to_datetime();
        Self::new(utc.date(), utc.time())
    }
}

impl InstantColumn for i64 {
    fn at(instant: Timestamp) -> Self {
        instant.as_secs()
    }
}

impl<T: InstantColumn> InstantColumn for Option<T> {
    fn at(instant: Timestamp) -> Self {
        Some(T::at(instant))
    }
}

/// A text column that may or may not be nullable.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold a text",
    label = "write `String` or `Option<String>` here"
)]
pub trait TextColumn: Sized {
    /// The text, where there is one.
    fn text(&self) -> Option<&str>;
    /// What is stored for `text`.
    fn of(text: Option<&str>) -> Self;
}

impl TextColumn for String {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
    fn of(text: Option<&str>) -> Self {
        text.unwrap_or_default().to_owned()
    }
}

impl TextColumn for Option<String> {
    fn text(&self) -> Option<&str> {
        self.as_deref()
    }
    fn of(text: Option<&str>) -> Self {
        text.map(str::to_owned)
    }
}

/// A column that holds an identity.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold an identity",
    label = "write `Option<String>` here",
    note = "it is the subject at a provider, a text, and NULL for whoever has none there"
)]
pub trait IdentityColumn: TextColumn {}
impl IdentityColumn for Option<String> {}

/// A hash column that may or may not be nullable.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold the password hash",
    label = "write `PasswordHash` here",
    note = "`crudauth::PasswordHash` is redacted in Debug and never serialised; `Option<PasswordHash>` is a nullable column"
)]
pub trait HashColumn {
    /// The stored form, where there is one.
    fn hash(&self) -> Option<&PasswordHash>;
    /// What is stored for `hash`.
    fn of(hash: &PasswordHash) -> Self;
}

impl HashColumn for PasswordHash {
    fn hash(&self) -> Option<&PasswordHash> {
        Some(self)
    }
    fn of(hash: &PasswordHash) -> Self {
        hash.clone()
    }
}

impl HashColumn for Option<PasswordHash> {
    fn hash(&self) -> Option<&PasswordHash> {
        self.as_ref()
    }
    fn of(hash: &PasswordHash) -> Self {
        Some(hash.clone())
    }
}
