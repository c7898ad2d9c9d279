//! What a database said no to.

use std::error::Error as StdError;
use std::fmt;

use sqlx::error::{DatabaseError, ErrorKind};

use super::dialect::Dialect;
use crate::account::ColumnDef;
use crate::error::Error;

/// A statement that the database refused, told without the values in it: the product's own error quotes them, in its
/// message ("invalid input value for enum mood: …"), in its detail ("Key (email)=(ada@example.com) already exists"), or
/// in its context.
pub(crate) struct Refusal {
    error: Box<dyn DatabaseError>,
    about_values: bool,
}

impl Refusal {
    pub(crate) fn new<D: Dialect>(error: Box<dyn DatabaseError>) -> Self {
        let about_values = D::is_about_values(&*error);
        Self {
            error,
            about_values,
        }
    }

    /// The refusal that `error` tells of.
    pub(crate) fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::Store(source) => source.downcast_ref(),
            _ => None,
        }
    }

    /// As the product tells it, values included.
    pub(crate) fn whole(&self) -> &dyn DatabaseError {
        &*self.error
    }

    /// Whether other values would have been taken.
    pub(crate) fn is_about_values(&self) -> bool {
        self.about_values
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.about_values {
            return f.write_str(self.error.message());
        }
        f.write_str(match self.error.kind() {
            ErrorKind::UniqueViolation => "a unique index refused a value",
            ErrorKind::ForeignKeyViolation => "a foreign key refused a value",
            ErrorKind::NotNullViolation => "a column that is NOT NULL was given no value",
            ErrorKind::CheckViolation => "a constraint refused a value",
            _ => "a value was refused",
        })?;
        if let Some(code) = self.error.code() {
            write!(f, " (code {code})")?;
        }
        if let Some(constraint) = self.error.constraint() {
            write!(f, ": `{constraint}`")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({self})")
    }
}

impl StdError for Refusal {}

/// A value that the account table does not take: too long, outside a CHECK, none of an enumeration's, …
#[derive(Debug, Clone, Copy, Default)]
pub struct Unfit {
    /// Its column, where that is known.
    pub column: Option<&'static ColumnDef>,
    /// Most characters that the column holds, where the value has more.
    pub room: Option<usize>,
}
