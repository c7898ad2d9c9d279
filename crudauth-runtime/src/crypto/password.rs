//! Hashing and checking of passwords with argon2id.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use tokio::task::{JoinHandle, spawn_blocking};

use super::compare;
use super::hash::PasswordHash;
use super::normalize::Normalized;
use super::phc::{DIGEST_BYTES, Phc, SALT_BYTES};
use super::pool::Pool;
use super::queue::{ClientKey, Permit, Queue};
use super::random::Random;
use crate::error::{Error, Result};
use crate::policy::{Argon2Params, PasswordPolicy};

/// What a check of a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// The password is the right one.
    pub ok: bool,
    /// The password is the right one, and its hash has other parameters than those now in force: hash it anew.
    pub rehash: bool,
}

/// The hasher of an application. Clones share its permits, queue and memory.
///
/// Every hash runs on a blocking thread, at most [`PasswordPolicy::permits`] at once; up to [`PasswordPolicy::queue`]
/// requests wait, clients taking turns, for no longer than [`PasswordPolicy::wait`].
///
/// # Security
/// The permit travels with the computation: a client that goes away while its password is hashed frees nothing until
/// the processor is free, and one that goes away while it waits gives its place back at once.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    params: Argon2Params,
    random: Random,
    queue: Queue,
    pool: Pool,
    hashes: AtomicU64,
}

impl Passwords {
    /// A hasher with the parameters of `policy`.
    ///
    /// # Errors
    /// [`Error::Config`] if the argon2 parameters are below every row of the OWASP Password Storage Cheat Sheet that
    /// we accept (19 MiB with 2 passes, 12 MiB with 3, 7 MiB with 5), or are no argon2 parameters at all.
    pub fn new(policy: &PasswordPolicy, random: Random) -> Result<Self> {
        let Argon2Params { m_kib, t, p } = policy.argon2;
        if !FLOOR
            .iter()
            .any(|least| m_kib >= least.m_kib && t >= least.t)
        {
            return Err(Error::config(format!(
                "argon2 parameters m = {m_kib} KiB, t = {t}, p = {p} are too weak: \
                 use at least m = 19456 KiB with t = 2, m = 12288 with t = 3, or m = 7168 with t = 5"
            )));
        }
        Self::with(policy, random)
    }

    /// A hasher that accepts weak parameters such as [`CHEAP`](Self::CHEAP), so that tests of other things run fast.
    /// No setting of an `auth!` block leads here.
    ///
    /// # Errors
    /// [`Error::Config`] if the parameters are no argon2 parameters at all.
    ///
    /// # Security
    /// For tests only: hashes made with weak parameters are guessed thousands of times faster.
    pub fn for_tests(policy: &PasswordPolicy, random: Random) -> Result<Self> {
        Self::with(policy, random)
    }

    /// The cheapest parameters, for [`for_tests`](Self::for_tests): 32 KiB, one pass.
    pub const CHEAP: Argon2Params = Argon2Params {
        m_kib: 32,
        t: 1,
        p: 1,
    };

    /// Hashes a new password, with a fresh salt.
    ///
    /// # Errors
    /// [`Error::Busy`] if no permit could be had in time, [`Error::Random`] if there is no salt.
    pub async fn hash(&self, password: &Normalized, client: ClientKey) -> Result<PasswordHash> {
        let salt = self.0.random.bytes::<SALT_BYTES>()?.to_vec();
        let job = Job {
            params: self.0.params,
            salt,
            digest_bytes: DIGEST_BYTES,
        };
        let (Job { params, salt, .. }, digest) =
            self.run(password, Form::Normal, job, client).await?;
        Ok(PasswordHash::from_stored(
            Phc {
                params,
                salt,
                digest,
            }
            .render(),
        ))
    }

    /// Checks a password against the stored hash of an account; `None` stands for an account that does not exist.
    ///
    /// Where the password as typed differs from its normal form, and the normal form is not the right one, the form as
    /// typed is tried too: an imported hash may have been made from it (contract §3.1). A match there asks for a rehash.
    ///
    /// A stored hash whose parameters differ from those in force is checked with its own, up to 64 MiB or four times
    /// the memory in force, 16 passes and 8 lanes; memory beyond the pool's is allocated for that check alone.
    ///
    /// # Errors
    /// [`Error::Busy`] if no permit could be had in time. Nothing in `stored` is ever an error.
    ///
    /// # Security
    /// A missing, empty, unusable, corrupt or too expensive hash is `false` at the cost of one hash with the parameters
    /// in force, so that time does not tell which accounts exist (CVE-2024-39329). The second try depends on what was
    /// typed only, so it costs the same whether or not the account exists.
    pub async fn verify(
        &self,
        password: &Normalized,
        stored: Option<&PasswordHash>,
        client: ClientKey,
    ) -> Result<Verdict> {
        let stored = stored.and_then(|hash| Phc::parse(hash.as_stored()));
        let stored = stored.filter(|phc| is_affordable(phc.params, self.0.params));
        let (job, expected) = match stored {
            Some(Phc {
                params,
                salt,
                digest,
            }) => (
                Job {
                    params,
                    salt,
                    digest_bytes: digest.len(),
                },
                Some(digest),
            ),
            None => (self.dummy(), None),
        };
        let current = job.params == self.0.params
            && job.salt.len() >= SALT_BYTES
            && job.digest_bytes >= DIGEST_BYTES;
        let (job, digest) = self.run(password, Form::Normal, job, client).await?;
        if is_right(&digest, expected.as_deref()) {
            return Ok(Verdict {
                ok: true,
                rehash: !current,
            });
        }
        let ok = match password.expose_typed() {
            Some(_) => {
                let (_, digest) = self.run(password, Form::Typed, job, client).await?;
                is_right(&digest, expected.as_deref())
            }
            None => false,
        };
        Ok(Verdict { ok, rehash: ok })
    }

