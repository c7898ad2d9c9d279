//! What crudauth knows of the application's user: its table, its columns, and which of them are whose business.
//!
//! `#[derive(AuthUser)]` writes the implementations; nothing here is written by hand except [`AccountKey`] for a newtype key.

use serde::de::DeserializeOwned;

pub use self::key::{AccountKey, RawKey, Repr};
pub use self::types::{HashColumn, IdentityColumn, InstantColumn, TextColumn};
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;

mod key;
mod types;

/// The application's account type, as `#[derive(AuthUser)]` describes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an account type",
    label = "this type does not derive `AuthUser`",
    note = "write `#[derive(AuthUser)] #[auth(table = \"users\")]` above the struct"
)]
pub trait AuthUser: Send + Sync + Sized + 'static {
    /// Type of the primary key.
    type Id: AccountKey;
    /// The application's own columns which a new row is given: see [`NewColumns`].
    type Columns: NewColumns;
    /// The table, column by column, in the order of the struct's fields.
    const TABLE: Table;

    /// The primary key.
    fn id(&self) -> &Self::Id;

    /// What the flows need to know of this row.
    fn account(&self) -> Account<'_>;

    /// Whom `provider` means by this account, where a column of the struct says so: [`Role::Identity`].
    fn subject(&self, provider: &str) -> Option<&str> {
        let _ = provider;
        None
    }
}

/// One row as the flows see it. A column that the struct does not have shows its documented absence.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// `None` where the struct has no e-mail column, or the row none.
    pub email: Option<&'a str>,
    /// `None` where the struct has no user name column, or the row none.
    pub username: Option<&'a str>,
    /// The stored hash; `None` where the column is NULL.
    pub password_hash: Option<&'a PasswordHash>,
    /// Whether the address is proven; `None` where the struct has no such column.
    pub email_verified: Option<bool>,
    /// What a lost password is recovered by: the column marked `recovery`, else the e-mail address.
    pub factor: Option<&'a str>,
    /// Whether that is proven; `None` where the struct has no such column.
    pub verified: Option<bool>,
    /// True where the struct has no such column.
    pub is_active: bool,
    /// False where the struct has no such column.
    pub is_superuser: bool,
    /// The epoch: sessions and tokens that carry another value are dead. 0 where the struct has no such column.
    pub token_version: i64,
}

/// The application's own columns of a new row: those marked `#[auth(register)]` come from the request body, those
/// marked `#[auth(default = …)]` from the declaration, and the `new_user` hook may change any of them.
pub trait NewColumns: Clone + Send + Sync + Sized + 'static {
    /// Reads the `register` columns from a sign-up body. `None` when a problem was recorded in `body`.
    fn from_body<B: Body>(body: &mut B) -> Option<Self>;

    /// What the new account is recovered by, where that is one of these.
    fn factor(&self) -> Option<&str> {
        None
    }
}

