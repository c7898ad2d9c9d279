//! What a builder must be given before it can build, as types: a call that is missing is an error where it is missing.

use std::fmt;
use std::marker::PhantomData;

use super::providers::ProvidersComplete;
use crate::authority::Authority;

/// How far the wiring of a builder has come: its hooks, its mailer, its channels, its signing keys, its providers. Each is
/// [`Undeclared`], missing ([`NeedsHooks`], …) or [`Given`]; of the providers, [`Providers`](super::Providers) says which.
pub struct Wiring<H, M, C, K = Undeclared, O = Undeclared>(PhantomData<Parts<H, M, C, K, O>>);

type Parts<H, M, C, K, O> = fn(H, M, C, K, O);

impl<H, M, C, K, O> fmt::Debug for Wiring<H, M, C, K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wiring")
    }
}

/// The block does not declare it, so nothing has to be given.
#[derive(Debug, Clone, Copy)]
pub struct Undeclared;

/// The block declares it, and the builder has it.
#[derive(Debug, Clone, Copy)]
pub struct Given;

/// The block declares `#[hooks(…)]`, and no hooks have been given.
#[derive(Debug, Clone, Copy)]
pub struct NeedsHooks;

/// The block declares `#[email(…)]`, and no mailer has been given.
#[derive(Debug, Clone, Copy)]
pub struct NeedsMailer;

/// The block declares `#[channel(…)]`, and no channel has been given.
#[derive(Debug, Clone, Copy)]
pub struct NeedsChannel;

/// The block declares an `algorithm` with a pair of keys, and none have been given.
#[derive(Debug, Clone, Copy)]
pub struct NeedsKeys;

/// The block declares `#[bearer]` with HS256, whose key is derived from the secret where none is given.
#[derive(Debug, Clone, Copy)]
pub struct TakesKeys;

/// A builder that can build.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the wiring of a builder of `{A}`",
    label = "not complete"
)]
pub trait Complete<A: Authority> {
    /// Hooks for a block that declares none.
    fn no_hooks() -> Option<A::Hooks>;
}

impl<A, H, M, C, K, O> Complete<A> for Wiring<H, M, C, K, O>
where
    A: Authority,
    H: HooksComplete<A>,
    M: MailerComplete,
    C: ChannelComplete,
    K: KeysComplete,
    O: ProvidersComplete,
{
    fn no_hooks() -> Option<A::Hooks> {
        H::no_hooks()
    }
}

/// Nothing is missing of the hooks.
#[diagnostic::on_unimplemented(
    message = "the block declares `#[hooks(…)]`, and this builder was given no hooks",
    label = "call `.hooks(…)` before this",
    note = "`.hooks(…)` takes a value of the type in `#[hooks(…)]`"
)]
pub trait HooksComplete<A: Authority> {
    /// Hooks for a block that declares none.
    fn no_hooks() -> Option<A::Hooks>;
}

impl<A: Authority> HooksComplete<A> for Given {
    fn no_hooks() -> Option<A::Hooks> {
        None
    }
}

impl<A> HooksComplete<A> for Undeclared
where
    A: Authority<Hooks: 'static>,
{
    fn no_hooks() -> Option<A::Hooks> {
        // Only `NoHooks` is ever missing here: the macro starts every other block at `NeedsHooks`.
        (&mut Some(crate::hooks::NoHooks) as &mut dyn std::any::Any)
            .downcast_mut::<Option<A::Hooks>>()
            .and_then(Option::take)
    }
}

/// Nothing is missing of the mailer.
#[diagnostic::on_unimplemented(
    message = "the block declares `#[email(…)]`, and this builder was given no mailer",
    label = "call `.mailer(…)` before this",
    note = "`.mailer(…)` takes a value that implements `crudauth::mail::Mailer`"
)]
pub trait MailerComplete {}

impl MailerComplete for Given {}
impl MailerComplete for Undeclared {}

/// Nothing is missing of the channels.
#[diagnostic::on_unimplemented(
    message = "the block declares `#[channel(…)]`, and this builder was given no channel",
    label = "call `.channel(…)` before this",
    note = "`.channel(…)` takes a value that implements `crudauth::mail::Channel` for the account type"
)]
pub trait ChannelComplete {}

impl ChannelComplete for Given {}
impl ChannelComplete for Undeclared {}

/// Nothing is missing of the signing keys.
#[diagnostic::on_unimplemented(
    message = "the block declares an `algorithm` that signs with a pair of keys, and this builder was given none",
    label = "call `.signing_keys(…)` before this",
    note = "`.signing_keys(…)` takes `crudauth::jwt::SigningKeys`, such as `SigningKeys::ed25519_pkcs8_pem(…)?`"
)]
pub trait KeysComplete {}

impl KeysComplete for Given {}
impl KeysComplete for TakesKeys {}
impl KeysComplete for Undeclared {}

/// Access tokens are declared: their keys are waited for, may be given, or were.
#[diagnostic::on_unimplemented(
    message = "the block does not declare `#[bearer(…)]`, so nothing is ever signed",
    label = "nothing would use this",
    note = "write `#[bearer]` in the block, or remove this call"
)]
pub trait Signs {}

impl Signs for NeedsKeys {}
impl Signs for TakesKeys {}
impl Signs for Given {}

/// Where the wiring is once keys were given. Of every wiring, and so apart from [`Signs`]: that one is then what a builder
/// without tokens is told to lack.
pub trait AfterKeys {
    /// Optional keys change nothing, so that a program may give them or not, as it is configured.
    type Keyed;
}

impl AfterKeys for NeedsKeys {
    type Keyed = Given;
}
impl AfterKeys for TakesKeys {
    type Keyed = Self;
}
impl AfterKeys for Given {
    type Keyed = Self;
}
impl AfterKeys for Undeclared {
    type Keyed = Self;
}

/// Mail is declared: a mailer is waited for, or was given.
#[diagnostic::on_unimplemented(
    message = "the block does not declare `#[email(…)]`, so nothing is ever mailed",
    label = "nothing would use this",
    note = "write `#[email(frontend_url = \"https://app.example.com\")]` in the block, or remove this call"
)]
pub trait Mails {}

impl Mails for NeedsMailer {}
impl Mails for Given {}

/// Channels are declared: the first is waited for, or was given.
#[diagnostic::on_unimplemented(
    message = "the block does not declare `#[channel(…)]`, so nothing is ever delivered",
    label = "nothing would use this",
    note = "write `#[channel]` in the block, or remove this call"
)]
pub trait Channels {}

impl Channels for NeedsChannel {}
impl Channels for Given {}

/// Messages with links go out, by mail or by a channel.
#[diagnostic::on_unimplemented(
    message = "the block declares neither `#[email(…)]` nor `#[channel(…)]`, so no link is ever sent",
    label = "nothing would use this",
    note = "write `#[email]` in the block, or remove this call"
)]
pub trait Links {}

impl<H, C, K, O> Links for Wiring<H, NeedsMailer, C, K, O> {}
impl<H, C, K, O> Links for Wiring<H, Given, C, K, O> {}
impl<H, K, O> Links for Wiring<H, Undeclared, NeedsChannel, K, O> {}
impl<H, K, O> Links for Wiring<H, Undeclared, Given, K, O> {}
