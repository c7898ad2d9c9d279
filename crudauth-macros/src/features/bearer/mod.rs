//! `#[bearer(…)]`: access tokens in the `Authorization` header, and the refresh tokens that renew them.

mod args;
mod check;

use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use self::args::{Algorithm, Args, Check, Deliver, KEYS, Refresh, RefreshArgs, Typ};
use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Facts, Feature, Keys, Parts};
use crate::read::section::{Input, Key, section};
use crate::read::value::Switch;
use crate::tokens::{assign, duration, optional};

/// The section.
pub(crate) struct Bearer {
    span: Span,
    args: Args,
}

impl Section for Bearer {
    const NAME: &'static str = "bearer";
    const DOC: &'static str = "Sign-in by tokens, for programs: an access token in the `Authorization` header, and a refresh token that renews it.";
    const KEYS: &'static [Key] = KEYS;
    const TRANSPORT: bool = true;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        Some(Self {
            span: input.span(),
            args: section(cx, Self::NAME, KEYS, input).unwrap_or_default(),
        })
    }
}

fn on(switch: Option<&SpannedValue<Switch>>) -> Option<Span> {
    switch.filter(|switch| switch.0).map(SpannedValue::span)
}

fn off(switch: Option<&SpannedValue<Switch>>) -> Option<Span> {
    switch.filter(|switch| !switch.0).map(SpannedValue::span)
}

impl Bearer {
    fn refresh(&self) -> Option<&RefreshArgs> {
        match &self.args.refresh {
            Some(Refresh::On(args)) => Some(args),
            Some(Refresh::Off) | None => None,
        }
    }

    fn has_refresh(&self) -> bool {
        !matches!(self.args.refresh, Some(Refresh::Off))
    }

    fn in_cookie(&self) -> bool {
        let deliver = self.refresh().and_then(|args| args.deliver.as_ref());
        self.has_refresh() && deliver.is_none_or(|deliver| **deliver == Deliver::Cookie)
    }

    fn algorithm(&self) -> Algorithm {
        self.args
            .algorithm
            .as_ref()
            .map_or(Algorithm::Hs256, |algorithm| **algorithm)
    }

    fn default_scopes(&self) -> &[LitStr] {
        let scopes = self.args.scopes.as_ref();
        scopes
            .and_then(|scopes| scopes.default.as_ref())
            .map_or(&[], |words| words.0.as_slice())
    }

    /// Every scope there is: the grantable ones, which are the default ones where nothing else is said.
    fn scopes(&self) -> &[LitStr] {
        let scopes = self.args.scopes.as_ref();
        scopes
            .and_then(|scopes| scopes.grantable.as_ref())
            .map_or(self.default_scopes(), |words| words.0.as_slice())
    }

    fn policy(&self, facts: &Facts) -> TokenStream {
        let args = &self.args;
        let mut out = TokenStream::new();
        let flag = |switch: Option<bool>| switch.filter(|on| *on);
        assign!(
            out,
            access = args.access.as_ref().map(|ttl| duration(ttl.secs))
        );
        let refresh = self.refresh_policy(facts);
        if !self.has_refresh() {
            out.extend(quote!(p.refresh = ::core::option::Option::None;));
        } else if !refresh.is_empty() {
            out.extend(quote! {
                p.refresh = {
                    let mut p = __p::RefreshPolicy::DEFAULT;
                    #refresh
                    ::core::option::Option::Some(p)
                };
            });
        }
        assign!(
            out,
            algorithm = args.algorithm.as_ref().map(|_| algorithm(self.algorithm()))
        );
        assign!(
            out,
            issuer = args.issuer.as_ref().map(|text| optional(Some(&text.0)))
        );
        assign!(
            out,
            audience = args.audience.as_ref().map(|text| optional(Some(&text.0)))
        );
        assign!(
            out,
            typ = args.typ.map(|typ| match typ {
                Typ::Jwt => "JWT",
                Typ::AtJwt => "at+jwt",
            })
        );
        assign!(out, scopes = list(self.scopes()));
        assign!(out, default_scopes = list(self.default_scopes()));
        assign!(
            out,
            stateless = flag(args.check.map(|check| check == Check::Stateless))
        );
        assign!(
            out,
            revocation = flag(args.revocation.as_ref().map(|switch| switch.0))
        );
        assign!(
            out,
            introspection = flag(args.introspection.as_ref().map(|switch| switch.0))
        );
        assign!(out, jwks = flag(args.jwks.as_ref().map(|switch| switch.0)));
        if out.is_empty() {
            return quote!(__p::BearerPolicy::DEFAULT);
        }
        quote! {{
            let mut p = __p::BearerPolicy::DEFAULT;
            #out
            p
        }}
    }

