//! What `auth!` writes: the authority's type, its declaration as associated constants, and one-line methods.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::expand::hidden;
use crate::features;
use crate::model::{App, Keys, Parts, Providers};

/// The whole block.
pub(crate) fn auth(app: &App) -> TokenStream {
    let parts = merge(app);
    let ty = own_type(app);
    let (authority, methods, needs, items) = (
        authority(app, &parts),
        methods(app, &parts),
        needs(&parts),
        &parts.items,
    );
    let hidden = hidden(&app.krate, &quote!(#authority #items #methods #needs));
    quote!(#ty #hidden)
}

fn merge(app: &App) -> Parts {
    let mut all = Parts::default();
    // Routes of accounts come first and those of transports last, whatever the order of the block; transports keep theirs.
    let (transports, mut others): (Vec<_>, Vec<_>) =
        app.sections.iter().partition(|section| section.transport);
    others.sort_by_key(|section| {
        features::names()
            .iter()
            .position(|name| *name == section.name)
    });
    for section in others.into_iter().chain(transports) {
        let parts = section.feature.expand(app);
        all.policy.extend(parts.policy);
        all.transports.extend(parts.transports);
        all.features.extend(parts.features);
        all.drivers.extend(parts.drivers);
        all.consts.extend(parts.consts);
        all.items.extend(parts.items);
        all.methods.extend(parts.methods);
        all.needs.extend(parts.needs);
        all.hooks = parts.hooks.or(all.hooks);
        all.mails |= parts.mails;
        all.delivers |= parts.delivers;
        all.keys = parts.keys.or(all.keys);
        all.providers = parts.providers.or(all.providers);
        all.prefix = parts.prefix.or(all.prefix);
    }
    all
}

fn own_type(app: &App) -> TokenStream {
    let (vis, name, krate, docs) = (&app.vis, &app.name, &app.krate, &app.docs);
    let doc = "The application's sign-in: cheap to clone, and at home in its state.";
    let docs = if docs.is_empty() {
        quote!(#[doc = #doc])
    } else {
        quote!(#(#docs)*)
    };
    quote! {
        #docs
        #[derive(::core::clone::Clone)]
        #vis struct #name {
            #[doc(hidden)]
            __core: ::std::sync::Arc<#krate::__private::Core<#name>>,
        }
    }
}

fn authority(app: &App, parts: &Parts) -> TokenStream {
    let (name, user) = (&app.name, &app.user);
    let text = name.to_string();
    let (prefix, own_prefix) = prefix(name, parts);
    let hooks = parts
        .hooks
        .as_ref()
        .map_or_else(|| quote!(__p::NoHooks), |path| quote!(#path));
    let (transports, features, drivers) = (&parts.transports, &parts.features, &parts.drivers);
    let consts = &parts.consts;
    let policy = if parts.policy.is_empty() {
        quote!(__p::Policy::DEFAULT)
    } else {
        let statements = &parts.policy;
        quote! {{
            let mut p = __p::Policy::DEFAULT;
            #statements
            p
        }}
    };
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#text)
            }
        }

        #[automatically_derived]
        impl __p::Schema for #name {
            type User = #user;
            type Prefix = #prefix;
        }

        #own_prefix

        #[automatically_derived]
        impl __p::Authority for #name {
            type Hooks = #hooks;
            const NAME: &'static str = #text;
            const POLICY: __p::Policy = #policy;
            const TRANSPORTS: &'static [__p::Transport<Self>] = &[#(#transports),*];
            const FEATURES: &'static [__p::Feature<Self>] = &[#(#features),*];
            const DRIVERS: &'static [__p::Driver<Self>] = &[#(#drivers),*];
            #consts

            fn from_core(core: ::std::sync::Arc<__p::Core<Self>>) -> Self {
                Self { __core: core }
            }

            fn core(&self) -> &::std::sync::Arc<__p::Core<Self>> {
                &self.__core
            }
        }
    }
}

/// The type that names the prefix of the tables, and its implementation where it is the block's own.
fn prefix(name: &Ident, parts: &Parts) -> (TokenStream, Option<TokenStream>) {
    let Some(text) = &parts.prefix else {
        return (quote!(__p::DefaultPrefix), None);
    };
    let own = quote! {
        #[automatically_derived]
        impl __p::Prefix for #name {
            const TEXT: &'static str = #text;
        }
    };
    (quote!(Self), Some(own))
}

