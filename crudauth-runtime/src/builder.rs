//! From settings to a running authority.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::{Authority, Core, Driver};
use crate::clock::Clock;
use crate::crypto::{Passwords, Random, RootKeys};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::http::origin::Origin;
use crate::policy::{Argon2Params, PasswordPolicy};
use crate::secret::SecretText;
use crate::store::Store;
use crate::store::dialect::{Declares, Dialect};
use crate::store::sql::{SqlStore, UserRow, schema_sql as schema_text};
use crate::waiting::WaitingRoom;
use crate::workers::Workers;

/// Where the store comes from: a pool of the application's, in a declared database product.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pool of a database that `{A}` declares",
    note = "name the product in the block: `#[database(sqlite)]`"
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
        Arc::new(SqlStore::<D, A>::new(self))
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
        open: |url| Box::pin(async move { Ok(IntoStore::<A>::into_store(D::open(url).await?)) }),
        schema_sql: schema_text::<D, A>,
    }
}

/// Everything that the block declares has been given.
#[derive(Debug, Clone, Copy)]
pub struct Wired;

/// The block declares `#[hooks(…)]`, and no hooks have been given.
#[derive(Debug, Clone, Copy)]
pub struct NeedsHooks;

/// A builder that can build.
#[diagnostic::on_unimplemented(
    message = "the block declares something that this builder has not been given (`{Self}`)",
    label = "not complete yet",
    note = "for `NeedsHooks`, call `.hooks(…)` with a value of the type in `#[hooks(…)]` before `.build()` or `.await`"
)]
pub trait Complete<A: Authority> {
    /// Hooks for a block that declares none.
    fn no_hooks() -> Option<A::Hooks>;
}

impl<A: Authority> Complete<A> for Wired
where
    A::Hooks: 'static,
{
    fn no_hooks() -> Option<A::Hooks> {
        // Only `NoHooks` is ever missing here: the macro starts every other block at `NeedsHooks`.
        (&mut Some(crate::hooks::NoHooks) as &mut dyn std::any::Any)
            .downcast_mut::<Option<A::Hooks>>()
            .and_then(Option::take)
    }
}

enum Source<A: Authority> {
    Url(String),
    Store(Arc<dyn Store<A::User>>),
}

/// Settings of an authority that are known at run time only. Awaiting it starts the authority: every wrong setting is
/// reported, all in one error.
///
/// `W` says what is still missing: a block that declares hooks gives a builder that cannot build before it was given them.
#[must_use = "an authority starts when the builder is awaited"]
pub struct Builder<A: Authority, W> {
    source: Source<A>,
    hooks: Option<A::Hooks>,
    settings: Settings,
    wiring: PhantomData<W>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent setting"
)]
struct Settings {
    secrets: Option<Vec<SecretText>>,
    clock: Clock,
    random: Random,
    origins: Vec<String>,
    migrate: bool,
    create_users: bool,
    verify_schema: bool,
    danger_reused_ids: bool,
    manual_workers: bool,
    cheap_hashing: bool,
    unlimited: bool,
}

impl<A: Authority, W> std::fmt::Debug for Builder<A, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Builder<{}>", A::NAME)
    }
}

impl<A: Authority, W> Builder<A, W> {
    /// On a pool that is opened here.
    pub fn connect(url: impl Into<String>) -> Self {
        // In development the account table is made from the struct; in production that is the application's migration.
        Self::from(Source::Url(url.into()), cfg!(debug_assertions))
    }

    /// On the application's own pool.
    pub fn over(pool: impl IntoStore<A>) -> Self {
        Self::from(Source::Store(pool.into_store()), false)
    }

    fn from(source: Source<A>, create_users: bool) -> Self {
        let settings = Settings {
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
        };
        Self {
            source,
            hooks: None,
            settings,
            wiring: PhantomData,
        }
    }

    /// The secret from which every key is derived, at least 32 bytes. Without this call it is read from the environment
    /// variable `SECRET_KEY`; without that, a debug build makes a random one, and a release build refuses to start.
    pub fn secret(self, secret: impl Into<SecretText>) -> Self {
        self.secrets([secret])
    }

    /// Several secrets, for a rotation: the first makes keys, all of them recognise what was issued.
    pub fn secrets<T: Into<SecretText>>(mut self, secrets: impl IntoIterator<Item = T>) -> Self {
        self.settings.secrets = Some(secrets.into_iter().map(Into::into).collect());
        self
    }