/// A request body from which named fields are read; every problem is collected, none is thrown.
pub trait Body {
    /// A field that must be there. `None` after recording the problem.
    fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T>;
    /// A field that may be absent or null: `Some(None)`. `None` after recording a problem.
    fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<Option<T>>;
    /// A text that must be there, of at most `max` characters where a limit is given.
    fn text(&mut self, name: &'static str, max: Option<usize>) -> Option<String>;
    /// A text that may be absent or null, of at most `max` characters where a limit is given.
    fn optional_text(&mut self, name: &'static str, max: Option<usize>) -> Option<Option<String>>;
}

/// A row that is about to be inserted.
#[derive(Debug)]
pub struct NewAccount<U: AuthUser> {
    /// `None` where the database numbers its rows.
    pub id: Option<U::Id>,
    /// Canonical form.
    pub email: Option<String>,
    /// As typed.
    pub username: Option<String>,
    /// Hash of the password, or an unusable one.
    pub password_hash: PasswordHash,
    /// Whether the e-mail address is proven.
    pub email_verified: bool,
    /// Whether the account is enabled.
    pub is_active: bool,
    /// Whether the account is a superuser.
    pub is_superuser: bool,
    /// A random start, so that a token of a deleted account never fits a later one (SEC-159).
    pub token_version: i64,
    /// Now.
    pub created_at: Timestamp,
    /// The application's own columns.
    pub columns: U::Columns,
}

/// The account table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Schema, where the declaration names one.
    pub schema: Option<&'static str>,
    /// Unquoted name, checked at expansion.
    pub name: &'static str,
    /// In the order of the struct's fields.
    pub columns: &'static [ColumnDef],
}

impl Table {
    /// The column that plays `role`.
    #[must_use]
    pub const fn column(&self, role: Role) -> Option<&'static ColumnDef> {
        let mut at = 0;
        while at < self.columns.len() {
            // Indexing: `get` is not const for slices, and the loop's condition bounds it.
            #[expect(clippy::indexing_slicing, reason = "bounded by the loop's condition")]
            let column = &self.columns[at];
            if column.role as u8 == role as u8 {
                return Some(column);
            }
            at += 1;
        }
        None
    }

    /// Whether a new account may do without this login field: its column is nullable, and there is another to sign in with.
    #[must_use]
    pub const fn may_lack(&self, role: Role) -> bool {
        match self.column(role) {
            Some(column) => column.nullable && self.has(Role::Email) && self.has(Role::Username),
            None => true,
        }
    }

    /// The column by which a lost password is recovered: the one marked `recovery`, else the e-mail address.
    #[must_use]
    pub const fn factor(&self) -> Option<&'static ColumnDef> {
        match self.column(Role::Recovery) {
            Some(column) => Some(column),
            None => self.column(Role::Email),
        }
    }

    /// The column that says whether [`factor`](Self::factor) is proven.
    #[must_use]
    pub const fn factor_verified(&self) -> Option<&'static ColumnDef> {
        if self.has(Role::Recovery) {
            self.column(Role::RecoveryVerified)
        } else {
            self.column(Role::EmailVerified)
        }
    }

    /// Whether a lost password is recovered by e-mail.
    #[must_use]
    pub const fn recovers_by_email(&self) -> bool {
        self.has(Role::Email) && !self.has(Role::Recovery)
    }

    /// The columns that hold identities.
    pub fn identities(&self) -> impl Iterator<Item = &'static ColumnDef> + use<> {
        let columns = self.columns.iter();
        columns.filter(|column| column.role == Role::Identity)
    }

    /// The column that holds the identities of `provider`; without one they are in a table of ours.
    #[must_use]
    pub fn identity(&self, provider: &str) -> Option<&'static ColumnDef> {
        self.identities()
            .find(|column| column.provider == Some(provider))
    }

    /// The name as SQL.
    pub(crate) fn quoted(&self, quote: char) -> String {
        let quoted = |name: &str| format!("{quote}{name}{quote}");
        match self.schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(self.name)),
            None => quoted(self.name),
        }
    }

    /// Whether a column plays `role`.
    #[must_use]
    pub const fn has(&self, role: Role) -> bool {
        self.column(role).is_some()
    }
}

/// One column of the account table.
#[derive(Debug, Clone, Copy)]
pub struct ColumnDef {
    /// Name of the struct's field.
    pub field: &'static str,
    /// Unquoted SQL name, checked at expansion.
    pub name: &'static str,
    /// What crudauth uses it for.
    pub role: Role,
    /// Who gives it a value in a new row.
    pub fill: Fill,
    /// Whether the field is an `Option`.
    pub nullable: bool,
    /// Whether an own column is declared `#[auth(unique)]`; login columns are unique by their role.
    pub unique: bool,
    /// How a UUID is kept; `None` for every other type.
    pub repr: Option<Repr>,
    /// Whether an own column is declared `#[auth(register)]`: the client may set it at sign-up.
    pub register: bool,
    /// Most characters, for texts that a client may set.
    pub max_length: Option<usize>,
    /// The provider whose identities an [identity](Role::Identity) column holds.
    pub provider: Option<&'static str>,
}

