//! What an `auth!` block declares: the account type, and sections that speak for themselves.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Ident, Path, Type, Visibility};

use crate::diag::Cx;

/// One `auth!` block.
pub(crate) struct App {
    /// `::crudauth`, or where `#[crate(…)]` says.
    pub(crate) krate: Path,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) user: Type,
    /// As declared, in order; then those which every block has.
    pub(crate) sections: Vec<Declared>,
}

impl App {
    /// What the sections say about each other's business.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for section in &self.sections {
            section.feature.tell(&mut facts);
        }
        facts
    }
}

/// One section of a block.
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    /// Whether it says how a sign-in travels.
    pub(crate) transport: bool,
    pub(crate) feature: Box<dyn Feature>,
}

/// What a section contributes, once it was read.
pub(crate) trait Feature {
    /// Judges the section by itself.
    fn check(&self, _cx: &Cx) {}

    /// Says what rules between sections have to know.
    fn tell(&self, _facts: &mut Facts) {}

    /// What it adds to the expansion.
    fn expand(&self, app: &App) -> Parts;
}

/// What rules between sections judge, so that a rule never looks into a section.
#[derive(Default)]
pub(crate) struct Facts {
    /// Cookies without `Secure`, and where that is said.
    pub(crate) insecure_cookies: Option<Span>,
    /// The commonest passwords are accepted, and where that is said.
    pub(crate) common_passwords: Option<Span>,
    /// Failed sign-ins before the first lock, where the block says.
    pub(crate) max_attempts: Option<u64>,
    /// Reverse proxies in front.
    pub(crate) trusted_hops: u64,
    /// Links are mailed.
    pub(crate) mails: bool,
    /// The application delivers what recovers a password.
    pub(crate) delivers: bool,
    /// Keys of `#[channel]` that `#[email]` has too, and where they are written.
    pub(crate) channel_keys: Vec<(&'static str, Span)>,
    /// The pages that links open.
    pub(crate) pages: Vec<Page>,
    /// A limit of messages that is switched off, and where that is said.
    pub(crate) unlimited_messages: Option<Span>,
    /// Refresh tokens that are not replaced, and where that is said.
    pub(crate) unrotated: Option<Span>,
    /// Cookies: name, key and where to point. No two may be called alike.
    pub(crate) cookies: Vec<(String, &'static str, Span)>,
    /// What the session calls its device cookie, where it says.
    pub(crate) device_cookie: Option<String>,
    /// Names of rules that the block takes responsibility for, as written.
    pub(crate) allowed: Vec<Path>,
}

/// A page of the application that reads one kind of link.
pub(crate) struct Page {
    pub(crate) key: &'static str,
    pub(crate) path: String,
    /// Where it is written; `None` for a default.
    pub(crate) written: Option<Span>,
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
    /// Associated constants of `Authority` that have a default.
    pub(crate) consts: TokenStream,
    /// Implementations.
    pub(crate) items: TokenStream,
    /// Methods of the type.
    pub(crate) methods: TokenStream,
    /// Statements that fail to compile, at the user's token, where something needed is not there.
    pub(crate) needs: TokenStream,
    /// The hooks' type.
    pub(crate) hooks: Option<Path>,
    /// The builder is to be given a mailer.
    pub(crate) mails: bool,
    /// The builder is to be given a channel.
    pub(crate) delivers: bool,
    /// Where the builder gets the keys of access tokens from.
    pub(crate) keys: Option<Keys>,
    /// The providers of whose credentials the builder is to be given.
    pub(crate) providers: Option<Providers>,
    /// The tables' prefix.
    pub(crate) prefix: Option<String>,
}

/// The providers with which people sign in.
pub(crate) struct Providers {
    /// Words of those that are built in.
    pub(crate) built_in: Vec<String>,
    /// How many OpenID providers there are besides.
    pub(crate) oidc: usize,
    /// How many the application describes itself.
    pub(crate) own: usize,
}

/// Where the keys of access tokens come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// From the secret, unless the builder is given others.
    Derived,
    /// The builder is to be given them.
    Given,
}
