//! `#[oauth(…)]`: signing in with an account at somebody else's.

mod args;
mod paths;
mod providers;
mod target;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

pub(crate) use self::paths::TAKEN;

use self::args::{Args, KEYS, Kind, Response};
use self::providers::{Provider, is_provider, providers};
use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Feature, Parts, Providers};
use crate::read::items;
use crate::read::section::{Input, Key, from_metas, known};
use crate::tokens::{assign, duration, need};

/// The section.
pub(crate) struct OAuth {
    span: Span,
    providers: Vec<Provider>,
    args: Args,
}

impl Section for OAuth {
    const NAME: &'static str = "oauth";
    const DOC: &'static str = "Signing in with an account at somebody else's, for blocks with a session, over a struct with an `email_verified` column; it needs the cargo feature `oauth`. A *provider* is its word alone, or with `trusted = false` in parentheses, as in `google(trusted = false)` and `oidc(\"sso\", trusted = false)`: then what it says of addresses proves nothing, so no account is made or linked by it. The builder takes the URL under which the routes are mounted, `.public_url(…)`, and the credentials of each provider: `.google(…)`, `.oidc(\"sso\", …)`.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let metas = items::metas(cx, "`#[oauth]`", input.tokens.clone());
        let (written, rest): (Vec<_>, Vec<_>) =
            metas.into_iter().partition(|meta| is_provider(cx, meta));
        let none = written.is_empty();
        let providers = providers(cx, written);
        let rest = known(cx, "`#[oauth]`", KEYS, rest);
        if none && !cx.failed() {
            cx.error_on(
                &input.path,
                "`#[oauth]` names no provider",
                "write `#[oauth(google)]`, or remove it",
            );
        }
        let args = from_metas(cx, rest).unwrap_or_default();
        if !cfg!(feature = "oauth") {
            cx.error_on(
                &input.path,
                "`#[oauth]` needs the cargo feature `oauth`, and this build does not have it",
                "write `crudauth = { version = \"…\", features = [\"oauth\"] }` in Cargo.toml",
            );
            // Its half of the runtime is not there either, and each name of it would be one more error.
            return None;
        }
        Some(Self {
            span: input.span(),
            providers,
            args,
        })
    }
}

impl OAuth {
    fn policy(&self) -> TokenStream {
        let args = &self.args;
        let providers = self.providers.iter().map(|provider| {
            let (name, variant, trusted) =
                (&provider.name, provider.kind.variant(), provider.trusted);
            quote!(__p::ProviderPolicy {
                name: #name,
                kind: __p::ProviderKind::#variant,
                trusted: #trusted,
            })
        });
        let mut out = quote!(p.providers = &[#(#providers),*];);
        assign!(
            out,
            json = args.response.map(|response| response == Response::Json)
        );
        assign!(
            out,
            default_redirect = args.default_redirect.as_ref().map(|path| path.0.clone())
        );
        if let Some(targets) = &args.exchange {
            let urls = &targets.0;
            out.extend(quote!(p.exchange = &[#(#urls),*];));
        }
        out.extend(args.paths.policy());
        assign!(
            out,
            keep_tokens = args.keep_tokens.as_ref().map(|switch| switch.0)
        );
        assign!(
            out,
            state_ttl = args.state_ttl.as_ref().map(|ttl| duration(ttl.secs))
        );
        quote! {{
            let mut p = __p::OAuthPolicy::DEFAULT;
            #out
            p
        }}
    }

    fn count(&self, kind: Kind) -> usize {
        self.providers.iter().filter(|one| one.kind == kind).count()
    }
}

impl Feature for OAuth {
    fn check(&self, cx: &Cx) {
        let names = self.providers.iter().map(|one| one.name.as_str());
        self.args.paths.check(cx, names);
    }

    fn expand(&self, app: &App) -> Parts {
        let (name, user, krate) = (&app.name, &app.user, &app.krate);
        let policy = self.policy();
        let needs = quote! {
            __p::need_transport_session::<#name>();
            __p::need_email::<#user>();
            __p::need_email_verified::<#user>();
        };
        let needs = need(self.span, &needs);
        let columns = quote_spanned! {self.span.resolved_at(Span::mixed_site())=>
            const _: () = __p::oauth::columns::declared(
                &<#user as __p::AuthUser>::TABLE,
                <#name as __p::oauth::HasOAuth>::OAUTH.providers,
            );
        };
        let room = self.args.keep_tokens.as_ref().filter(|switch| switch.0);
        let room = room.map(|switch| {
            need(
                switch.span(),
                &quote!(__p::need_room_for_tokens::<#user>();),
            )
        });
        let tokens = self.args.exchange.as_ref().map(|targets| {
            need(
                targets.span(),
                &quote!(__p::need_transport_bearer::<#name>();),
            )
        });
        let prefix = self.args.paths.prefix();
        let routes = format!(
            " The routes of signing in elsewhere alone (`{prefix}/…`), for mounting them apart from the others."
        );
        let built_in = self.providers.iter().filter(|one| !one.kind.named());
        Parts {
            features: vec![quote!(__p::oauth::feature::<Self>())],
            consts: quote! {
                const OAUTH_POLICY: ::core::option::Option<__p::OAuthPolicy> = ::core::option::Option::Some(<Self as __p::oauth::HasOAuth>::OAUTH);
            },
            items: quote! {
                #[automatically_derived]
                impl __p::oauth::HasOAuth for #name {
                    const OAUTH: __p::OAuthPolicy = #policy;
                }
            },
            methods: quote! {
                #[doc = #routes]
                #[must_use = "a router does nothing until it is merged into the application's"]
                pub fn oauth_router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> #krate::__private::axum::Router<S> {
                    __p::feature_router(self, "oauth")
                }

                /// The identities of every account at its providers.
                #[must_use = "a handle does nothing by itself"]
                pub fn oauth(&self) -> __p::oauth::OAuthHandle<'_, Self> {
                    __p::oauth::OAuthHandle::new(self)
                }
            },
            needs: quote!(#needs #tokens #room #columns),
            providers: Some(Providers {
                built_in: built_in.map(|one| one.name.clone()).collect(),
                oidc: self.count(Kind::Oidc),
                own: self.count(Kind::Own),
            }),
            ..Parts::default()
        }
    }
}