    fn refresh_policy(&self, facts: &Facts) -> TokenStream {
        let mut out = TokenStream::new();
        let empty = RefreshArgs::default();
        let args = self.refresh().unwrap_or(&empty);
        let device = args.device_cookie.as_ref().map(|name| name.0.clone());
        assign!(out, ttl = args.ttl.as_ref().map(|ttl| duration(ttl.secs)));
        assign!(
            out,
            body = args
                .deliver
                .as_ref()
                .map(|deliver| **deliver == Deliver::Body)
        );
        assign!(out, rotate = args.rotate.as_ref().map(|switch| switch.0));
        assign!(
            out,
            grace = args.grace.as_ref().map(|grace| duration(grace.secs))
        );
        assign!(
            out,
            cookie = args.cookie.as_ref().map(|name| name.0.clone())
        );
        // The browser that signed in by session is known here too.
        assign!(
            out,
            device_cookie = device.or_else(|| facts.device_cookie.clone())
        );
        assign!(out, path = args.path.as_ref().map(|path| path.0.clone()));
        assign!(
            out,
            same_site = args.same_site.as_ref().map(|same_site| {
                let variant = same_site.variant();
                quote!(__p::SameSite::#variant)
            })
        );
        assign!(
            out,
            secure = on(args.danger_insecure_cookies.as_ref()).map(|_| false)
        );
        out
    }
}

fn algorithm(algorithm: Algorithm) -> TokenStream {
    let variant = algorithm.variant();
    quote!(__p::Algorithm::#variant)
}

fn list(words: &[LitStr]) -> Option<TokenStream> {
    (!words.is_empty()).then(|| quote!(&[#(#words),*]))
}

impl Feature for Bearer {
    fn check(&self, cx: &Cx) {
        self.judge(cx);
    }

    fn tell(&self, facts: &mut Facts) {
        if let Some(args) = self.refresh() {
            facts.unrotated = off(args.rotate.as_ref());
            let insecure = on(args.danger_insecure_cookies.as_ref());
            facts.insecure_cookies = facts.insecure_cookies.or(insecure);
        }
        if self.in_cookie() {
            let written = self.refresh().and_then(|args| args.cookie.as_ref());
            let name = written.map_or("refresh_token", |name| name.0.as_str());
            let span = written.map_or(self.span, SpannedValue::span);
            facts.cookies.push((name.to_owned(), "refresh", span));
            let device = self.refresh().and_then(|args| args.device_cookie.as_ref());
            let device = device.map(|name| (name.0.clone(), "refresh_device", name.span()));
            facts.cookies.extend(device);
        }
    }

    fn expand(&self, app: &App) -> Parts {
        let (name, krate) = (&app.name, &app.krate);
        let policy = self.policy(&app.facts());
        let (scopes, algorithm_name) = (self.scopes(), algorithm(self.algorithm()));
        let claims = self.args.claims.as_ref().map(|claims| &claims.0);
        let claims_type =
            claims.map_or_else(|| quote!(__p::bearer::NoClaims), ToTokens::to_token_stream);
        let stateless = (self.args.check == Some(Check::Stateless)).then(|| {
            quote! {
                #[automatically_derived]
                impl __p::bearer::Stateless for #name {}
            }
        });
        Parts {
            transports: vec![quote!(__p::bearer::transport::<Self>())],
            features: vec![quote!(__p::bearer::feature::<Self>())],
            consts: quote! {
                const SCOPES: &'static [&'static str] = &[#(#scopes),*];
                const ALGORITHM: ::core::option::Option<__p::Algorithm> = ::core::option::Option::Some(#algorithm_name);
            },
            items: quote! {
                #[automatically_derived]
                impl __p::bearer::HasBearer for #name {
                    const BEARER: __p::BearerPolicy = #policy;
                    type Claims = #claims_type;
                }
                #stateless
            },
            methods: quote! {
                /// The routes of tokens alone (`/token`, `/refresh`, …), for mounting them apart from the others.
                #[must_use = "a router does nothing until it is merged into the application's"]
                pub fn bearer_router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> #krate::__private::axum::Router<S> {
                    __p::feature_router(self, "bearer")
                }

                /// The tokens of every account: issue, verify, revoke them.
                #[must_use = "a handle does nothing by itself"]
                pub fn tokens(&self) -> __p::bearer::TokensHandle<'_, Self> {
                    __p::bearer::TokensHandle::new(self)
                }
            },
            keys: Some(match self.algorithm() {
                Algorithm::Hs256 => Keys::Derived,
                Algorithm::EdDsa | Algorithm::Es256 | Algorithm::Rs256 => Keys::Given,
            }),
            ..Parts::default()
        }
    }
}
