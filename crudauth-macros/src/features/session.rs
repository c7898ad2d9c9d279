//! `#[session(…)]`: sign-in by cookie, with the session in the database.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Declared, Facts, Feature, Parts};
use crate::read::name::{CookieName, CookiePath, FieldName, SameSite};
use crate::read::section::{Input, Key, section};
use crate::read::value::{Count, Lifetime, Switch};
use crate::tokens::{assign, duration, need, optional};

const KEYS: &[Key] = &[
    Key::new(
        "cookie",
        "cookie name",
        "\"session_id\"",
        "Name of the session cookie.",
    ),
    Key::new(
        "csrf_cookie",
        "cookie name",
        "\"csrf_token\"",
        "Name of the CSRF cookie.",
    ),
    Key::new(
        "device_cookie",
        "cookie name",
        "\"device_id\"",
        "Name of the device cookie.",
    ),
    Key::new(
        "host_prefix",
        "switch",
        "off",
        "Names the cookies `__Host-…`, so that no subdomain can plant one.",
    ),
    Key::new(
        "danger_insecure_cookies",
        "switch",
        "off",
        "Drops `Secure`: anyone on the network reads the cookie (session hijacking).",
    ),
    Key::new(
        "same_site",
        "\"lax\" or \"strict\"",
        "\"lax\"",
        "The `SameSite` attribute.",
    ),
    Key::new("path", "path", "\"/\"", "The `Path` attribute."),
    Key::new(
        "idle",
        "lifetime",
        "\"30m\"",
        "A session unused for this long is dead.",
    ),
    Key::new(
        "absolute",
        "lifetime",
        "\"12h\"",
        "A session is dead this long after sign-in.",
    ),
    Key::new(
        "remember_me",
        "lifetime",
        "\"30d\"",
        "Both limits of a session opened with `remember_me`.",
    ),
    Key::new(
        "max_sessions",
        "number",
        "5",
        "Live sessions an account may have.",
    ),
    Key::new(
        "danger_no_csrf",
        "switch",
        "off",
        "Drops the CSRF token: other sites can act as the user (cross-site request forgery).",
    ),
    Key::new(
        "csrf_field",
        "form field name",
        "none",
        "A form field that may carry the CSRF token.",
    ),
    Key::new(
        "management",
        "switch",
        "off",
        "Mounts `/sessions`, `/logout-all` and `/csrf/refresh`.",
    ),
    Key::new(
        "refuse_same_site",
        "switch",
        "off",
        "Refuses unsafe requests from sibling subdomains too.",
    ),
    Key::new(
        "rotate_on_change",
        "switch",
        "off",
        "Gives the session a new id when the password changes.",
    ),
    Key::new(
        "sweep",
        "lifetime",
        "\"15m\"",
        "How often expired sessions are removed.",
    ),
];