    /// The application's own origin, such as `https://app.example.com`; may be called again for further ones. Without it,
    /// unsafe requests must come from the host that they name themselves.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.settings.origins.push(origin.into());
        self
    }

    /// Whether to create and upgrade our own tables at start-up (on). Off, for those who run
    /// [`schema_sql`](crate::store::sql::schema_sql) with their own tool.
    pub fn migrate_at_start(mut self, on: bool) -> Self {
        self.settings.migrate = on;
        self
    }

    /// Whether to create the account table if there is none (on with `connect` in a debug build, off otherwise).
    pub fn create_users_table(mut self, on: bool) -> Self {
        self.settings.create_users = on;
        self
    }

    /// Whether to compare the live account table with the struct at start-up (on).
    pub fn verify_schema(mut self, on: bool) -> Self {
        self.settings.verify_schema = on;
        self
    }

    /// Accept an account table that gives the id of a deleted row to the next one.
    ///
    /// # Security
    /// What was issued to a deleted account may then open its successor (SEC-159); the random epoch of every new account
    /// is all that is left against it.
    pub fn danger_reused_ids(mut self) -> Self {
        self.settings.danger_reused_ids = true;
        self
    }

    /// Takes the time from `clock`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    pub(crate) fn random(mut self, random: Random) -> Self {
        self.settings.random = random;
        self
    }

    pub(crate) fn manual_workers(mut self) -> Self {
        self.settings.manual_workers = true;
        self
    }

    pub(crate) fn cheap_hashing(mut self) -> Self {
        self.settings.cheap_hashing = true;
        self
    }

    /// Switches rate limits and the lockout off, for load measurement. Hashing and its queue stay as they are.
    ///
    /// # Security
    /// Passwords can then be guessed as fast as they can be hashed. A warning is logged at start-up.
    pub fn danger_no_limits(mut self) -> Self {
        self.settings.unlimited = true;
        self
    }

    /// Builds and starts the authority.
    ///
    /// # Errors
    /// [`Error::Config`] with every wrong setting and every difference between the live table and the struct.
    pub async fn build(self) -> Result<A>
    where
        W: Complete<A>,
    {
        let Self {
            source,
            hooks,
            settings,
            ..
        } = self;
        start::<A>(source, hooks.or_else(W::no_hooks), settings).await
    }
}

impl<A: Authority> Builder<A, NeedsHooks> {
    /// The application's hooks, of the type that the block names.
    pub fn hooks(self, hooks: A::Hooks) -> Builder<A, Wired> {
        let Self {
            source, settings, ..
        } = self;
        Builder {
            source,
            hooks: Some(hooks),
            settings,
            wiring: PhantomData,
        }
    }
}

impl<A: Authority, W: Complete<A> + 'static> IntoFuture for Builder<A, W> {
    type Output = Result<A>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<A>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self {
            source,
            hooks,
            settings,
            ..
        } = self;
        Box::pin(start::<A>(source, hooks.or_else(W::no_hooks), settings))
    }
}

async fn start<A: Authority>(
    source: Source<A>,
    hooks: Option<A::Hooks>,
    mut settings: Settings,
) -> Result<A> {
    let mut problems = Vec::new();
    let keys = keep(
        &mut problems,
        keys(settings.secrets.take(), settings.random),
    )?;
    let passwords = keep(
        &mut problems,
        passwords(&A::POLICY.password, settings.random, settings.cheap_hashing),
    )?;
    let origins = keep(&mut problems, origins(&settings.origins))?;
    let store = keep(&mut problems, open::<A>(source).await)?;
    if let Some(store) = &store {
        keep(&mut problems, prepare::<A>(store, &settings).await)?;
    }
    let (Some(keys), Some(passwords), Some(origins), Some(store), true) =
        (keys, passwords, origins, store, problems.is_empty())
    else {
        return Err(Error::Config(problems));
    };
    let hooks =
        hooks.ok_or_else(|| Error::config("the block declares hooks, and none were given"))?;
    if settings.unlimited {
        tracing::warn!(
            "rate limits and the lockout are off: passwords can be guessed at full speed"
        );
    }
    let engine = Arc::new(Engine {
        store,
        clock: settings.clock,
        random: settings.random,
        keys,
        passwords,
        hooks: Arc::new(hooks),
        policy: A::POLICY,
        waiting: WaitingRoom::default(),
        unlimited: settings.unlimited,
    });
    for feature in A::FEATURES {
        (feature.start)();
    }
    let every = A::FEATURES
        .iter()
        .map(|feature| feature.sweep)
        .min()
        .unwrap_or(Duration::from_mins(15));
    let workers = if settings.manual_workers {
        Workers::manual()
    } else {
        Workers::start(&engine, every)
    };
    Ok(A::from_core(Arc::new(Core {
        engine,
        origins,
        workers,
    })))
}

