//! Whose account a provider's word opens (contract §3.9).
//!
//! | the identity | the address, by the provider | the account with that address | what happens |
//! |---|---|---|---|
//! | known | – | – | signs in |
//! | new, provider not trusted | – | – | `link_required` |
//! | new | absent / not proven | – | `email_missing` / `email_unverified` |
//! | new | proven | disabled | `account_inactive` |
//! | new | proven | proven, has another identity there | `provider_already_linked` |
//! | new | proven | proven | is linked |
//! | new | proven | not proven | is claimed: nothing of what was set up stays |
//! | new | proven | none | is created |

use std::sync::Arc;

use super::{name, tokens};
use crate::account::{AuthUser, Body, NewAccount, NewColumns, Role};
use crate::authenticate::Authenticated;
use crate::crypto::{PasswordHash, fold_identifier};
use crate::engine::{Client, Engine, detached};
use crate::enrol::new_account;
use crate::error::{Error, Result};
use crate::hooks::{AccountEvent, AccountInfo, NewUser, OAuthLogin, OAuthOutcome, SignUpSource};
use crate::identity::{EMAIL_TOO_LONG, parse_email};
use crate::oauth::{Identified, Profile};
use crate::outbox;
use crate::policy::ProviderPolicy;
use crate::store::identities::{Attached, Ground, NewIdentity, identity_id};
use crate::store::{Digest, Inserted, LoginField};

/// How often the accounts are looked at again because somebody changed them meanwhile.
const ROUNDS: u32 = 64;
/// After so many lost races a name is made up by chance.
const RACES: u32 = 4;

/// What became of it.
pub(crate) enum Resolution<U> {
    /// This account opens.
    Account(Authenticated<U>),
    /// None does.
    Refused(Refusal),
}

/// Why no account opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The account is disabled, or not proven where the block asks for that.
    AccountInactive,
    /// The provider gives no address.
    EmailMissing,
    /// The address does not fit.
    EmailTooLong,
    /// The provider does not say that the address was proven.
    EmailUnverified,
    /// What the provider says cannot be made an account of.
    Failed,
    /// Only the account's owner can link this identity, signed in.
    LinkRequired,
    /// The account has another identity of this provider.
    ProviderAlreadyLinked,
}

/// Finds, links, claims or creates the account that this profile opens. Runs to its end even if the client goes away.
pub(crate) async fn resolve<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    provider: &'static ProviderPolicy,
    (identified, keep): (Identified, bool),
    client: Client,
) -> Result<Resolution<U>> {
    let engine = Arc::clone(engine);
    detached(async move {
        let Identified { profile, tokens } = identified;
        let id = identity_id(&profile.issuer, &profile.subject);
        let tokens = tokens::seal(&engine, &id, keep.then_some(&tokens))?;
        let found = Found {
            engine: &engine,
            provider,
            profile: &profile,
            id: &id,
            tokens: tokens.as_deref(),
        };
        let (user, outcome) = match found.account().await? {
            Ok(found) => found,
            Err(refusal) => return Ok(Resolution::Refused(refusal)),
        };
        let origin = engine.origin(&client, None, None);
        let account = AccountInfo::of(&user);
        if outcome == OAuthOutcome::Created {
            let event = AccountEvent {
                account: account.clone(),
                origin: origin.clone(),
            };
            engine.hooks.after_register(&event).await;
        }
        let event = OAuthLogin {
            account,
            provider: provider.name,
            profile,
            outcome,
            origin,
        };
        engine.hooks.oauth_login(&event).await;
        Ok(Resolution::Account(Authenticated { user }))
    })
    .await
}

struct Found<'a, U: AuthUser> {
    engine: &'a Engine<U>,
    provider: &'static ProviderPolicy,
    profile: &'a Profile,
    id: &'a Digest,
    tokens: Option<&'a str>,
}

type Outcome<U> = std::result::Result<(U, OAuthOutcome), Refusal>;

