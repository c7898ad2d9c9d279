//! The start: every setting is tried, and everything that is wrong is told at once.

use std::sync::Arc;
use std::time::Duration;

use crate::account::{AuthUser, Role};
use crate::authority::{Authority, Core, Driver};
use crate::clock::Timestamp;
use crate::crypto::jws::{SigningKeys, TokenKeys};
use crate::crypto::{Passwords, Random, RootKeys};
use crate::engine::Engine;
use crate::error::{Error, Result};
#[cfg(feature = "oauth")]
use crate::features::oauth::columns::one_issuer;
#[cfg(feature = "oauth")]
use crate::features::oauth::flow::missing_columns;
use crate::http::origin::Origin;
use crate::mail::frontend;
use crate::mail::outlets::Outlets;
#[cfg(feature = "oauth")]
use crate::oauth::{Clients, Settings as Registered};
use crate::policy::{Argon2Params, PasswordPolicy, RecoveryPolicy};
use crate::secret::SecretText;
use crate::settings::{IntoStore, Settings, Source};
use crate::store::Store;
use crate::store::products::DialectName;
use crate::store::sql::Prefix;
use crate::waiting::WaitingRoom;
use crate::workers::Workers;

/// Opens the store, brings its tables up, compares them with the struct, and starts the background work.
pub(crate) async fn start<A: Authority>(
    source: Source<A>,
    hooks: Option<A::Hooks>,
    mut outlets: Outlets<A::User>,
    mut settings: Settings,
) -> Result<A> {
    let mut problems = Vec::new();
    let keys = keep(
        &mut problems,
        keys(settings.secrets.take(), settings.random),
    )?;
    let tokens = keep(
        &mut problems,
        tokens::<A>(settings.signing_keys.take(), keys.as_ref()),
    )?
    .flatten();
    let passwords = keep(
        &mut problems,
        passwords(&A::POLICY.password, settings.random, settings.cheap_hashing),
    )?;
    let origins = keep(&mut problems, origins(&settings.origins))?;
    outlets.frontend_url = keep(
        &mut problems,
        frontend_url(outlets.frontend_url.as_deref(), &A::POLICY.recovery),
    )?
    .flatten();
    #[cfg(feature = "oauth")]
    let oauth = keep(
        &mut problems,
        providers::<A>(std::mem::take(&mut settings.oauth)),
    )?
    .flatten();
    let store = keep(&mut problems, open::<A>(source).await)?;
    if let Some(store) = &store {
        keep(&mut problems, prepare::<A>(store, &settings).await)?;
    }
    let (Some(keys), Some(tokens), Some(passwords), Some(origins), Some(store), true) =
        (keys, tokens, passwords, origins, store, problems.is_empty())
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
    if A::User::TABLE.has(Role::Recovery) && !A::POLICY.recovery.delivers() {
        tracing::warn!(
            "a field is marked `recovery`, and nothing delivers to it: add `#[channel]` to the block, or remove the mark"
        );
    }
    let engine = Arc::new(Engine {
        store,
        clock: settings.clock,
        random: settings.random,
        keys,
        passwords,
        tokens,
        hooks: Arc::new(hooks),
        #[cfg(feature = "oauth")]
        oauth,
        outlets,
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
        Err(Error::Store(error)) => {
            problems.push(format!("the database refused a statement: {error}"));
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

/// The keys that were given, of the algorithm that the block names; else those that the secret gives.
fn tokens<A: Authority>(
    given: Option<SigningKeys>,
    keys: Option<&RootKeys>,
) -> Result<Option<TokenKeys>> {
    match (given, keys) {
        (Some(given), _) => {
            check_algorithm::<A>(&given)?;
            Ok(Some(TokenKeys::of(given)))
        }
        (None, Some(keys)) => TokenKeys::derived(keys, &issuer::<A>()).map(Some),
        (None, None) => Ok(None), // told already
    }
}

/// The providers that the block declares, with what the builder was given of them.
#[cfg(feature = "oauth")]
fn providers<A: Authority>(given: Registered) -> Result<Option<Arc<Clients>>> {
    let Some(policy) = A::OAUTH_POLICY else {
        return Ok(None);
    };
    match (missing_columns::<A::User>(), Clients::new(&policy, given)) {
        (Ok(()), clients) => {
            let clients = clients?;
            one_issuer::<A::User>(&clients)?;
            Ok(Some(Arc::new(clients)))
        }
        (Err(Error::Config(mut all)), Err(Error::Config(more))) => {
            all.extend(more);
            Err(Error::Config(all))
        }
        (Err(error), _) => Err(error),
    }
}

/// The tables whose accounts the tokens name: two authorities over one secret do not take each other's.
fn issuer<A: Authority>() -> String {
    let table = A::User::TABLE;
    format!(
        "{} {} {}",
        A::Prefix::TEXT,
        table.schema.unwrap_or_default(),
        table.name
    )
}

/// Keys sign by the algorithm that the block names, or whoever reads it would be misled.
pub(crate) fn check_algorithm<A: Authority>(keys: &SigningKeys) -> Result<()> {
    match A::ALGORITHM {
        Some(wanted) if wanted.name() != keys.alg().name() => Err(Error::config(format!(
            "the block declares `algorithm = \"{}\"`, and the signing keys are for {}",
            wanted.name(),
            keys.alg().name()
        ))),
        _ => Ok(()),
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

/// The builder's address of the pages, else the block's. Mailed links cannot do without it; a channel can, because what it
/// delivers may be the token alone.
fn frontend_url(given: Option<&str>, policy: &RecoveryPolicy) -> Result<Option<String>> {
    match given.or(policy.frontend_url) {
        Some(text) => frontend::parse(text)
            .map(|url| Some(url.to_owned()))
            // The text is not told: somebody may have put a password in it.
            .map_err(|why| Error::config(format!("the frontend URL {why}"))),
        None if policy.mail => Err(Error::config(
            "the block declares `#[email]`, and nothing says where the application's pages are: write `#[email(frontend_url = \"https://app.example.com\")]`, or call `.frontend_url(…)` on the builder",
        )),
        None => Ok(None),
    }
}

async fn open<A: Authority>(source: Source<A>) -> Result<Arc<dyn Store<A::User>>> {
    match source {
        Source::Store(store) => Ok(store),
        Source::Used => Err(Error::config(
            "this builder has started its authority already",
        )),
        Source::Url(url) => {
            let scheme = scheme(&url);
            let driver: Option<&Driver<A>> = A::DRIVERS
                .iter()
                .find(|driver| scheme.is_some_and(|scheme| driver.schemes.contains(&scheme)));
            match driver {
                Some(driver) => (driver.open)(&url).await,
                None => Err(Error::config(format!(
                    "the database URL begins with {}, but the block declares `#[database({})]`",
                    scheme.map_or("no product".to_owned(), |scheme| format!("`{scheme}:`")),
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

/// What a URL begins with. Nothing else of it is ever told: `host=db password=…` may have a colon anywhere.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let word = scheme.chars().all(|c| c.is_ascii_alphanumeric());
    (word && !scheme.is_empty()).then_some(scheme)
}

/// Our tables first, then the application's where that is asked for, then the comparison (design: order at start-up).
async fn prepare<A: Authority>(store: &Arc<dyn Store<A::User>>, settings: &Settings) -> Result<()> {
    if settings.migrate {
        store.migrate().await?;
    }
    let obstacles = store.verify_own_tables().await?;
    if !obstacles.is_empty() {
        return Err(Error::Config(
            obstacles.into_iter().map(|found| found.text).collect(),
        ));
    }
    // Nothing is that old. It deletes no row, and fails where a sign-in would: a file that may only be read, or tables
    // that somebody else was to make and did not.
    let epoch = Timestamp::from_micros(0);
    store.sweep(epoch, 1).await.map_err(unwritable)?;
    if settings.create_users {
        store.create_users().await?;
    }
    if settings.verify_schema {
        let mut differences = store.verify_schema(A::POLICY.recovery.mail).await?;
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

fn unwritable(error: Error) -> Error {
    match error {
        Error::Store(source) | Error::Unavailable(source) => Error::config(format!(
            "the tables of crudauth cannot be written: {source}"
        )),
        other => other,
    }
}

/// Compares the live account table with the struct, as every start does; each difference is one line.
///
/// # Errors
/// When the database cannot be asked.
pub async fn verify_schema<A: Authority>(pool: impl IntoStore<A>) -> Result<Vec<String>> {
    let differences = pool
        .into_store()
        .verify_schema(A::POLICY.recovery.mail)
        .await?;
    Ok(differences.into_iter().map(|found| found.text).collect())
}

/// Creates or upgrades our own tables on a pool of the application's.
///
/// # Errors
/// When the database refuses, cannot be reached, or was migrated by a newer version.
pub async fn migrate<A: Authority>(pool: impl IntoStore<A>) -> Result<()> {
    pool.into_store().migrate().await
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
