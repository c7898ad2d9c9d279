//! `#[tables(…)]`: names of crudauth's own tables.

use darling::FromMeta;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Feature, Parts};
use crate::read::name::Prefix;
use crate::read::section::{Input, Key, section};

const KEYS: &[Key] = &[Key::new(
    "prefix",
    "SQL name",
    "\"auth_\"",
    "Put before the names of crudauth's own tables.",
)];

/// The section.
#[derive(FromMeta, Default)]
#[darling(default)]
pub(crate) struct Tables {
    prefix: Option<Prefix>,
}

impl Section for Tables {
    const NAME: &'static str = "tables";
    const DOC: &'static str = "Names of crudauth's own tables.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        section(cx, Self::NAME, KEYS, input)
    }
}

impl Feature for Tables {
    fn expand(&self, _: &App) -> Parts {
        Parts {
            prefix: self.prefix.as_ref().map(|prefix| prefix.0.clone()),
            ..Parts::default()
        }
    }
}
