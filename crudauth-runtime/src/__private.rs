//! The only paths that expanded code names. Not an interface: it may change in any release.

pub use ::axum;
pub use ::sqlx;
pub use axum::response::Response;
pub use futures_util::future::BoxFuture;
use std::marker::PhantomData;
pub use std::sync::Arc;

pub use crate::account::{
    Account, AccountKey, AuthUser, Body, ColumnDef, Fill, HasActive, HasEmail, HasEmailVerified,
    HasPassword, HasRecovery, HasRoomForTokens, HasSuperuser, HasTokenVersion, HasUsername,
    HasVerified, HashColumn, IdentityColumn, InstantColumn, NewAccount, NewColumns, RawKey,
    RecoversByEmail, Repr, Role, Table, TextColumn,
};
pub use crate::authority::{Authority, Core, Driver, Feature, Transport};
pub use crate::builder::{
    Builder, IntoStore, More, Needs, NeedsChannel, NeedsHooks, NeedsKeys, NeedsMailer, NeedsUrl,
    Providers, TakesKeys, Undeclared, Wiring, Zero, driver, word,
};
pub use crate::clock::Timestamp;
pub use crate::crypto::PasswordHash;
pub use crate::error::Result;
#[cfg(feature = "oauth")]
pub use crate::features::oauth;
pub use crate::features::{account, bearer, email_change, recovery, session, sudo};
pub use crate::guard::{
    By, Check, CheckSite, Gate, Proofs, Proves, ProvesScope, Refine, Scoped, Superuser, Verdict,
    Verified, Via, ViaOwn, verdict,
};
pub use crate::handles::{SessionsHandle, UsersHandle, run_due, shutdown};
pub use crate::hooks::{Hooks, NoHooks};
pub use crate::policy::{
    Algorithm, Argon2Params, BearerPolicy, Limit, OAuthPolicy, Policy, ProviderKind,
    ProviderPolicy, RefreshPolicy, SameSite, SessionPolicy, SudoPolicy,
};
pub use crate::principal::{Principal, Public};
pub use crate::routes::{RouteTable, feature_router, router, routes};
pub use crate::start::{migrate, schema_sql};
pub use crate::store::dialect::{Args, Column, Declares, Dialect};
pub use crate::store::products::DialectName;
pub use crate::store::repr::{Hyphenated, Keeps, Simple};
pub use crate::store::sql::{DefaultPrefix, Prefix, Schema, UserRow};
pub use crate::transport::{Mounts, transport as own_transport};
pub use ::std::time::Duration;
pub use ::uuid::Uuid;

/// Asks whether product `P` is in this build and can store `U`. Method look-up answers it, for a `U` that is known where it
/// is asked: [`Storable`] takes fewer references than [`Unstorable`], so it is preferred where it holds.
#[derive(Debug)]
pub struct Probe<U, P>(PhantomData<fn(U, P)>);

impl<U, P> Probe<U, P> {
    /// The question.
    pub const NEW: Self = Self(PhantomData);
}

/// What writes the `CREATE TABLE` for a product.
pub type CreateTable = (DialectName, fn() -> String);

/// It can.
pub trait Storable {
    /// What writes the `CREATE TABLE`.
    fn create_table(&self) -> Option<CreateTable>;
}

/// It cannot, or nothing is known of it.
pub trait Unstorable {
    /// Nothing.
    fn create_table(&self) -> Option<CreateTable> {
        None
    }
}

impl<U, P> Unstorable for &Probe<U, P> {}

/// `CREATE TABLE` for the application's table, by one of these; empty where none of them is for this product.
#[must_use]
pub fn create_table(dialect: DialectName, ways: &[Option<CreateTable>]) -> String {
    let way = ways.iter().flatten().find(|(of, _)| *of == dialect);
    way.map(|(_, text)| text()).unwrap_or_default()
}

macro_rules! products {
    ($($keyword:literal, $module:ident, $product:ident, $doc:literal;)+) => {
        $(
            #[cfg(feature = $keyword)]
            pub use crate::store::$module::$product;
        )+

        /// The products there are, whether this build has them or not.
        pub mod product {
            $(
                #[doc = $doc]
                #[derive(Debug, Clone, Copy)]
                pub struct $product;
            )+
        }

        $(
            #[cfg(feature = $keyword)]
            impl<U: UserRow<$product>> Storable for Probe<U, product::$product> {
                fn create_table(&self) -> Option<CreateTable> {
                    Some((DialectName::$product, crate::store::sql::create_table::<$product, U>))
                }
            }
        )+
    };
}
crate::store::products::each_product!(products);