impl<U: AuthUser> Found<'_, U> {
    async fn account(&self) -> Result<Outcome<U>> {
        for round in 0..ROUNDS {
            if let Some(outcome) = self.once(round).await? {
                return Ok(outcome);
            }
        }
        tracing::error!(
            provider = self.provider.name,
            "an account changed each time it was looked at"
        );
        Ok(Err(Refusal::Failed))
    }

    /// `None` when somebody was faster, and the accounts have to be looked at again.
    async fn once(&self, round: u32) -> Result<Option<Outcome<U>>> {
        let store = &self.engine.store;
        if let Some(user) = store.by_identity(self.identity()).await? {
            if !self.engine.admits(&user) {
                return Ok(Some(Err(Refusal::AccountInactive)));
            }
            store.use_identity(self.identity()).await?;
            return Ok(Some(Ok((user, OAuthOutcome::Known))));
        }
        let email = match self.proven() {
            Ok(email) => email,
            Err(refusal) => return Ok(Some(Err(refusal))),
        };
        match store.by_login(LoginField::Email, &email).await? {
            Some(user) => self.link(user, &email).await,
            None => self.create(&email, round).await,
        }
    }

    /// The address by which an account may be found or made.
    fn proven(&self) -> std::result::Result<String, Refusal> {
        if !self.provider.trusted {
            return Err(Refusal::LinkRequired);
        }
        let email = self
            .profile
            .email
            .as_deref()
            .filter(|email| !email.trim().is_empty())
            .ok_or(Refusal::EmailMissing)?;
        if !self.profile.email_verified {
            return Err(Refusal::EmailUnverified);
        }
        parse_email(email)
            .map(crate::identity::Email::into_string)
            .map_err(|why| {
                if why == EMAIL_TOO_LONG {
                    Refusal::EmailTooLong
                } else {
                    Refusal::Failed
                }
            })
    }

    fn identity(&self) -> NewIdentity<'_> {
        NewIdentity {
            id: self.id,
            provider: self.provider.name,
            issuer: &self.profile.issuer,
            subject: &self.profile.subject,
            email: self.profile.email.as_deref(),
            tokens: self.tokens,
            now: self.engine.now(),
        }
    }

    async fn link(&self, user: U, email: &str) -> Result<Option<Outcome<U>>> {
        let account = user.account();
        if !account.is_active {
            return Ok(Some(Err(Refusal::AccountInactive)));
        }
        let unusable;
        let (ground, outcome) = if account.email_verified == Some(true) {
            (Ground::Proven { email }, OAuthOutcome::Linked)
        } else if U::TABLE.has(Role::Recovery) {
            // Whoever made it may get back in by what it is recovered by, which no provider has a say in.
            return Ok(Some(Err(Refusal::LinkRequired)));
        } else {
            unusable = PasswordHash::unusable(&self.engine.random)?;
            let unusable = &unusable;
            (Ground::Claim { email, unusable }, OAuthOutcome::Claimed)
        };
        // Who claims it is told by being there; nobody was reached before.
        let notice = match outcome {
            OAuthOutcome::Linked => outbox::identity_linked(self.engine, &user)?,
            _ => None,
        };
        let attached = self
            .engine
            .store
            .attach(user.id(), self.identity(), ground, notice.as_ref())
            .await?;
        self.engine.outlets.due.notify_one();
        Ok(match attached {
            Attached::Done => self.opened(user.id(), outcome).await?,
            Attached::Occupied => Some(Err(Refusal::ProviderAlreadyLinked)),
            Attached::Unfit => Some(Err(Refusal::Failed)),
            Attached::Stale | Attached::Taken => None,
        })
    }

    async fn create(&self, email: &str, round: u32) -> Result<Option<Outcome<U>>> {
        let username = if U::TABLE.has(Role::Username) {
            Some(name::free(self.engine, self.profile, round >= RACES).await?)
        } else {
            None
        };
        let Some(mut columns) = U::Columns::from_body(&mut Nothing::default()) else {
            tracing::error!(
                "a column that only a client can fill keeps providers from creating accounts"
            );
            return Ok(Some(Err(Refusal::Failed)));
        };
        let seed = NewUser {
            email: Some(email),
            username: username.as_deref(),
            source: SignUpSource::Provider,
        };
        self.engine.hooks.new_user(&seed, &mut columns).await;
        let folded = username.as_deref().map(fold_identifier);
        let new = NewAccount {
            email: Some(email.to_owned()),
            username,
            email_verified: true,
            ..new_account(
                self.engine,
                PasswordHash::unusable(&self.engine.random)?,
                columns,
            )?
        };
        let inserted = self
            .engine
            .store
            .insert(new, folded.as_deref(), None, Some(self.identity()))
            .await?;
        Ok(match inserted {
            Inserted::Created(id) => self.opened(&id, OAuthOutcome::Created).await?,
            // A unique column of the application's own: looking again would find the same.
            Inserted::Taken(Some(column)) => {
                tracing::error!(
                    column = column.name,
                    "a provider's account clashes with another"
                );
                Some(Err(Refusal::Failed))
            }
            Inserted::Taken(None) => None,
            Inserted::Unfit(unfit) => Some(Err(
                if unfit
                    .column
                    .is_some_and(|column| column.role == Role::Email)
                {
                    Refusal::EmailTooLong
                } else {
                    Refusal::Failed
                },
            )),
        })
    }

    /// The account as it is now. Gone or disabled within a moment, it is looked for again.
    async fn opened(&self, id: &U::Id, outcome: OAuthOutcome) -> Result<Option<Outcome<U>>> {
        let user = self.engine.store.by_id(id).await?;
        Ok(user.map(|user| {
            if self.engine.admits(&user) {
                Ok((user, outcome))
            } else {
                Err(Refusal::AccountInactive)
            }
        }))
    }
}

/// The body of a sign-up that has none.
#[derive(Default)]
struct Nothing {
    missing: Vec<&'static str>,
}

impl Body for Nothing {
    fn required<T: serde::de::DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.missing.push(name);
        None
    }

    fn optional<T: serde::de::DeserializeOwned>(
        &mut self,
        _name: &'static str,
    ) -> Option<Option<T>> {
        Some(None)
    }

    fn text(&mut self, name: &'static str, _max: Option<usize>) -> Option<String> {
        self.missing.push(name);
        None
    }

    fn optional_text(
        &mut self,
        _name: &'static str,
        _max: Option<usize>,
    ) -> Option<Option<String>> {
        Some(None)
    }
}

/// Stops the start where the account table has columns that nobody fills when a provider creates an account.
pub(crate) fn missing_columns<U: AuthUser>() -> Result<()> {
    let mut nothing = Nothing::default();
    if U::Columns::from_body(&mut nothing).is_some() {
        return Ok(());
    }
    let say = |field: &&str| {
        format!(
            "`#[oauth]` creates accounts, and nobody fills `{field}` of one: make the field an `Option`, or give it `#[auth(default = …)]`"
        )
    };
    Err(Error::Config(nothing.missing.iter().map(say).collect()))
}