#[derive(FromMeta, Default)]
#[darling(default)]
struct Args {
    cookie: Option<SpannedValue<CookieName>>,
    csrf_cookie: Option<SpannedValue<CookieName>>,
    device_cookie: Option<SpannedValue<CookieName>>,
    host_prefix: Option<SpannedValue<Switch>>,
    danger_insecure_cookies: Option<SpannedValue<Switch>>,
    same_site: Option<SameSite>,
    path: Option<SpannedValue<CookiePath>>,
    idle: Option<SpannedValue<Lifetime>>,
    absolute: Option<SpannedValue<Lifetime>>,
    remember_me: Option<SpannedValue<Lifetime>>,
    max_sessions: Option<Count<1, 1000>>,
    danger_no_csrf: Option<SpannedValue<Switch>>,
    csrf_field: Option<SpannedValue<FieldName>>,
    management: Option<Switch>,
    refuse_same_site: Option<Switch>,
    rotate_on_change: Option<Switch>,
    sweep: Option<Lifetime>,
}

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

    fn check_names(&self, cx: &Cx) {
        let mut seen: Vec<String> = Vec::new();
        let path = self.args.path.as_ref().map_or("/", |path| path.0.as_str());
        for (key, default, written) in self.cookies() {
            let name = written.map_or(default, |name| name.0.as_str());
            let span = written.map_or(self.span, SpannedValue::span);
            if seen.iter().any(|other| other == name) {
                cx.error(
                    span,
                    format!("two cookies are called `{name}`, so one would overwrite the other"),
                    format!("write another name, such as `{key} = \"{default}\"`"),
                );
            }
            seen.push(name.to_owned());
            // RFC 6265bis §4.1.3: browsers drop a prefixed cookie that does not keep its promise, and sign-in fails.
            let lower = name.to_ascii_lowercase();
            if self.insecure.is_some()
                && (lower.starts_with("__host-") || lower.starts_with("__secure-"))
            {
                cx.error(
                    span,
                    format!("browsers drop the cookie `{name}` unless it is `Secure`"),
                    "remove `danger_insecure_cookies`, or the prefix",
                );
            }
            if path != "/" && lower.starts_with("__host-") {
                cx.error(
                    span,
                    format!("browsers drop the cookie `{name}` unless its path is \"/\""),
                    "remove `path`, or the prefix",
                );
            }
        }
    }

    fn check_host_prefix(&self, cx: &Cx) {
        let Some(span) = self.host_prefix else { return };
        if let Some(at) = self.insecure {
            cx.error(
                at,
                "`host_prefix` needs `Secure`: browsers drop a `__Host-` cookie otherwise",
                "remove one of `host_prefix` and `danger_insecure_cookies`",
            );
        }
        if let Some(path) = self.args.path.as_ref().filter(|path| path.0 != "/") {
            cx.error(
                path.span(),
                "`host_prefix` needs the path \"/\": browsers drop a `__Host-` cookie otherwise",
                "remove one of `host_prefix` and `path`",
            );
        }
        for (key, _, written) in self.cookies() {
            if written.is_some() {
                cx.error(
                    span,
                    format!("`host_prefix` names the cookies, and so does `{key}`"),
                    format!(
                        "remove `host_prefix` and write `{key} = \"__Host-…\"`, or remove `{key}`"
                    ),
                );
            }
        }
    }

    fn check_lifetimes(&self, cx: &Cx) {
        let secs = |value: Option<&SpannedValue<Lifetime>>, default| {
            value.map_or(default, |lifetime| lifetime.secs)
        };
        let absolute = secs(self.args.absolute.as_ref(), 12 * 3600);
        let idle = secs(self.args.idle.as_ref(), 30 * 60);
        if idle > absolute {
            let span = self
                .args
                .idle
                .as_ref()
                .or(self.args.absolute.as_ref())
                .map_or(self.span, SpannedValue::span);
            cx.error(
                span,
                "`idle` is longer than `absolute`, so it would never end a session",
                "write a shorter `idle`, or a longer `absolute`",
            );
        }
        // RFC 6265bis §5.5: a browser caps the lifetime of a cookie at 400 days.
        if let Some(value) = self
            .args
            .remember_me
            .as_ref()
            .filter(|lifetime| lifetime.secs > 400 * 86_400)
        {
            cx.error(value.span(), "`remember_me` is longer than browsers keep cookies (400 days at most, RFC 6265bis)", "write \"365d\" or less");
        }
        if let Some(value) = self
            .args
            .absolute
            .as_ref()
            .filter(|lifetime| lifetime.secs > 400 * 86_400)
        {
            cx.error(
                value.span(),
                "`absolute` is longer than browsers keep cookies (400 days at most, RFC 6265bis)",
                "write \"30d\" or less",
            );
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
        self.check_names(cx);
        self.check_host_prefix(cx);
        self.check_lifetimes(cx);
        if let (Some(_), Some(field)) = (self.no_csrf, &self.args.csrf_field) {
            cx.error(
                field.span(),
                "`csrf_field` names the field of a token that `danger_no_csrf` switches off",
                "remove one of them",
            );
        }
    }

    fn tell(&self, facts: &mut Facts) {
        facts.insecure_cookies = self.insecure;
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
