//! Every section of the `auth!` block: one file each, one line here. Nothing else knows their names, except the rules
//! between sections in `check.rs`.

use std::any::Any;

use proc_macro2::{Span, TokenStream};
use syn::Path;

use crate::diag::Cx;
use crate::model::App;
use crate::read::section::{Input, Key};

/// What a section contributes, once it was read.
pub(crate) trait Feature: Any {
    /// Judges the section in the block it stands in.
    fn check(&self, _app: &App, _cx: &Cx) {}

    /// What it adds to the expansion.
    fn expand(&self, app: &App) -> Parts;

    /// For rules that look at another section.
    fn as_any(&self) -> &dyn Any;
}

/// How a section is written.
pub(crate) trait Section: Feature + Sized {
    /// As written in `#[name(…)]`.
    const NAME: &'static str;
    /// Read by the unknown-key message, the attribute reference and the coverage test.
    const KEYS: &'static [Key];
    /// Whether it says how a sign-in travels. A block that declares none has the session.
    const TRANSPORT: bool = false;

    /// Reads `#[name(…)]`. `None` after reporting why not.
    fn read(cx: &Cx, input: &Input) -> Option<Self>;

    /// What a block without this section has in its place.
    fn implied(_declared: &[Declared]) -> Option<Self> {
        None
    }
}

/// One section of a block.
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    pub(crate) transport: bool,
    pub(crate) feature: Box<dyn Feature>,
}

/// What one section adds to the expansion; inside, `__p` is the private module and `p` the value that is configured.
#[derive(Default)]
pub(crate) struct Parts {
    /// Statements on `p: Policy`.
    pub(crate) policy: TokenStream,
    /// Values for `Authority::TRANSPORTS`.
    pub(crate) transports: Vec<TokenStream>,
    /// Values for `Authority::FEATURES`.
    pub(crate) features: Vec<TokenStream>,
    /// Values for `Authority::DRIVERS`.
    pub(crate) drivers: Vec<TokenStream>,
    /// Implementations.
    pub(crate) items: TokenStream,
    /// Methods of the type.
    pub(crate) methods: TokenStream,
    /// Statements that fail to compile, at the user's token, where something needed is not there.
    pub(crate) needs: TokenStream,
    /// The hooks' type.
    pub(crate) hooks: Option<Path>,
    /// The tables' prefix.
    pub(crate) prefix: Option<String>,
}

/// A row of the registry.
pub(crate) struct Registered {
    pub(crate) name: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the attribute reference and its test")
    )]
    pub(crate) keys: &'static [Key],
    pub(crate) transport: bool,
    pub(crate) read: fn(&Cx, &Input) -> Option<Box<dyn Feature>>,
    pub(crate) implied: fn(&[Declared]) -> Option<Box<dyn Feature>>,
}

macro_rules! registry {
    ($($module:ident::$section:ident,)*) => {
        $(pub(crate) mod $module;)*

        /// Every section there is.
        pub(crate) const ALL: &[Registered] = &[$(registered::<$module::$section>(),)*];
    };
}

registry! {
    password::Password,
    session::Session,
    lockout::Lockout,
    rate_limit::RateLimit,
    proxy::Proxy,
    database::Database,
    tables::Tables,
    hooks::Hooks,
    overrides::Overrides,
}

const fn registered<S: Section>() -> Registered {
    fn read<S: Section>(cx: &Cx, input: &Input) -> Option<Box<dyn Feature>> {
        S::read(cx, input).map(|section| Box::new(section) as Box<dyn Feature>)
    }
    fn implied<S: Section>(declared: &[Declared]) -> Option<Box<dyn Feature>> {
        S::implied(declared).map(|section| Box::new(section) as Box<dyn Feature>)
    }
    Registered {
        name: S::NAME,
        keys: S::KEYS,
        transport: S::TRANSPORT,
        read: read::<S>,
        implied: implied::<S>,
    }
}

/// Names of all sections, in the registry's order.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|section| section.name).collect()
}

/// Adds what every block has and this one did not say.
pub(crate) fn complete(sections: &mut Vec<Declared>) {
    for row in ALL {
        if sections.iter().any(|section| section.name == row.name) {
            continue;
        }
        if let Some(feature) = (row.implied)(sections) {
            sections.push(Declared {
                name: row.name,
                transport: row.transport,
                feature,
            });
        }
    }
}

/// `p.#field = value;` for what was given.
macro_rules! assign {
    ($out:ident, $($field:tt).+ = $value:expr) => {
        if let Some(value) = $value {
            $out.extend(quote::quote!(p.$($field).+ = #value;));
        }
    };
}
pub(crate) use assign;

/// `Duration::from_secs(n)`.
pub(crate) fn duration(secs: u64) -> TokenStream {
    quote::quote!(::core::time::Duration::from_secs(#secs))
}

/// Where the section is named, for what it needs.
pub(crate) fn need(span: Span, call: &TokenStream) -> TokenStream {
    quote::quote_spanned!(span.resolved_at(Span::mixed_site())=> #call)
}
