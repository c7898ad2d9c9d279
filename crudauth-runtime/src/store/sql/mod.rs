//! The store over sqlx, written once for every dialect.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use sqlx::Pool;
use sqlx::pool::PoolConnection;
use tokio::sync::Semaphore;

use super::Digest;
use super::dialect::{Args, Column, Dialect, classify};
use super::patience::{self, Pulse};
use super::repr::Keeps;
use super::text::{Names, Text, render};
use crate::account::{AccountKey, AuthUser, NewAccount};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

mod attempts;
mod elevations;
mod families;
mod held;
mod identities;
mod journeys;
mod limits;
mod links;
mod maintenance;
mod misfit;
mod outbox;
mod schema;
mod sessions;
mod subjects;
mod users;
mod verify;

use held::{Held, commit};
pub use schema::{create_table, schema_sql};

/// What `auth!` says about the tables.
pub trait Schema: Sized + Send + Sync + 'static {
    /// The account type.
    type User: AuthUser;
    /// Put before the names of our own tables.
    type Prefix: Prefix;
}

/// What the names of our own tables begin with.
pub trait Prefix: Send + Sync + 'static {
    /// The prefix.
    const TEXT: &'static str;
}

/// The prefix where the block names none.
#[derive(Debug)]
pub struct DefaultPrefix;

impl Prefix for DefaultPrefix {
    const TEXT: &'static str = "auth_";
}

/// All that a store depends on of what the block says: blocks over one account type share what is compiled for it.
#[derive(Debug)]
pub struct Tables<U, P>(PhantomData<fn() -> (U, P)>);

impl<U: AuthUser, P: Prefix> Schema for Tables<U, P> {
    type User = U;
    type Prefix = P;
}

/// Reading and writing the application's row in one dialect. `#[derive(AuthUser)]` implements it for every dialect
/// that can store the struct's field types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in `{D}`",
    note = "every field's type must be a column type of each database named in `#[database(…)]`"
)]
pub trait UserRow<D: Dialect>: AuthUser {
    /// What a column that refers to an account holds: the key itself, or its form where `#[auth(repr = …)]` says so.
    type Key: Column<D> + Keeps<<Self::Id as AccountKey>::Inner>;

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

    /// Binds one value for each column that holds identities: the subject for the provider's own, NULL for the others; nothing where
    /// there is none.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    fn bind_identity(provider: &str, subject: &str, args: &mut Args<D>) -> Result<()> {
        let _ = (provider, subject, args);
        Ok(())
    }

    /// Binds `updated_at` in the type of the application's column; nothing where it has none.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    fn bind_updated(now: Timestamp, args: &mut Args<D>) -> Result<()> {
        let _ = (now, args);
        Ok(())
    }
}

impl<D: Dialect> Args<D> {
    /// Appends a key as its column keeps it.
    fn key<U: UserRow<D>>(self, id: &U::Id) -> Self {
        self.value(&*U::Key::keep(id.as_inner()))
    }
}

/// A store in one dialect, for one account type.
pub struct SqlStore<D: Dialect, S> {
    pool: Pool<D>,
    writers: Option<Arc<Semaphore>>,
    /// Whether the pool is one of [`Dialect::open`].
    opened: bool,
    pulse: Pulse,
    schema: PhantomData<fn() -> S>,
}

impl<D: Dialect, S> fmt::Debug for SqlStore<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlStore({})", D::KEYWORD)
    }
}

impl<D: Dialect, S: Schema> SqlStore<D, S> {
    /// A store over a pool of the application's.
    #[must_use]
    pub fn new(pool: Pool<D>) -> Self {
        Self {
            writers: D::writers(&pool),
            pool,
            opened: false,
            pulse: Pulse::default(),
            schema: PhantomData,
        }
    }

    /// A store over a pool that [`Dialect::open`] has opened.
    #[must_use]
    pub fn opened(pool: Pool<D>) -> Self {
        Self {
            opened: true,
            ..Self::new(pool)
        }
    }

