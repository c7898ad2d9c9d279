//! What every flow works with: the store, the clock, the keys and the policy. No HTTP.

use std::net::IpAddr;
use std::sync::Arc;

use crate::account::{AccountKey, AuthUser};
use crate::clock::{Clock, Timestamp};
use crate::crypto::jws::TokenKeys;
use crate::crypto::{ClientKey, Passwords, Purpose, Random, RootKeys};
use crate::error::{Error, Result};
use crate::hooks::{AnyHooks, Origin};
use crate::mail::outlets::Outlets;
#[cfg(feature = "oauth")]
use crate::oauth::Clients;
use crate::policy::{Limit, Policy};
use crate::store::{Digest, Store, patience};
use crate::waiting::WaitingRoom;

/// Everything a flow needs, shared by all requests of one `Auth`.
#[derive(Debug)]
pub struct Engine<U: AuthUser> {
    pub(crate) store: Arc<dyn Store<U>>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) keys: RootKeys,
    pub(crate) passwords: Passwords,
    /// What signs and verifies access tokens.
    pub(crate) tokens: TokenKeys,
    pub(crate) hooks: Arc<dyn AnyHooks<U>>,
    /// The providers that people sign in by, where the block declares any.
    #[cfg(feature = "oauth")]
    pub(crate) oauth: Option<Arc<Clients>>,
    /// Where messages go.
    pub(crate) outlets: Outlets<U>,
    pub(crate) policy: Policy,
    pub(crate) waiting: WaitingRoom,
    /// Limits and lockout count nothing: for load measurement only.
    pub(crate) unlimited: bool,
}

/// Who is asking, as far as the connection tells.
#[derive(Debug, Clone)]
pub struct Client {
    /// Address, by the rule of `#[proxy]`.
    pub ip: Option<IpAddr>,
    /// The address as limits group it: IPv6 by /64, no address in one shared group.
    pub group: String,
    /// User agent, cut and cleaned.
    pub user_agent: Option<String>,
}

impl Client {
    /// Nobody: the application itself asks.
    pub(crate) const NONE: Self = Self {
        ip: None,
        group: String::new(),
        user_agent: None,
    };

    /// The client's place in the queue for hashing.
    #[must_use]
    pub fn key(&self) -> ClientKey {
        ClientKey::new(self.group.as_bytes())
    }
}

/// New secrets of a session that lives on; they cannot be compared.
#[derive(Clone)]
pub struct Rotated {
    /// The cookie's new value.
    pub id: String,
    /// The new CSRF token; empty where CSRF is off.
    pub csrf: String,
}

impl std::fmt::Debug for Rotated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rotated([redacted])")
    }
}

/// A request under a limit: what the rate-limit headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Within the limit.
    Within {
        /// Requests that the window allows.
        limit: u32,
        /// Requests left in it.
        remaining: u32,
    },
    /// Over the limit.
    Over {
        /// Requests that the window allows.
        limit: u32,
        /// Whole seconds until the window ends.
        retry_after: u64,
    },
    /// The limit is switched off.
    Off,
}

/// Runs `work` to its end even if the client goes away: what follows a proof is written whole, and its hooks run.
///
/// Only work that is sure to end goes here. Whatever waits (for a hashing permit, for a place) is left to be cancelled.
pub(crate) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(patience::within(patience::left(), work)).await {
        Ok((done, rest)) => {
            patience::leave(rest);
            done
        }
        Err(panicked) => Err(Error::Store(Box::new(panicked))),
    }
}

impl<U: AuthUser> Engine<U> {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Counts a request of `action` by `who` and says whether it is within the limit.
    pub(crate) async fn count(&self, action: &str, limit: Limit, who: &str) -> Result<Counted> {
        if limit.times == 0 || self.unlimited {
            return Ok(Counted::Off);
        }
        let now = self.now();
        let hits = self
            .store
            .hit(&self.limit_bucket(action, who), limit, now)
            .await?;
        if hits > u64::from(limit.times) {
            let (_, end) = limit.window(now);
            return Ok(Counted::Over {
                limit: limit.times,
                retry_after: ceil_secs(now, end),
            });
        }
        Ok(within(limit, hits))
    }

    /// Where `who` stands with a limit, without counting: for an answer to a request that is not counted.
    pub(crate) async fn standing(&self, action: &str, limit: Limit, who: &str) -> Result<Counted> {
        if limit.times == 0 || self.unlimited {
            return Ok(Counted::Off);
        }
        let hits = self
            .store
            .hits(&self.limit_bucket(action, who), limit, self.now())
            .await?;
        Ok(within(limit, hits))
    }

    fn limit_bucket(&self, action: &str, who: &str) -> Digest {
        self.keys.mac(
            Purpose::Attempt,
            format!("limit\0{action}\0{who}").as_bytes(),
        )
    }

    pub(crate) fn origin(
        &self,
        client: &Client,
        transport: Option<&'static str>,
        session: Option<&Digest>,
    ) -> Origin {
        self.origin_of(client, transport, session.map(|key| hex(key)))
    }

    /// The same for what is not a session: `handle` names the token family.
    pub(crate) fn origin_of(
        &self,
        client: &Client,
        transport: Option<&'static str>,
        handle: Option<String>,
    ) -> Origin {
        Origin {
            ip: client.ip,
            user_agent: client.user_agent.clone(),
            transport,
            session_handle: handle,
            at: self.now().to_datetime(),
        }
    }

    /// Whether the account may be signed in to.
    pub(crate) fn admits(&self, user: &U) -> bool {
        let account = user.account();
        account.is_active
            && (!self.policy.recovery.require_verified || account.verified == Some(true))
    }

    /// Digest of the counter of the account's tries at proving once more who it is.
    pub(crate) fn sudo_bucket(&self, id: &U::Id) -> Digest {
        self.keys.mac(
            Purpose::Attempt,
            format!("sudo\0{}", id.as_inner()).as_bytes(),
        )
    }

    /// Digest of the account's counters.
    pub(crate) fn account_bucket(&self, id: &U::Id) -> Digest {
        self.keys.mac(
            Purpose::Attempt,
            format!("account\0{}", id.as_inner()).as_bytes(),
        )
    }
}

fn within(limit: Limit, hits: u64) -> Counted {
    let left = u64::from(limit.times).saturating_sub(hits);
    Counted::Within {
        limit: limit.times,
        remaining: u32::try_from(left).unwrap_or(u32::MAX),
    }
}

/// Whole seconds from `now` to `then`, rounded up, at least one.
pub(crate) fn ceil_secs(now: Timestamp, then: Timestamp) -> u64 {
    let wait = then.since(now);
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Lower-case hex: the public handle of a session.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Reads what [`hex`] wrote, and no other spelling.
pub(crate) fn unhex(text: &str) -> Option<Digest> {
    let bytes = text.as_bytes();
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = bytes.chunks_exact(2);
    if bytes.len() != 64 {
        return None;
    }
    let out: Option<Vec<u8>> = pairs
        .map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?))
        .collect();
    out?.try_into().ok()
}