    /// Hashes that run now, or have their permit and are about to.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.queue.running()
    }

    /// Requests that wait for a permit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.queue.waiting()
    }

    /// Argon2 computations so far, counted as they start.
    #[must_use]
    pub fn hashes_done(&self) -> u64 {
        self.0.hashes.load(Ordering::SeqCst)
    }

    fn with(policy: &PasswordPolicy, random: Random) -> Result<Self> {
        let Argon2Params { m_kib, t, p } = policy.argon2;
        Params::new(m_kib, t, p, Some(DIGEST_BYTES)).map_err(|e| {
            Error::config(format!(
                "argon2 parameters m = {m_kib} KiB, t = {t}, p = {p}: {e}"
            ))
        })?;
        let permits = match policy.permits {
            0 => available_parallelism().map_or(1, usize::from),
            permits => permits,
        };
        Ok(Self(Arc::new(Inner {
            params: policy.argon2,
            random,
            queue: Queue::new(permits, policy.queue, policy.wait),
            pool: Pool::new(blocks(policy.argon2)),
            hashes: AtomicU64::new(0),
        })))
    }

    /// A computation that costs as much as any and whose result nobody uses.
    fn dummy(&self) -> Job {
        Job {
            params: self.0.params,
            salt: vec![0; SALT_BYTES],
            digest_bytes: DIGEST_BYTES,
        }
    }

    async fn run(
        &self,
        password: &Normalized,
        form: Form,
        job: Job,
        client: ClientKey,
    ) -> Result<(Job, Vec<u8>)> {
        let permit = self.0.queue.enter(client).await?;
        let (this, password) = (self.clone(), password.clone());
        on_blocking_thread(permit, move || this.compute(form.of(&password), job)).await?
    }

    fn compute(&self, password: &str, job: Job) -> Result<(Job, Vec<u8>)> {
        let Argon2Params { m_kib, t, p } = job.params;
        // `Params::new` and `Phc::parse` have accepted these already, so that only the memory can be lacking here.
        let params = Params::new(m_kib, t, p, Some(job.digest_bytes)).map_err(|_| OUT_OF_MEMORY)?;
        let memory = self
            .0
            .pool
            .take(params.block_count())
            .ok_or(OUT_OF_MEMORY)?;
        self.0.hashes.fetch_add(1, Ordering::SeqCst);
        let mut digest = vec![0; job.digest_bytes];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.as_bytes(), &job.salt, &mut digest, memory)
            .map_err(|_| OUT_OF_MEMORY)?;
        Ok((job, digest))
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("params", &self.0.params)
            .field("queue", &self.0.queue)
            .finish_non_exhaustive()
    }
}

/// Which form of a password is hashed.
#[derive(Clone, Copy)]
enum Form {
    Normal,
    Typed,
}

impl Form {
    fn of(self, password: &Normalized) -> &str {
        match self {
            Self::Normal => password.expose(),
            Self::Typed => password.expose_typed().unwrap_or(password.expose()),
        }
    }
}

/// Compared on both paths; a dummy's digest is compared with itself, and does not count.
fn is_right(digest: &[u8], expected: Option<&[u8]>) -> bool {
    compare::equal(digest, expected.unwrap_or(digest)) & expected.is_some()
}

struct Job {
    params: Argon2Params,
    salt: Vec<u8>,
    digest_bytes: usize,
}

/// Runs `work` where it may block, and keeps `permit` until it has ended, whether or not anybody still waits for it.
/// Work that has not begun when its caller goes away never begins.
async fn on_blocking_thread<T: Send + 'static>(
    permit: Permit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let task = spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    });
    // Only a runtime that shuts down loses a task: `work` does not panic.
    AbortOnDrop(task).wait().await
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> AbortOnDrop<T> {
    async fn wait(mut self) -> Result<T> {
        (&mut self.0).await.map_err(|_| OUT_OF_MEMORY)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether a stored hash may be computed as it is: a row of the database must not take memory or time without bound.
fn is_affordable(stored: Argon2Params, current: Argon2Params) -> bool {
    stored.m_kib <= MOST_MEMORY_KIB.max(current.m_kib.saturating_mul(4))
        && stored.t <= MOST_PASSES.max(current.t)
        && stored.p <= MOST_LANES.max(current.p)
}

fn blocks(params: Argon2Params) -> usize {
    usize::try_from(params.m_kib).unwrap_or(usize::MAX)
}

/// The rows of the OWASP Password Storage Cheat Sheet below which nothing is accepted (SEC-002).
const FLOOR: [Argon2Params; 3] = [
    Argon2Params {
        m_kib: 19 * 1024,
        t: 2,
        p: 1,
    },
    Argon2Params {
        m_kib: 12 * 1024,
        t: 3,
        p: 1,
    },
    Argon2Params {
        m_kib: 7 * 1024,
        t: 5,
        p: 1,
    },
];

const MOST_MEMORY_KIB: u32 = 64 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 8;

/// The caller may try again: what is lacking is lacking now only.
const OUT_OF_MEMORY: Error = Error::Busy(Duration::from_secs(2));

#[cfg(test)]
#[path = "password_tests.rs"]
mod tests;