use crate::error::Result as Outcome;
use crate::transport::OwnTransport;

/// Binds a text in the type of the application's column.
///
/// # Errors
/// When the value cannot be encoded.
pub fn bind_text<D: Dialect, T: TextColumn + Column<D>>(
    text: Option<&str>,
    args: &mut Args<D>,
) -> Outcome<()> {
    T::of(text).add(args)
}

/// Binds a hash in the type of the application's column.
///
/// # Errors
/// When the value cannot be encoded.
pub fn bind_hash<D: Dialect, T: HashColumn + Column<D>>(
    hash: &PasswordHash,
    args: &mut Args<D>,
) -> Outcome<()> {
    T::of(hash).add(args)
}

/// Binds an instant in the type of the application's column.
///
/// # Errors
/// When the value cannot be encoded.
pub fn bind_instant<D: Dialect, T: InstantColumn + Column<D>>(
    at: Timestamp,
    args: &mut Args<D>,
) -> Outcome<()> {
    T::at(at).add(args)
}

/// A column that holds true or false.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold true or false",
    label = "write `bool` here"
)]
pub trait Flag {}
impl Flag for bool {}

/// A column that holds an epoch.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold an epoch",
    label = "write `i64` here"
)]
pub trait Epoch {}
impl Epoch for i64 {}

macro_rules! needs {
    ($($name:ident: $bound:path;)*) => {$(
        #[doc = concat!("Moves the error of a missing `", stringify!($bound), "` to the user's token.")]
        pub const fn $name<T: $bound>() {}
    )*};
}

needs! {
    need_key: AccountKey;
    need_text: TextColumn;
    need_hash: HashColumn;
    need_flag: Flag;
    need_epoch: Epoch;
    need_identity: IdentityColumn;
    need_instant: InstantColumn;
    need_password: HasPassword;
    need_authority: Authority;
}

/// Moves the error of a missing hooks implementation to the user's token.
pub const fn need_hooks<H: Hooks<U>, U: AuthUser>() {}
/// Moves the error of a missing address to `#[email]`.
pub const fn need_email<U: HasEmail>() {}
/// Moves the error of a missing column to `#[oauth]`: without it nobody knows whose an address is, and no account could be linked.
pub const fn need_email_verified<U: HasEmailVerified>() {}
/// Moves the error of identities that leave no room for tokens to `keep_tokens`.
pub const fn need_room_for_tokens<U: HasRoomForTokens>() {}
/// Moves the error of an account that is not recovered by e-mail to `#[email]`.
pub const fn need_mailbox<U: RecoversByEmail>() {}
/// Moves the error of an account that nothing recovers to `#[channel]`.
pub const fn need_recovery<U: HasRecovery>() {}
/// Moves the error of a missing column to the section that proves it.
pub const fn need_proof<U: HasVerified>() {}
/// Moves the error of a missing column to `verified`.
pub const fn need_verified<A: Authority<User: HasVerified>>() {}
/// Moves the error of a missing column to `superuser`.
pub const fn need_superuser<A: Authority<User: HasSuperuser>>() {}
/// Moves the error of a missing transport to `transport(session)`.
pub const fn need_transport_session<A: session::HasSession>() {}
/// Moves the error of a missing section to `sudo`.
pub const fn need_sudo<A: sudo::HasSudo>() {}
/// Moves the error of a missing transport to `transport(bearer)`, and the error of what `#[bearer]` needs to that word.
pub const fn need_transport_bearer<A: bearer::HasBearer>() {}
/// Moves the error of a transport that is not mounted to its path.
pub const fn need_mounted<T: OwnTransport<A>, A: Mounts<T>>() {}

