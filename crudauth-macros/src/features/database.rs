//! `#[database(…)]`: which database products are compiled in; the URL or the pool chooses among them at run time.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::Meta;

use crate::diag::{Cx, spelled};
use crate::features::Section;
use crate::model::{App, Declared, Feature, Parts};
use crate::read::items;
use crate::read::section::{Input, Key, known};

const KEYS: &[Key] = &[Key::new("sqlite", "switch", "on", "SQLite, embedded.")];

/// Products that crudauth is going to speak: their names get a better answer than a list.
const NOT_YET: &[&str] = &["postgres", "postgresql", "mysql", "mariadb"];

/// The section.
pub(crate) struct Database {
    /// Keyword and the runtime's type, in the order of the block.
    products: Vec<(&'static str, &'static str)>,
}

const PRODUCTS: &[(&str, &str)] = &[("sqlite", "Sqlite")];

impl Section for Database {
    const NAME: &'static str = "database";
    const DOC: &'static str = "Which database products are compiled in; the URL or the pool chooses among them at run time.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let mut metas = items::metas(cx, "`#[database]`", input.tokens.clone());
        metas.retain(|meta| {
            let word = spelled(meta.path());
            let planned = NOT_YET.contains(&word.as_str());
            if planned {
                cx.error_on(
                    meta,
                    format!("crudauth does not speak `{word}` yet"),
                    "write `#[database(sqlite)]`",
                );
            } else if !matches!(meta, Meta::Path(_)) {
                cx.error_on(
                    meta,
                    "`#[database]` takes names of products",
                    "write `#[database(sqlite)]`",
                );
            }
            !planned && matches!(meta, Meta::Path(_))
        });
        let metas = known(cx, "`#[database]`", KEYS, metas);
        let products: Vec<_> = PRODUCTS
            .iter()
            .filter(|(name, _)| metas.iter().any(|meta| meta.path().is_ident(name)))
            .copied()
            .collect();
        if products.is_empty() {
            if !cx.failed() {
                cx.error_on(
                    &input.path,
                    "`#[database]` names no product",
                    "write `#[database(sqlite)]`, or remove it",
                );
            }
            return None;
        }
        Some(Self { products })
    }

    fn implied(_: &[Declared]) -> Option<Self> {
        Some(Self {
            products: PRODUCTS.iter().take(1).copied().collect(),
        })
    }
}

impl Feature for Database {
    fn expand(&self, app: &App) -> Parts {
        let name = &app.name;
        let modules = self
            .products
            .iter()
            .map(|(module, _)| format_ident!("{module}", span = Span::mixed_site()));
        let items = self.products.iter().map(|(_, ty)| {
            let ty = format_ident!("{ty}", span = Span::mixed_site());
            quote!(#[automatically_derived] impl __p::Declares<__p::#ty> for #name {})
        });
        Parts {
            drivers: modules
                .map(|module| quote!(__p::#module::driver::<Self>()))
                .collect(),
            items: items.collect::<TokenStream>(),
            ..Parts::default()
        }
    }
}
