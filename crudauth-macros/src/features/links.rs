//! What `#[email]` and `#[channel]` share: the links to a proven mailbox and to a new password.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::model::{App, Facts, Page};
use crate::read::link::{FrontendUrl, LinkTtl, PagePath, Proof, Reset};
use crate::read::section::Key;
use crate::read::value::Switch;
use crate::tokens::{assign, duration, optional};

/// The keys that both sections have.
#[derive(FromMeta, Default)]
#[darling(default)]
pub(crate) struct Links {
    frontend_url: Option<SpannedValue<FrontendUrl>>,
    verify_ttl: Option<SpannedValue<LinkTtl<Proof>>>,
    reset_ttl: Option<SpannedValue<LinkTtl<Reset>>>,
    verify_path: Option<SpannedValue<PagePath>>,
    reset_path: Option<SpannedValue<PagePath>>,
    require_verified: Option<SpannedValue<Switch>>,
}

impl Links {
    pub(crate) const FRONTEND_URL: Key = Key::new(
        "frontend_url",
        "text",
        "the builder's `.frontend_url(…)`",
        "Where the application's pages are: every link begins with it, whatever host a request names.",
    );
    pub(crate) const VERIFY_TTL: Key = Key::new(
        "verify_ttl",
        "lifetime",
        "\"24h\"",
        "How long a link that proves the mailbox is good: 5 minutes to 7 days.",
    );
    pub(crate) const RESET_TTL: Key = Key::new(
        "reset_ttl",
        "lifetime",
        "\"1h\"",
        "How long a link to a new password is good: 5 minutes to 24 hours.",
    );
    pub(crate) const VERIFY_PATH: Key = Key::new(
        "verify_path",
        "path",
        "\"/verify-email\"",
        "The page that a link which proves the mailbox opens.",
    );
    pub(crate) const RESET_PATH: Key = Key::new(
        "reset_path",
        "path",
        "\"/reset-password\"",
        "The page that a link to a new password opens.",
    );
    pub(crate) const REQUIRE_VERIFIED: Key = Key::new(
        "require_verified",
        "switch",
        "off",
        "Nobody signs in before the mailbox is proven.",
    );

    /// The keys that were written, and where.
    pub(crate) fn written(&self) -> Vec<(&'static str, Span)> {
        fn at<T>(key: &Key, value: Option<&SpannedValue<T>>) -> Option<(&'static str, Span)> {
            value.map(|value| (key.name, value.span()))
        }
        let keys = [
            at(&Self::FRONTEND_URL, self.frontend_url.as_ref()),
            at(&Self::VERIFY_TTL, self.verify_ttl.as_ref()),
            at(&Self::RESET_TTL, self.reset_ttl.as_ref()),
            at(&Self::VERIFY_PATH, self.verify_path.as_ref()),
            at(&Self::RESET_PATH, self.reset_path.as_ref()),
            at(&Self::REQUIRE_VERIFIED, self.require_verified.as_ref()),
        ];
        keys.into_iter().flatten().collect()
    }

    /// Both sections speak of the same pages; only one of them may say where they are.
    pub(crate) fn tell(&self, facts: &mut Facts) {
        let pages = [
            Self::page(&Self::VERIFY_PATH, self.verify_path.as_ref()),
            Self::page(&Self::RESET_PATH, self.reset_path.as_ref()),
        ];
        for page in pages {
            match facts.pages.iter_mut().find(|other| other.key == page.key) {
                Some(other) if page.written.is_some() => *other = page,
                Some(_) => {}
                None => facts.pages.push(page),
            }
        }
    }

    pub(crate) fn policy(&self) -> TokenStream {
        let mut out = TokenStream::new();
        let text = |path: Option<&SpannedValue<PagePath>>| path.map(|path| path.0.clone());
        assign!(
            out,
            recovery.frontend_url = self.frontend_url.as_ref().map(|url| optional(Some(&url.0)))
        );
        assign!(
            out,
            recovery.verify_ttl = self.verify_ttl.as_ref().map(|ttl| duration(ttl.secs))
        );
        assign!(
            out,
            recovery.reset_ttl = self.reset_ttl.as_ref().map(|ttl| duration(ttl.secs))
        );
        assign!(out, recovery.verify_path = text(self.verify_path.as_ref()));
        assign!(out, recovery.reset_path = text(self.reset_path.as_ref()));
        assign!(
            out,
            recovery.require_verified = self.require_verified.as_ref().map(|switch| switch.0)
        );
        out
    }

    /// The page of a link; its default is the runtime's, and what the reference says.
    pub(crate) fn page(key: &Key, written: Option<&SpannedValue<PagePath>>) -> Page {
        Page {
            key: key.name,
            path: written.map_or_else(
                || key.default.trim_matches('"').to_owned(),
                |path| path.0.clone(),
            ),
            written: written.map(SpannedValue::span),
        }
    }

    /// Methods of a block whose passwords can be recovered.
    pub(crate) fn methods(app: &App) -> TokenStream {
        let krate = &app.krate;
        quote! {
            /// The routes of recovery alone (`/email/verify-…`, `/password/reset-…`), for mounting them apart from the others.
            #[must_use = "a router does nothing until it is merged into the application's"]
            pub fn recovery_router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> #krate::__private::axum::Router<S> {
                __p::feature_router(self, "recovery")
            }
        }
    }
}
