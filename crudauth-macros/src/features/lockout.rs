//! `#[lockout(…)]`: failed sign-ins per client address and per account.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::TokenStream;
use syn::Lit;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Facts, Feature, Parts};
use crate::read::section::{Input, Key, section};
use crate::read::value::{Count, Lifetime, Literal, from_literal, text};
use crate::tokens::{assign, duration};

const KEYS: &[Key] = &[
    Key::new(
        "max_attempts",
        "number",
        "5",
        "Failures allowed within `window`.",
    ),
    Key::new(
        "window",
        "lifetime",
        "\"60s\"",
        "How long a failure counts.",
    ),
    Key::new(
        "base",
        "lifetime",
        "\"60s\"",
        "Length of the first lock; doubles each round.",
    ),
    Key::new("max", "lifetime", "\"1h\"", "Longest lock."),
    Key::new(
        "retention",
        "lifetime",
        "\"1h\"",
        "How long after its end a lock is remembered.",
    ),
    Key::new(
        "hard_stop",
        "number",
        "100",
        "Failures in a row after which strangers are shut out.",
    ),
    Key::new(
        "on_success",
        "\"clear_all\" or \"clear_user_only\"",
        "\"clear_all\"",
        "Which failures a sign-in forgives.",
    ),
];

#[derive(FromMeta, Default)]
#[darling(default)]
struct Args {
    max_attempts: Option<SpannedValue<Count<1, 100>>>,
    window: Option<Lifetime>,
    base: Option<SpannedValue<Lifetime>>,
    max: Option<SpannedValue<Lifetime>>,
    retention: Option<Lifetime>,
    hard_stop: Option<SpannedValue<Count<1, 100>>>,
    on_success: Option<OnSuccess>,
}

/// Whether a success gives the address back the failures which the account caused.
#[derive(Clone, Copy)]
struct OnSuccess {
    clear_address: bool,
}

impl Literal for OnSuccess {
    const KIND: &'static str = "\"clear_all\" or \"clear_user_only\"";
    const EXAMPLE: &'static str = "\"clear_all\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        match text::<Self>(key, lit)?.as_str() {
            "clear_all" => Ok(Self {
                clear_address: true,
            }),
            "clear_user_only" => Ok(Self {
                clear_address: false,
            }),
            other => Err(format!(
                "`{key}` has no value {other:?}; write `{key} = \"clear_all\"` or \"clear_user_only\""
            )),
        }
    }
}

from_literal! { [] OnSuccess; }

/// The section.
pub(crate) struct Lockout {
    args: Args,
    max_attempts: u64,
}

impl Section for Lockout {
    const NAME: &'static str = "lockout";
    const DOC: &'static str = "Failed sign-ins per client address and per account.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let args: Args = section(cx, Self::NAME, KEYS, input).unwrap_or_default();
        Some(Self {
            max_attempts: args.max_attempts.as_ref().map_or(5, |count| count.0),
            args,
        })
    }
}

impl Feature for Lockout {
    fn check(&self, cx: &Cx) {
        let args = &self.args;
        let secs = |value: Option<&SpannedValue<Lifetime>>, default| {
            value.map_or(default, |lifetime| lifetime.secs)
        };
        if secs(args.base.as_ref(), 60) > secs(args.max.as_ref(), 3600)
            && let Some(value) = args.base.as_ref().or(args.max.as_ref())
        {
            cx.error(
                value.span(),
                "the first lock (`base`) is longer than the longest (`max`)",
                "write a shorter `base`, or a longer `max`",
            );
        }
        if let Some(stop) = args
            .hard_stop
            .as_ref()
            .filter(|stop| stop.0 < self.max_attempts)
        {
            cx.error(
                stop.span(),
                format!("`hard_stop = {}` comes before the first lock (`max_attempts = {}`), so a stranger could close any account", stop.0, self.max_attempts),
                "write `hard_stop = 100`",
            );
        }
    }

    fn tell(&self, facts: &mut Facts) {
        facts.max_attempts = Some(self.max_attempts);
    }

    fn expand(&self, _: &App) -> Parts {
        let mut policy = TokenStream::new();
        let args = &self.args;
        let count = |n: u64| u32::try_from(n).ok();
        assign!(
            policy,
            lockout.max_attempts = args.max_attempts.as_ref().and_then(|n| count(n.0))
        );
        assign!(
            policy,
            lockout.window = args.window.map(|lifetime| duration(lifetime.secs))
        );
        assign!(
            policy,
            lockout.base = args.base.as_ref().map(|lifetime| duration(lifetime.secs))
        );
        assign!(
            policy,
            lockout.max = args.max.as_ref().map(|lifetime| duration(lifetime.secs))
        );
        assign!(
            policy,
            lockout.retention = args.retention.map(|lifetime| duration(lifetime.secs))
        );
        assign!(
            policy,
            lockout.hard_stop = args.hard_stop.as_ref().and_then(|n| count(n.0))
        );
        assign!(
            policy,
            lockout.clear_address = args.on_success.map(|on| on.clear_address)
        );
        Parts {
            policy,
            ..Parts::default()
        }
    }
}
