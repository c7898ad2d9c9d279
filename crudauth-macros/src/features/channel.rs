//! `#[channel(…)]`: proving what an account is recovered by and getting back into it, where the application delivers.

use proc_macro2::Span;
use quote::quote;

use crate::diag::Cx;
use crate::features::{Links, Section};
use crate::model::{App, Facts, Feature, Parts};
use crate::read::section::{Input, Key, section};
use crate::tokens::need;

const KEYS: &[Key] = &[
    Links::FRONTEND_URL,
    Links::VERIFY_TTL,
    Links::RESET_TTL,
    Links::VERIFY_PATH,
    Links::RESET_PATH,
    Links::REQUIRE_VERIFIED,
];

/// The section.
pub(crate) struct Channel {
    span: Span,
    links: Links,
}

impl Section for Channel {
    const NAME: &'static str = "channel";
    const DOC: &'static str = "Proves what an account is recovered by, and recovers a password, where the application delivers: text messages, a push. The builder takes at least one channel: `.channel(…)`. Beside `#[email]`, which has the same keys, it has none.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let links = section(cx, Self::NAME, KEYS, input).unwrap_or_default();
        Some(Self {
            span: input.span(),
            links,
        })
    }
}

impl Feature for Channel {
    fn tell(&self, facts: &mut Facts) {
        facts.delivers = true;
        facts.channel_keys = self.links.written();
        self.links.tell(facts);
    }

    fn expand(&self, app: &App) -> Parts {
        let user = &app.user;
        let mut policy = quote!(p.recovery.channel = true;);
        policy.extend(self.links.policy());
        let needs = quote!(__p::need_recovery::<#user>(); __p::need_proof::<#user>(););
        // What both sections bring and need, `#[email]` brings and needs.
        let shared = if app.facts().mails {
            Parts::default()
        } else {
            Parts {
                features: vec![quote!(__p::recovery::feature::<Self>())],
                methods: Links::methods(app),
                needs: need(self.span, &needs),
                ..Parts::default()
            }
        };
        Parts {
            policy,
            delivers: true,
            ..shared
        }
    }
}
