//! `#[sudo(…)]`: proving once more who one is, before what cannot be taken back.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Feature, Parts};
use crate::read::section::{Input, Key, section};
use crate::read::value::{Count, Lifetime, Switch};
use crate::tokens::{assign, duration, need};

/// Longest `ttl`: 15 minutes.
const LONGEST: u64 = 15 * 60;

const KEYS: &[Key] = &[
    Key::new(
        "ttl",
        "lifetime",
        "\"5m\"",
        "How long a proof is good, whatever the session does: up to 15 minutes.",
    ),
    Key::new(
        "max_attempts",
        "number",
        "3",
        "Wrong proofs of an account before no other is looked at: 1 to 10.",
    ),
    Key::new(
        "lockout",
        "lifetime",
        "\"15m\"",
        "For how long: 1 minute to 24 hours. Signing in goes on.",
    ),
    Key::new("route", "switch", "off", "Mounts `POST /sudo`."),
];

#[derive(FromMeta, Default)]
#[darling(default)]
struct Args {
    ttl: Option<SpannedValue<Lifetime>>,
    max_attempts: Option<Count<1, 10>>,
    lockout: Option<SpannedValue<Lifetime>>,
    route: Option<Switch>,
}

/// The section.
pub(crate) struct Sudo {
    span: Span,
    args: Args,
}

impl Section for Sudo {
    const NAME: &'static str = "sudo";
    const DOC: &'static str = "Proving once more who one is, before what cannot be taken back: `#[require(sudo)]`. It needs the session.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        Some(Self {
            span: input.span(),
            args: section(cx, Self::NAME, KEYS, input).unwrap_or_default(),
        })
    }
}

impl Feature for Sudo {
    fn check(&self, cx: &Cx) {
        if let Some(ttl) = self.args.ttl.as_ref().filter(|ttl| ttl.secs > LONGEST) {
            cx.error(
                ttl.span(),
                "`ttl` is longer than 15 minutes, and whoever takes over the session in that time needs no password (ASVS 7.5.3)",
                "write `ttl = \"5m\"`",
            );
        }
        let fits = |lockout: &&SpannedValue<Lifetime>| !(60..=86_400).contains(&lockout.secs);
        if let Some(lockout) = self.args.lockout.as_ref().filter(fits) {
            cx.error(
                lockout.span(),
                "`lockout` is from 1 minute, or guessing goes on, to 24 hours, or a thief keeps the owner out for days",
                "write `lockout = \"15m\"`",
            );
        }
    }

    fn expand(&self, app: &App) -> Parts {
        let (name, user, krate) = (&app.name, &app.user, &app.krate);
        let policy = self.policy();
        let needs = quote!(__p::need_transport_session::<#name>(); __p::need_password::<#user>(););
        let router = self.args.route.is_some_and(|route| route.0).then(|| {
            quote! {
                /// `POST /sudo` alone, for mounting it apart from the others.
                #[must_use = "a router does nothing until it is merged into the application's"]
                pub fn sudo_router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> #krate::__private::axum::Router<S> {
                    __p::feature_router(self, "sudo")
                }
            }
        });
        Parts {
            features: vec![quote!(__p::sudo::feature::<Self>())],
            items: quote! {
                #[automatically_derived]
                impl __p::sudo::HasSudo for #name {
                    const SUDO: __p::SudoPolicy = #policy;
                }
            },
            methods: quote! {
                #router

                /// Elevations, for routes of your own: elevate a session, ask whether it is, end it.
                #[must_use = "a handle does nothing by itself"]
                pub fn sudo(&self) -> __p::sudo::SudoHandle<'_, Self> {
                    __p::sudo::SudoHandle::new(self)
                }
            },
            needs: need(self.span, &needs),
            ..Parts::default()
        }
    }
}

impl Sudo {
    fn policy(&self) -> TokenStream {
        let mut out = TokenStream::new();
        let args = &self.args;
        let lifetime =
            |value: Option<&SpannedValue<Lifetime>>| value.map(|lifetime| duration(lifetime.secs));
        assign!(out, ttl = lifetime(args.ttl.as_ref()));
        assign!(
            out,
            max_attempts = args
                .max_attempts
                .and_then(|count| u32::try_from(count.0).ok())
        );
        assign!(out, lockout = lifetime(args.lockout.as_ref()));
        assign!(out, route = args.route.map(|switch| switch.0));
        if out.is_empty() {
            return quote!(__p::SudoPolicy::DEFAULT);
        }
        quote! {{
            let mut p = __p::SudoPolicy::DEFAULT;
            #out
            p
        }}
    }
}