fn methods(app: &App, parts: &Parts) -> TokenStream {
    let name = &app.name;
    let wiring = wiring(parts);
    let of_features = &parts.methods;
    quote! {
        #[allow(dead_code)]
        #[automatically_derived]
        impl #name {
            /// Opens the database at `url` when the builder is awaited or built.
            pub fn connect(url: impl ::core::convert::Into<::std::string::String>) -> __p::Builder<Self, #wiring> {
                __p::Builder::connect(url)
            }

            /// Builds on a pool of the application's own.
            pub fn builder(pool: impl __p::IntoStore<Self>) -> __p::Builder<Self, #wiring> {
                __p::Builder::over(pool)
            }

            /// Creates or upgrades crudauth's own tables; safe to run again and from several processes at once.
            ///
            /// # Errors
            /// When the database refuses.
            pub async fn migrate(pool: impl __p::IntoStore<Self>) -> __p::Result<()> {
                __p::migrate::<Self>(pool).await
            }

            /// The definitions of crudauth's own tables, for those who use their own migration tool.
            #[must_use = "the text has to be run"]
            pub fn schema_sql(dialect: __p::DialectName) -> ::std::string::String {
                __p::schema_sql::<Self>(dialect)
            }

            /// Every declared route; merges into any application.
            #[must_use = "a router does nothing until it is merged into the application's"]
            pub fn router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> __p::axum::Router<S> {
                __p::router(self)
            }

            /// The account routes alone (`/register`, `/me`, `/set-password`, `/change-password`), for mounting them apart.
            #[must_use = "a router does nothing until it is merged into the application's"]
            pub fn account_router<S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> __p::axum::Router<S> {
                __p::feature_router(self, "account")
            }

            /// Every declared route with its access, printable and testable.
            #[must_use = "the table is for printing and testing"]
            pub fn routes(&self) -> __p::RouteTable {
                __p::routes(self)
            }

            /// The accounts, for the application's own code: find, create, disable, grant.
            #[must_use = "a handle does nothing by itself"]
            pub fn users(&self) -> __p::UsersHandle<'_, Self> {
                __p::UsersHandle::new(self)
            }

            /// Stops the background tasks and waits for what they are doing.
            pub async fn shutdown(&self) {
                __p::shutdown(self).await;
            }

            /// Delivers the messages that are due, where no worker does: in tests, and in jobs that end with their work. Says
            /// how many were finished.
            ///
            /// # Errors
            /// When the database cannot be asked.
            pub async fn run_due(&self) -> __p::Result<u64> {
                __p::run_due(self).await
            }

            #of_features
        }
    }
}

/// What the builder has to be given.
fn wiring(parts: &Parts) -> TokenStream {
    let needed = |declared: bool, marker: TokenStream| {
        if declared {
            marker
        } else {
            quote!(__p::Undeclared)
        }
    };
    let hooks = needed(parts.hooks.is_some(), quote!(__p::NeedsHooks));
    let mailer = needed(parts.mails, quote!(__p::NeedsMailer));
    let channel = needed(parts.delivers, quote!(__p::NeedsChannel));
    let keys = match parts.keys {
        None => needed(false, TokenStream::new()),
        Some(Keys::Derived) => quote!(__p::TakesKeys),
        Some(Keys::Given) => quote!(__p::NeedsKeys),
    };
    match &parts.providers {
        // What is left out is `Undeclared`.
        None if parts.keys.is_none() => quote!(__p::Wiring<#hooks, #mailer, #channel>),
        None => quote!(__p::Wiring<#hooks, #mailer, #channel, #keys>),
        Some(providers) => {
            let providers = credentials(providers);
            quote!(__p::Wiring<#hooks, #mailer, #channel, #keys, #providers>)
        }
    }
}

/// The credentials that the builder waits for, in types: the list of built-in providers, and how many of the others.
fn credentials(providers: &Providers) -> TokenStream {
    let built_in = providers.built_in.iter().rev();
    let built_in = built_in.fold(quote!(()), |rest, word| {
        let word = format_ident!("{word}");
        quote!((__p::Needs<__p::word::#word>, #rest))
    });
    let count = |more: usize| (0..more).fold(quote!(__p::Zero), |rest, _| quote!(__p::More<#rest>));
    let (oidc, own) = (count(providers.oidc), count(providers.own));
    quote!(__p::Providers<__p::NeedsUrl, #built_in, #oidc, #own>)
}

/// What a section needs and does not find is told at the token that needs it. The account type itself is not asked for:
/// `Schema::User` blames its token already, and each further assertion would tell the same mistake again.
fn needs(parts: &Parts) -> TokenStream {
    let needs = &parts.needs;
    quote! {
        const _: fn() = || {
            #needs
        };
    }
}
