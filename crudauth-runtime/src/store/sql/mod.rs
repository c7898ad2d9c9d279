//! The store over sqlx, written once for every dialect.

use crate::account::{AccountKey, AuthUser, NewAccount};
use crate::error::Result;

use super::dialect::{Args, Column, Dialect};

/// What `auth!` says about the tables.
pub trait Schema: Sized + Send + Sync + 'static {
    /// The account type.
    type User: AuthUser;
    /// Put before the names of our own tables.
    const PREFIX: &'static str;
}

/// Reading and writing the application's row in one dialect. `#[derive(AuthUser)]` implements it for every dialect
/// that can store the struct's field types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in `{D}`",
    note = "every field's type must be a column type of each database named in `#[database(…)]`"
)]
pub trait UserRow<D: Dialect>: AuthUser<Id: AccountKey<Inner: Column<D>>> {
    /// Reads the columns of [`AuthUser::TABLE`], in its order, from index `first` on.
    ///
    /// # Errors
    /// When a column holds something that the field's type cannot.
    fn read(row: &D::Row, first: usize) -> Result<Self>;

    /// Binds the values of a new row: every column whose `fill` is not `Database`, in the table's order.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn bind(new: &NewAccount<Self>, args: &mut Args<D>) -> Result<()>;

    /// The dialect's type of each column, in the table's order.
    fn types() -> Vec<D::TypeInfo>;
}
