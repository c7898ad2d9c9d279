//! Every section of the `auth!` block: one file each, one line here. Nothing else knows their names.

use crate::diag::Cx;
use crate::model::{Declared, Feature};
use crate::read::section::{Input, Key};

/// How a section is written.
pub(crate) trait Section: Feature + Sized + 'static {
    /// As written in `#[name(…)]`.
    const NAME: &'static str;
    /// What it is for, as the attribute reference says it.
    const DOC: &'static str;
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

/// A row of the registry.
pub(crate) struct Registered {
    pub(crate) name: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the attribute reference and its test")
    )]
    pub(crate) doc: &'static str,
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
    bearer::Bearer,
    transport::Transport,
    lockout::Lockout,
    rate_limit::RateLimit,
    email::Email,
    channel::Channel,
    sudo::Sudo,
    oauth::OAuth,
    proxy::Proxy,
    database::Database,
    tables::Tables,
    hooks::Hooks,
    overrides::Overrides,
}

mod links;

/// What the sections that send links share.
pub(crate) use links::Links;

/// The database products, which the derive asks for each in turn.
pub(crate) use database::PRODUCTS;

const fn registered<S: Section>() -> Registered {
    fn read<S: Section>(cx: &Cx, input: &Input) -> Option<Box<dyn Feature>> {
        S::read(cx, input).map(|section| Box::new(section) as Box<dyn Feature>)
    }
    fn implied<S: Section>(declared: &[Declared]) -> Option<Box<dyn Feature>> {
        S::implied(declared).map(|section| Box::new(section) as Box<dyn Feature>)
    }
    Registered {
        name: S::NAME,
        doc: S::DOC,
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

/// Names of the sections that carry a sign-in: what `transport(…)` takes besides the application's own.
pub(crate) fn transports() -> Vec<&'static str> {
    ALL.iter()
        .filter(|section| section.transport && section.name != "transport")
        .map(|section| section.name)
        .collect()
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