/// Fails to compile where the block does not declare this scope.
///
/// # Panics
/// When the compiler evaluates it for a scope that is not declared.
#[expect(
    clippy::panic,
    reason = "evaluated by the compiler: it is how an error is told there"
)]
#[track_caller]
pub const fn need_scope<A: Authority>(scope: &str) {
    if near(A::SCOPES, scope, 0).is_some() {
        return;
    }
    let text = Sentence::new().add("`").add(A::NAME);
    let text = if A::SCOPES.is_empty() {
        text.add("` declares no scopes; write `#[bearer(scopes(grantable(\"")
            .add(scope)
            .add("\")))]` in its `auth!` block")
    } else {
        let text = text.add("` has no scope `").add(scope).add("`; ");
        match meant(A::SCOPES, scope) {
            Some(known) => text.add("did you mean `").add(known).add("`?"),
            None => text.add("expected one of: ").list(A::SCOPES),
        }
    };
    panic!("{}", text.text());
}

/// Fails to compile where two transports of the block have one name: the route table, the guards and the hooks could not tell
/// them apart.
///
/// # Panics
/// When the compiler evaluates it for such a block.
#[expect(
    clippy::panic,
    reason = "evaluated by the compiler: it is how an error is told there"
)]
#[track_caller]
pub const fn need_distinct_transports<A: Authority>() {
    let mut rest = A::TRANSPORTS;
    while let [first, tail @ ..] = rest {
        let mut others = tail;
        while let [other, further @ ..] = others {
            if within(first.name.as_bytes(), other.name.as_bytes(), 0) {
                let text = Sentence::new()
                    .add("two transports of `")
                    .add(A::NAME)
                    .add("` are called `")
                    .add(first.name);
                let text = text.add("`; give `OwnTransport::NAME` another name");
                panic!("{}", text.text());
            }
            others = further;
        }
        rest = tail;
    }
}

/// The known text that was probably meant, by the measure of the macros: at most 1 + a quarter of its length away.
const fn meant(known: &[&'static str], text: &str) -> Option<&'static str> {
    // Each step costs four times the one before; what is further away was hardly meant.
    let most = 1 + text.len() / 4;
    let mut reach = 1;
    while reach <= most && reach <= 4 {
        if let Some(found) = near(known, text, reach) {
            return Some(found);
        }
        reach += 1;
    }
    None
}

/// The first known text within `reach` edits.
const fn near(mut known: &[&'static str], text: &str, reach: usize) -> Option<&'static str> {
    while let [first, rest @ ..] = known {
        if within(first.as_bytes(), text.as_bytes(), reach) {
            return Some(first);
        }
        known = rest;
    }
    None
}

/// Whether so many edits make one text the other: a byte more, less or changed, or two neighbours swapped.
const fn within(one: &[u8], other: &[u8], reach: usize) -> bool {
    match (one, other) {
        ([], rest) | (rest, []) => rest.len() <= reach,
        ([a, one_rest @ ..], [b, other_rest @ ..]) if *a == *b => {
            within(one_rest, other_rest, reach)
        }
        ([a, one_rest @ ..], [b, other_rest @ ..]) => {
            if reach == 0 {
                return false;
            }
            let swapped = match (one_rest, other_rest) {
                ([c, one_rest @ ..], [d, other_rest @ ..]) => {
                    *a == *d && *b == *c && within(one_rest, other_rest, reach - 1)
                }
                _ => false,
            };
            swapped
                || within(one_rest, other_rest, reach - 1)
                || within(one_rest, other, reach - 1)
                || within(one, other_rest, reach - 1)
        }
    }
}

/// A text that the compiler puts together. What does not fit is left out.
#[derive(Clone, Copy)]
struct Sentence {
    bytes: [u8; 512],
    len: usize,
}

impl Sentence {
    const fn new() -> Self {
        Self {
            bytes: [0; 512],
            len: 0,
        }
    }

    const fn add(mut self, text: &str) -> Self {
        let (_, room) = self.bytes.split_at_mut(self.len);
        if let Some((place, _)) = room.split_at_mut_checked(text.len()) {
            place.copy_from_slice(text.as_bytes());
            self.len += text.len();
        }
        self
    }

    const fn list(self, texts: &[&str]) -> Self {
        match texts {
            [] => self,
            [last] => self.add(last),
            [first, rest @ ..] => self.add(first).add(", ").list(rest),
        }
    }

    const fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

/// Moves the error of a missing gate to its path.
pub const fn need_gate<G: Gate<A>, A: Authority>() {}
