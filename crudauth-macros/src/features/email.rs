//! `#[email(…)]`: proving an address, getting back into an account and moving to another address, by mailed links.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::Cx;
use crate::features::{Links, Section};
use crate::model::{App, Facts, Feature, Parts};
use crate::read::link::{LinkTtl, PagePath, Proof, Undo};
use crate::read::section::{Input, Key, section};
use crate::read::value::Switch;
use crate::tokens::{assign, duration, need};

const CHANGE_PATH: Key = Key::new(
    "change_path",
    "path",
    "\"/confirm-email-change\"",
    "The page that a link which confirms another address opens.",
);
const UNDO_PATH: Key = Key::new(
    "undo_path",
    "path",
    "\"/undo-email-change\"",
    "The page that a link which takes a change back opens.",
);

const KEYS: &[Key] = &[
    Links::FRONTEND_URL,
    Links::VERIFY_TTL,
    Links::RESET_TTL,
    Key::new(
        "change_ttl",
        "lifetime",
        "\"24h\"",
        "How long a link that confirms another address is good: 5 minutes to 7 days.",
    ),
    Key::new(
        "undo_ttl",
        "lifetime",
        "\"7d\"",
        "How long the former address can take a change back: 1 hour to 30 days.",
    ),
    Links::VERIFY_PATH,
    Links::RESET_PATH,
    CHANGE_PATH,
    UNDO_PATH,
    Links::REQUIRE_VERIFIED,
    Key::new(
        "evict_on_change",
        "switch",
        "off",
        "A change of address ends the account's other sessions.",
    ),
];

#[derive(FromMeta, Default)]
#[darling(default)]
struct Args {
    #[darling(flatten)]
    links: Links,
    change_ttl: Option<LinkTtl<Proof>>,
    undo_ttl: Option<LinkTtl<Undo>>,
    change_path: Option<SpannedValue<PagePath>>,
    undo_path: Option<SpannedValue<PagePath>>,
    evict_on_change: Option<Switch>,
}

/// The section.
pub(crate) struct Email {
    span: Span,
    args: Args,
}

impl Section for Email {
    const NAME: &'static str = "email";
    const DOC: &'static str = "Proves an address, recovers a password and changes an address by mailed links. The builder takes a mailer: `.mailer(…)`.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        Some(Self {
            span: input.span(),
            args: section(cx, Self::NAME, KEYS, input).unwrap_or_default(),
        })
    }
}

impl Feature for Email {
    fn tell(&self, facts: &mut Facts) {
        facts.mails = true;
        self.args.links.tell(facts);
        facts.pages.extend([
            Links::page(&CHANGE_PATH, self.args.change_path.as_ref()),
            Links::page(&UNDO_PATH, self.args.undo_path.as_ref()),
        ]);
    }

    fn expand(&self, app: &App) -> Parts {
        let (user, krate) = (&app.user, &app.krate);
        // A field marked `recovery` is no mailbox: then a channel delivers what recovers the password.
        let needs = if app.facts().delivers {
            quote!(__p::need_email::<#user>(); __p::need_proof::<#user>();)
        } else {
            quote!(__p::need_mailbox::<#user>(); __p::need_proof::<#user>();)
        };
        let methods = Links::methods(app);
        Parts {
            policy: self.policy(),
            features: vec![
                quote!(__p::recovery::feature::<Self>()),
                quote!(__p::email_change::feature::<Self>()),
            ],
            methods: quote! {
                #methods

                /// The routes that change the address alone (`/email/change-…`), for mounting them apart from the others.
                #[must_use = "a router does nothing until it is merged into the application's"]
                pub fn email_change_router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> #krate::__private::axum::Router<S> {
                    __p::feature_router(self, "email_change")
                }
            },
            needs: need(self.span, &needs),
            mails: true,
            ..Parts::default()
        }
    }
}

impl Email {
    fn policy(&self) -> TokenStream {
        let args = &self.args;
        let mut out = quote!(p.recovery.mail = true;);
        out.extend(args.links.policy());
        let text = |path: Option<&SpannedValue<PagePath>>| path.map(|path| path.0.clone());
        assign!(
            out,
            recovery.change_ttl = args.change_ttl.as_ref().map(|ttl| duration(ttl.secs))
        );
        assign!(
            out,
            recovery.undo_ttl = args.undo_ttl.as_ref().map(|ttl| duration(ttl.secs))
        );
        assign!(out, recovery.change_path = text(args.change_path.as_ref()));
        assign!(out, recovery.undo_path = text(args.undo_path.as_ref()));
        assign!(
            out,
            recovery.evict_on_change = args.evict_on_change.map(|switch| switch.0)
        );
        out
    }
}
