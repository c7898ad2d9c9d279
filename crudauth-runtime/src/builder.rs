//! From settings to a running authority.

use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::authority::Authority;
use crate::clock::Clock;
use crate::crypto::Random;
use crate::crypto::jws::SigningKeys;
use crate::error::Result;
use crate::mail::outlets::Outlets;
use crate::mail::{Channel, Mailer, Templates};
use crate::secret::SecretText;
use crate::settings::{Settings, Source};
use crate::start::start;

pub use crate::settings::{IntoStore, driver};
pub use providers::{
    After, AfterOidc, AfterOwn, AfterUrl, Awaits, AwaitsOidc, AwaitsOwn, BuiltInComplete,
    CredentialsGiven, Here, More, Needs, NeedsUrl, OidcComplete, OwnComplete, Providers,
    ProvidersComplete, SignsInElsewhere, There, UrlComplete, Zero, word,
};
pub use wiring::{
    AfterKeys, ChannelComplete, Channels, Complete, Given, HooksComplete, KeysComplete, Links,
    MailerComplete, Mails, NeedsChannel, NeedsHooks, NeedsKeys, NeedsMailer, Signs, TakesKeys,
    Undeclared, Wiring,
};

#[cfg(feature = "oauth")]
mod oauth;
mod providers;
mod wiring;

/// Settings of an authority that are known at run time only. Awaiting it starts the authority: every wrong setting is
/// reported, all in one error.
///
/// `W` says what is still missing: a block that declares hooks, mail or channels gives a builder that cannot build before
/// it was given them. They are given in any order.
#[must_use = "an authority starts when the builder is awaited"]
pub struct Builder<A: Authority, W> {
    source: Source<A>,
    hooks: Option<A::Hooks>,
    outlets: Outlets<A::User>,
    settings: Settings,
    wiring: PhantomData<W>,
    starting: Option<BoxFuture<'static, Result<A>>>,
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
        Self {
            source,
            hooks: None,
            outlets: Outlets::default(),
            settings: Settings::new(create_users),
            wiring: PhantomData,
            starting: None,
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

    /// Where the application's pages are, such as `https://app.example.com`: every link in a message begins with it. Wins
    /// over the `frontend_url` of the block.
    pub fn frontend_url(mut self, url: impl Into<String>) -> Self
    where
        W: Links,
    {
        self.outlets.frontend_url = Some(url.into());
        self
    }

    /// Builds and starts the authority.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with every wrong setting and every difference between the live table and the struct.
    pub async fn build(self) -> Result<A>
    where
        W: Complete<A>,
    {
        self.await
    }

    /// The same builder, with the wiring that a call has brought it to.
    fn wired<V>(self) -> Builder<A, V> {
        let Self {
            source,
            hooks,
            outlets,
            settings,
            ..
        } = self;
        Builder {
            source,
            hooks,
            outlets,
            settings,
            wiring: PhantomData,
            starting: None,
        }
    }
}

impl<A: Authority, M, C, K, O> Builder<A, Wiring<NeedsHooks, M, C, K, O>> {
    /// The application's hooks, of the type that the block names.
    pub fn hooks(mut self, hooks: A::Hooks) -> Builder<A, Wiring<Given, M, C, K, O>> {
        self.hooks = Some(hooks);
        self.wired()
    }
}

impl<A: Authority, H, M, C, K, O> Builder<A, Wiring<H, M, C, K, O>> {
    /// What carries e-mail, for a block that declares `#[email]`. Called again, it replaces the former.
    pub fn mailer(mut self, mailer: impl Mailer) -> Builder<A, Wiring<H, Given, C, K, O>>
    where
        M: Mails,
    {
        self.outlets.mailer = Some(Arc::new(mailer));
        self.wired()
    }

    /// What delivers for a block that declares `#[channel]`; may be called again for further ones.
    pub fn channel(
        mut self,
        channel: impl Channel<A::User>,
    ) -> Builder<A, Wiring<H, M, Given, K, O>>
    where
        C: Channels,
    {
        self.outlets.channels.push(Arc::new(channel));
        self.wired()
    }

    /// What signs access tokens, of the `algorithm` that the block names. With HS256 it may be left out: then the key is derived
    /// from the secret. For keys of your own, and for their rotation, see [`SigningKeys`].
    pub fn signing_keys(mut self, keys: SigningKeys) -> Builder<A, Wiring<H, M, C, K::Keyed, O>>
    where
        K: AfterKeys + Signs,
    {
        self.settings.signing_keys = Some(keys);
        self.wired()
    }

    /// What mailed messages say in place of the built-in texts.
    pub fn templates(mut self, templates: impl Templates) -> Self
    where
        M: Mails,
    {
        self.outlets.templates = Some(Arc::new(templates));
        self
    }
}

/// Nothing in it is ever pinned: what runs is in a box of its own.
impl<A: Authority, W> Unpin for Builder<A, W> {}

/// A builder is itself what is awaited. Were it only turned into a future, a call that is missing would be told as "is not a
/// future", and not by the name of the call.
impl<A: Authority, W: Complete<A>> Future for Builder<A, W> {
    type Output = Result<A>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            source,
            hooks,
            outlets,
            settings,
            starting,
            ..
        } = self.get_mut();
        let starting = starting.get_or_insert_with(|| {
            let hooks = hooks.take().or_else(W::no_hooks);
            let source = mem::replace(source, Source::Used);
            let settings = mem::replace(settings, Settings::new(false));
            Box::pin(start::<A>(source, hooks, mem::take(outlets), settings))
        });
        starting.as_mut().poll(cx)
    }
}
