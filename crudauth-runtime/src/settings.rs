//! What the application decides at run time, as the builder gathers it and the start reads it.

use std::sync::Arc;

use crate::authority::{Authority, Driver};
use crate::clock::Clock;
use crate::crypto::Random;
use crate::crypto::jws::SigningKeys;
use crate::secret::SecretText;
use crate::store::Store;
use crate::store::dialect::{Declares, Dialect};
use crate::store::sql::{SqlStore, Tables, UserRow, schema_sql as schema_text};

/// What a builder was told.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent setting"
)]
pub(crate) struct Settings {
    pub(crate) secrets: Option<Vec<SecretText>>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) origins: Vec<String>,
    pub(crate) migrate: bool,
    pub(crate) create_users: bool,
    pub(crate) verify_schema: bool,
    pub(crate) danger_reused_ids: bool,
    pub(crate) manual_workers: bool,
    pub(crate) cheap_hashing: bool,
    pub(crate) unlimited: bool,
    pub(crate) signing_keys: Option<SigningKeys>,
    #[cfg(feature = "oauth")]
    pub(crate) oauth: crate::oauth::Settings,
}

impl Settings {
    pub(crate) fn new(create_users: bool) -> Self {
        Self {
            secrets: None,
            clock: Clock::system(),
            random: Random::system(),
            origins: Vec::new(),
            migrate: true,
            create_users,
            verify_schema: true,
            danger_reused_ids: false,
            manual_workers: false,
            cheap_hashing: false,
            unlimited: false,
            signing_keys: None,
            #[cfg(feature = "oauth")]
            oauth: crate::oauth::Settings::default(),
        }
    }
}

/// A store, before it is one: a pool of the application's, in a declared database product.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pool of a database that `{A}` declares",
    note = "name the product in the block: `#[database(sqlite, postgres)]`"
)]
pub trait IntoStore<A: Authority> {
    /// Wraps the pool.
    fn into_store(self) -> Arc<dyn Store<A::User>>;
}

impl<A, D> IntoStore<A> for sqlx::Pool<D>
where
    D: Dialect,
    A: Authority<User: UserRow<D>> + Declares<D>,
{
    fn into_store(self) -> Arc<dyn Store<A::User>> {
        Arc::new(SqlStore::<D, Tables<A::User, A::Prefix>>::new(self))
    }
}

/// A product named in `#[database(…)]`, for a block's list of drivers.
#[must_use]
pub const fn driver<A, D>() -> Driver<A>
where
    D: Dialect,
    A: Authority<User: UserRow<D>> + Declares<D>,
{
    Driver {
        keyword: D::KEYWORD,
        schemes: D::URL_SCHEMES,
        open: |url| {
            Box::pin(async move {
                let store = SqlStore::<D, Tables<A::User, A::Prefix>>::opened(D::open(url).await?);
                Ok(Arc::new(store) as Arc<dyn Store<A::User>>)
            })
        },
        schema_sql: schema_text::<D, A>,
    }
}

/// Where the store comes from, once it is known.
pub(crate) enum Source<A: Authority> {
    Url(String),
    Store(Arc<dyn Store<A::User>>),
    /// The authority has started, or is about to.
    Used,
}