    async fn hold(&self) -> Result<Held<'_, D>> {
        let idle = self.opened.then(|| D::idle(&self.pool)).flatten();
        let conn = match idle {
            Some(conn) => conn,
            None => self.acquire().await.map_err(classify::<D>)?,
        };
        Ok(Held::new(conn, self.writers.as_deref()))
    }

    /// A connection, once there is one. What waits for it knows how to connect, TLS and all, which takes 15 KiB: on the heap,
    /// and not in each future around it, which would be moved with it. It is made in its place: it would be moved there.
    fn acquire(
        &self,
    ) -> Pin<Box<impl Future<Output = sqlx::Result<PoolConnection<D>>> + use<D, S>>> {
        Box::into_pin(Box::write(Box::new_uninit(), self.pool.acquire()))
    }

    /// Does one step of a flow, and gives it up when our patience ends. What is ready at once costs no timer.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
            return done;
        }
        if let Ok(done) = patience::step(&self.pulse, work).await {
            return done;
        }
        self.ask_idle();
        Err(Error::Unavailable(Box::new(sqlx::Error::PoolTimedOut)))
    }

    /// Has every idle connection prove that it still works. Where one has gone silent the others may have too, and each of
    /// them would cost a request its patience.
    fn ask_idle(&self) {
        for _ in 0..self.pool.num_idle() {
            self.pool.try_acquire().into_iter().for_each(D::take_back);
        }
    }

    /// Runs one statement that writes, on a connection of its own.
    async fn execute<T: Template>(&self, args: Args<D>) -> Result<u64> {
        self.in_time(async {
            let mut held = self.hold().await?;
            held.turn().await;
            D::execute(&mut held, sql::<T, D, S>(), args).await
        })
        .await
    }

    /// Runs one query that finds one row or none, on a connection of its own. Not for `INSERT … RETURNING`: what a
    /// statement does after its first row would be left undone.
    async fn first<T: Template>(&self, args: Args<D>) -> Result<Option<D::Row>> {
        self.in_time(async {
            let mut held = self.hold().await?;
            D::first(&mut held, sql::<T, D, S>(), args).await
        })
        .await
    }

    /// Runs one statement that writes and says what, on a connection of its own.
    async fn returning<T: Template>(&self, args: Args<D>) -> Result<Vec<D::Row>> {
        self.in_time(async {
            let mut held = self.hold().await?;
            held.turn().await;
            D::fetch(&mut held, sql::<T, D, S>(), args).await
        })
        .await
    }

    /// Runs one query on a connection of its own.
    async fn fetch<T: Template>(&self, args: Args<D>) -> Result<Vec<D::Row>> {
        self.in_time(async {
            let mut held = self.hold().await?;
            D::fetch(&mut held, sql::<T, D, S>(), args).await
        })
        .await
    }
}

/// A statement before its names are filled in.
trait Template {
    const SQL: &'static str;
}

/// A statement as the dialect and the schema write it, rendered by the compiler.
struct Rendered<T, D, S>(PhantomData<(T, D, S)>);

impl<T: Template, D: Dialect, S: Schema> Rendered<T, D, S> {
    const TEXT: &'static Text = &render(
        T::SQL,
        &Names {
            prefix: S::Prefix::TEXT,
            users: <S::User as AuthUser>::TABLE,
        },
        D::SYNTAX,
    );
    const SQL: &'static str = Self::TEXT.as_str();
}

fn sql<T: Template, D: Dialect, S: Schema>() -> &'static str {
    Rendered::<T, D, S>::SQL
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {$(
        $(#[$doc])*
        struct $name;
        impl super::Template for $name {
            const SQL: &'static str = $text;
        }
    )*};
}
use statements;

/// What a column of digests holds.
fn digest(bytes: Option<Vec<u8>>) -> Result<Option<Digest>> {
    bytes
        .map(|bytes| {
            bytes
                .try_into()
                .map_err(|_| Error::Store("a digest is not 32 bytes".into()))
        })
        .transpose()
}

/// An integer column of ours that is never NULL.
fn int<D: Dialect>(row: &D::Row, index: usize) -> Result<i64> {
    D::int(row, index)?.ok_or_else(|| Error::Store("a column of ours is NULL".into()))
}