impl ColumnDef {
    /// Whether a client says at sign-up what stands in it.
    #[must_use]
    pub const fn is_clients(&self) -> bool {
        self.register || matches!(self.role, Role::Email | Role::Username)
    }
}

/// What crudauth uses a column for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Role {
    /// Primary key.
    Id,
    /// E-mail address, canonical.
    Email,
    /// User name, as typed.
    Username,
    /// Stored password hash.
    PasswordHash,
    /// Whether the address is proven.
    EmailVerified,
    /// What a lost password is recovered by, where that is not the address: a phone number.
    Recovery,
    /// Whether that is proven.
    RecoveryVerified,
    /// Whether the account may sign in.
    IsActive,
    /// Whether the account passes `superuser` guards.
    IsSuperuser,
    /// Whom a provider means by the account: its subject there.
    Identity,
    /// Epoch of sessions and tokens.
    TokenVersion,
    /// Instant of sign-up.
    CreatedAt,
    /// Instant of the last change by crudauth.
    UpdatedAt,
    /// The application's own.
    Own,
}

/// Who gives a column its value in a new row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The database: an identity key, or the column's default.
    Database,
    /// crudauth.
    Library,
    /// [`NewColumns`]: the client, a declared default, or the `new_user` hook.
    Columns,
}

macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident: $message:literal, $note:literal;)*) => {$(
        $(#[$doc])*
        #[diagnostic::on_unimplemented(message = $message, note = $note)]
        pub trait $name: AuthUser {}
    )*};
}

capabilities! {
    /// The account has an e-mail column.
    HasEmail: "`{Self}` has no e-mail column", "add a field `email: String`, or mark yours `#[auth(email)]`";
    /// The account has a column that says whether the e-mail address is proven.
    HasEmailVerified: "`{Self}` has no column that says whether the e-mail address is verified", "add a field `email_verified: bool`, or mark yours `#[auth(email_verified)]`";
    /// The account has a user name column.
    HasUsername: "`{Self}` has no user name column", "add a field `username: String`, or mark yours `#[auth(username)]`";
    /// The account has a password column.
    HasPassword: "`{Self}` has no password column", "add a field `password_hash: PasswordHash`, or mark yours `#[auth(password)]`";
    /// The account has a verified column.
    HasVerified: "`{Self}` has no column that says whether the address is verified", "add a field `email_verified: bool`, or mark yours `#[auth(email_verified)]`; beside a field `phone` that is marked `recovery`, add `phone_verified: bool`, or mark yours `#[auth(recovery_verified)]`";
    /// The account has something to recover a lost password by.
    HasRecovery: "`{Self}` has nothing to recover a lost password by", "add a field `email: String`, or mark another one `#[auth(recovery)]`";
    /// A lost password is recovered by e-mail.
    RecoversByEmail: "`{Self}` does not recover a lost password by e-mail", "add a field `email: String`; where another field is marked `recovery`, add `#[channel]` to the block, and the application delivers";
    /// The account can be disabled.
    HasActive: "`{Self}` has no column that says whether the account is enabled", "add a field `is_active: bool`, or mark yours `#[auth(is_active)]`";
    /// The account can be a superuser.
    HasSuperuser: "`{Self}` has no superuser column", "add a field `is_superuser: bool`, or mark yours `#[auth(is_superuser)]`";
    /// The account's identities are in a table of ours alone.
    HasRoomForTokens: "`{Self}` keeps identities in columns of its own, and these have no room for tokens", "remove `keep_tokens`, or take `identity = …` off the fields, and the identities are kept in a table of crudauth's";
    /// The account has an epoch, so that a password change ends every session and token at once.
    HasTokenVersion: "`{Self}` has no epoch column", "add a field `token_version: i64`, or mark yours `#[auth(token_version)]`";
}