/// Collects what is wrong with the settings, so that one start tells all of it; anything else ends the start at once.
fn keep<T>(problems: &mut Vec<String>, result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Config(found)) => {
            problems.extend(found);
            Ok(None)
        }
        Err(Error::Unavailable(error)) => {
            problems.push(format!("the database cannot be reached: {error}"));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

fn keys(secrets: Option<Vec<SecretText>>, random: Random) -> Result<RootKeys> {
    if let Some(secrets) = secrets {
        return RootKeys::new(secrets);
    }
    match std::env::var("SECRET_KEY") {
        Ok(list) if !list.is_empty() => RootKeys::new(
            list.split(',')
                .map(|secret| SecretText::from(secret.trim()))
                .collect(),
        ),
        _ if cfg!(debug_assertions) => {
            tracing::warn!(
                "SECRET_KEY is not set: a random secret is used, and every sign-in ends with this process"
            );
            RootKeys::random(&random)
        }
        _ => Err(Error::config(
            "SECRET_KEY is not set: give it at least 32 random bytes, for example from `openssl rand -base64 48`",
        )),
    }
}

fn passwords(policy: &PasswordPolicy, random: Random, cheap: bool) -> Result<Passwords> {
    if cheap {
        let argon2 = Argon2Params { ..Passwords::CHEAP };
        return Passwords::for_tests(&PasswordPolicy { argon2, ..*policy }, random);
    }
    Passwords::new(policy, random)
}

fn origins(texts: &[String]) -> Result<Option<Vec<Origin>>> {
    let mut wrong = Vec::new();
    let parsed: Vec<Origin> = texts
        .iter()
        .filter_map(|text| {
            let origin = Origin::parse(text);
            if origin.is_none() {
                wrong.push(format!(
                    "the origin `{text}` is not of the form `https://app.example.com`"
                ));
            }
            origin
        })
        .collect();
    if wrong.is_empty() {
        Ok((!parsed.is_empty()).then_some(parsed))
    } else {
        Err(Error::Config(wrong))
    }
}

async fn open<A: Authority>(source: Source<A>) -> Result<Arc<dyn Store<A::User>>> {
    match source {
        Source::Store(store) => Ok(store),
        Source::Url(url) => {
            let scheme = url.split(':').next().unwrap_or_default();
            let driver: Option<&Driver<A>> = A::DRIVERS
                .iter()
                .find(|driver| driver.schemes.contains(&scheme));
            match driver {
                Some(driver) => (driver.open)(&url).await,
                None => Err(Error::config(format!(
                    "the database URL begins with `{scheme}:`, but the block declares `#[database({})]`",
                    A::DRIVERS
                        .iter()
                        .map(|driver| driver.keyword)
                        .collect::<Vec<_>>()
                        .join(", ")
                ))),
            }
        }
    }
}

/// Our tables first, then the application's where that is asked for, then the comparison (design: order at start-up).
async fn prepare<A: Authority>(store: &Arc<dyn Store<A::User>>, settings: &Settings) -> Result<()> {
    if settings.migrate {
        store.migrate().await?;
    }
    if settings.create_users {
        store.create_users().await?;
    }
    if settings.verify_schema {
        let mut differences = store.verify_schema().await?;
        differences.retain(|found| !(found.reused_ids && settings.danger_reused_ids));
        if !differences.is_empty() {
            return Err(Error::Config(
                differences.into_iter().map(|found| found.text).collect(),
            ));
        }
        store.reserve_names().await?;
    }
    Ok(())
}

/// Compares the live account table with the struct, as every start does; each difference is one line.
///
/// # Errors
/// When the database cannot be asked.
pub async fn verify_schema<A: Authority>(pool: impl IntoStore<A>) -> Result<Vec<String>> {
    let differences = pool.into_store().verify_schema().await?;
    Ok(differences.into_iter().map(|found| found.text).collect())
}

/// Creates or upgrades our own tables on a pool of the application's.
///
/// # Errors
/// When the database refuses, cannot be reached, or was migrated by a newer version.
pub async fn migrate<A: Authority>(pool: impl IntoStore<A>) -> Result<()> {
    pool.into_store().migrate().await
}

/// A database product, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialectName {
    /// SQLite.
    Sqlite,
}

impl DialectName {
    pub(crate) const fn keyword(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
        }
    }
}

/// The statements that create our own tables, for applications with their own migration tool. Empty for a product that
/// the block does not declare.
#[must_use]
pub fn schema_sql<A: Authority>(dialect: DialectName) -> String {
    let driver = A::DRIVERS
        .iter()
        .find(|driver| driver.keyword == dialect.keyword());
    driver
        .map(|driver| (driver.schema_sql)())
        .unwrap_or_default()
}
