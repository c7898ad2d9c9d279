//! `#[proxy(…)]`: which forwarding headers are believed.

use darling::FromMeta;
use proc_macro2::TokenStream;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Facts, Feature, Parts};
use crate::read::section::{Input, Key, section};
use crate::read::value::Count;
use crate::tokens::assign;

const KEYS: &[Key] = &[Key::new(
    "trusted_hops",
    "number",
    "0",
    "Reverse proxies in front, each of which appends to `X-Forwarded-For`.",
)];

#[derive(FromMeta, Default)]
#[darling(default)]
struct Args {
    trusted_hops: Option<Count<0, 16>>,
}

/// The section.
pub(crate) struct Proxy {
    /// How many entries of the header are ours, from the right.
    trusted_hops: u64,
}

impl Section for Proxy {
    const NAME: &'static str = "proxy";
    const DOC: &'static str = "Which forwarding headers are believed.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let args: Args = section(cx, Self::NAME, KEYS, input)?;
        if args.trusted_hops.is_none() {
            cx.error_on(
                &input.path,
                "`#[proxy]` does not say how many proxies there are",
                "write `#[proxy(trusted_hops = 1)]`",
            );
        }
        Some(Self {
            trusted_hops: args.trusted_hops.map_or(0, |count| count.0),
        })
    }
}

impl Feature for Proxy {
    fn tell(&self, facts: &mut Facts) {
        facts.trusted_hops = self.trusted_hops;
    }

    fn expand(&self, _: &App) -> Parts {
        let mut policy = TokenStream::new();
        assign!(
            policy,
            proxy.trusted_hops = usize::try_from(self.trusted_hops).ok()
        );
        Parts {
            policy,
            ..Parts::default()
        }
    }
}
