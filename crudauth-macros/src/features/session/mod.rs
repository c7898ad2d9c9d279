//! `#[session(…)]`: sign-in by cookie, with the session in the database.

mod args;
mod check;

use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::quote;

use self::args::{Args, KEYS};
use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Declared, Facts, Feature, Parts};
use crate::read::name::{CookieName, SameSite};
use crate::read::section::{Input, Key, section};
use crate::read::value::{Lifetime, Switch};
use crate::tokens::{assign, duration, need, optional};

/// The section, with the switches resolved.
pub(crate) struct Session {
    span: Span,
    args: Args,
    /// `danger_insecure_cookies`, and where.
    insecure: Option<Span>,
    no_csrf: Option<Span>,
    host_prefix: Option<Span>,
}

fn on(switch: Option<&SpannedValue<Switch>>) -> Option<Span> {
    switch.filter(|switch| switch.0).map(SpannedValue::span)
}

impl Session {
    fn lower(span: Span, args: Args) -> Self {
        Self {
            span,
            insecure: on(args.danger_insecure_cookies.as_ref()),
            no_csrf: on(args.danger_no_csrf.as_ref()),
            host_prefix: on(args.host_prefix.as_ref()),
            args,
        }
    }

    /// The three cookies: key, default, what was written.
    fn cookies(
        &self,
    ) -> [(
        &'static str,
        &'static str,
        Option<&SpannedValue<CookieName>>,
    ); 3] {
        [
            ("cookie", "session_id", self.args.cookie.as_ref()),
            ("csrf_cookie", "csrf_token", self.args.csrf_cookie.as_ref()),
            (
                "device_cookie",
                "device_id",
                self.args.device_cookie.as_ref(),
            ),
        ]
    }

    fn cookie_name(&self, default: &str, written: Option<&SpannedValue<CookieName>>) -> String {
        match (written, self.host_prefix) {
            (Some(name), _) => name.0.clone(),
            (None, Some(_)) => format!("__Host-{default}"),
            (None, None) => default.to_owned(),
        }
    }

    fn policy(&self) -> TokenStream {
        let mut out = TokenStream::new();
        let args = &self.args;
        let default = |name: &str| self.host_prefix.map(|_| format!("__Host-{name}"));
        let name = |written: Option<&SpannedValue<CookieName>>, name| {
            written.map(|n| n.0.clone()).or_else(|| default(name))
        };
        let lifetime =
            |value: Option<&SpannedValue<Lifetime>>| value.map(|lifetime| duration(lifetime.secs));
        assign!(out, cookie = name(args.cookie.as_ref(), "session_id"));
        assign!(
            out,
            csrf_cookie = name(args.csrf_cookie.as_ref(), "csrf_token")
        );
        assign!(
            out,
            device_cookie = name(args.device_cookie.as_ref(), "device_id")
        );
        assign!(out, secure = self.insecure.map(|_| false));
        assign!(
            out,
            same_site = args.same_site.map(|same_site| match same_site {
                SameSite::Lax => quote!(__p::SameSite::Lax),
                SameSite::Strict => quote!(__p::SameSite::Strict),
            })
        );
        assign!(out, path = args.path.as_ref().map(|path| path.0.clone()));
        assign!(out, idle = lifetime(args.idle.as_ref()));
        assign!(out, absolute = lifetime(args.absolute.as_ref()));
        assign!(out, remember_me = lifetime(args.remember_me.as_ref()));
        assign!(
            out,
            max_sessions = args
                .max_sessions
                .and_then(|count| u32::try_from(count.0).ok())
        );
        assign!(out, csrf = self.no_csrf.map(|_| false));
        assign!(out, management = args.management.map(|switch| switch.0));
        assign!(
            out,
            refuse_same_site = args.refuse_same_site.map(|switch| switch.0)
        );
        assign!(
            out,
            rotate_on_change = args.rotate_on_change.map(|switch| switch.0)
        );
        assign!(
            out,
            csrf_field = args
                .csrf_field
                .as_ref()
                .map(|field| optional(Some(&field.0)))
        );
        assign!(
            out,
            sweep = args.sweep.map(|lifetime| duration(lifetime.secs))
        );
        if out.is_empty() {
            return quote!(__p::SessionPolicy::DEFAULT);
        }
        quote! {{
            let mut p = __p::SessionPolicy::DEFAULT;
            #out
            p
        }}
    }
}

impl Section for Session {
    const NAME: &'static str = "session";
    const DOC: &'static str = "Sign-in by cookie, with the session in the database. A block that names no transport has it.";
    const KEYS: &'static [Key] = KEYS;
    const TRANSPORT: bool = true;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        Some(Self::lower(
            input.span(),
            section(cx, Self::NAME, KEYS, input).unwrap_or_default(),
        ))
    }

    fn implied(declared: &[Declared]) -> Option<Self> {
        let none = !declared.iter().any(|section| section.transport);
        none.then(|| Self::lower(Span::call_site(), Args::default()))
    }
}

impl Feature for Session {
    fn check(&self, cx: &Cx) {
        self.judge(cx);
    }

    fn tell(&self, facts: &mut Facts) {
        facts.insecure_cookies = facts.insecure_cookies.or(self.insecure);
        for (key, default, written) in self.cookies() {
            let name = self.cookie_name(default, written);
            let span = written.map_or(self.span, SpannedValue::span);
            if key == "device_cookie" {
                facts.device_cookie = Some(name.clone()).filter(|name| name != default);
            }
            facts.cookies.push((name, key, span));
        }
    }

    fn expand(&self, app: &App) -> Parts {
        let (name, policy) = (&app.name, self.policy());
        let krate = &app.krate;
        Parts {
            transports: vec![quote!(__p::session::transport::<Self>())],
            features: vec![quote!(__p::session::feature::<Self>())],
            items: quote! {
                #[automatically_derived]
                impl __p::session::HasSession for #name {
                    const SESSION: __p::SessionPolicy = #policy;
                }
            },
            methods: quote! {
                /// The session's routes alone, for mounting them apart from the others.
                #[must_use = "a router does nothing until it is merged into the application's"]
                pub fn session_router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> #krate::__private::axum::Router<S> {
                    __p::feature_router(self, "session")
                }

                /// The sessions of every account: list them, end them.
                #[must_use = "a handle does nothing by itself"]
                pub fn sessions(&self) -> __p::SessionsHandle<'_, Self> {
                    __p::SessionsHandle::new(self)
                }
            },
            needs: need(self.span, &quote!(__p::need_transport_session::<#name>();)),
            ..Parts::default()
        }
    }
}
