//! `#[database(…)]`: which database products are compiled in; the URL or the pool chooses among them at run time.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::Meta;

use crate::diag::{Cx, spelled};
use crate::features::Section;
use crate::model::{App, Declared, Feature, Parts};
use crate::read::items;
use crate::read::section::{Input, Key, known};

const KEYS: &[Key] = &[
    Key::new("sqlite", "word", "on", "SQLite, embedded."),
    Key::new(
        "postgres",
        "word",
        "off",
        "PostgreSQL, 14 and later; cargo feature `postgres`.",
    ),
];

/// A product that the runtime can be built with.
pub(crate) struct Product {
    /// Its word, which is also its cargo feature.
    keyword: &'static str,
    /// Its type in the runtime.
    pub(crate) ty: &'static str,
    /// Whether that cargo feature is on.
    built: bool,
}

/// Every product, in the runtime's order.
pub(crate) const PRODUCTS: &[Product] = &[
    Product {
        keyword: "sqlite",
        ty: "Sqlite",
        built: cfg!(feature = "sqlite"),
    },
    Product {
        keyword: "postgres",
        ty: "Postgres",
        built: cfg!(feature = "postgres"),
    },
];

/// Other words for the products, and products that crudauth is going to speak: they get a better answer than a list.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("postgresql", "write `postgres`"),
    ("pg", "write `postgres`"),
    (
        "mysql",
        "crudauth does not speak it yet; write `#[database(sqlite, postgres)]`",
    ),
    (
        "mariadb",
        "crudauth does not speak it yet; write `#[database(sqlite, postgres)]`",
    ),
];

/// The section.
pub(crate) struct Database {
    /// In the order of the list above: the order says nothing, the URL or the pool chooses.
    products: Vec<&'static Product>,
}

impl Section for Database {
    const NAME: &'static str = "database";
    const DOC: &'static str = "Which database products are compiled in; the URL or the pool chooses among them at run time.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let mut metas = items::metas(cx, "`#[database]`", input.tokens.clone());
        metas.retain(|meta| {
            let word = spelled(meta.path());
            let other = OTHER_WORDS.iter().find(|(other, _)| *other == word);
            if let Some((_, help)) = other {
                cx.error_on(
                    meta,
                    format!("`{word}` is not a product of `#[database]`"),
                    *help,
                );
            } else if !matches!(meta, Meta::Path(_)) {
                cx.error_on(
                    meta,
                    "`#[database]` takes names of products",
                    "write `#[database(sqlite, postgres)]`",
                );
            }
            other.is_none() && matches!(meta, Meta::Path(_))
        });
        let metas = known(cx, "`#[database]`", KEYS, metas);
        let mut products = Vec::new();
        for product in PRODUCTS {
            let Some(meta) = metas
                .iter()
                .find(|meta| meta.path().is_ident(product.keyword))
            else {
                continue;
            };
            if product.built {
                products.push(product);
            } else {
                not_built(cx, meta, product.keyword);
            }
        }
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
            products: PRODUCTS
                .iter()
                .filter(|product| product.built)
                .take(1)
                .collect(),
        })
    }
}

fn not_built(cx: &Cx, meta: &Meta, keyword: &str) {
    cx.error_on(
        meta,
        format!("`{keyword}` is declared, but crudauth is built without it"),
        format!(
            "write `crudauth = {{ version = \"…\", features = [\"{keyword}\"] }}` in Cargo.toml"
        ),
    );
}

impl Feature for Database {
    fn expand(&self, app: &App) -> Parts {
        let name = &app.name;
        let types = self
            .products
            .iter()
            .map(|product| format_ident!("{}", product.ty, span = Span::mixed_site()));
        let items = types
            .clone()
            .map(|ty| quote!(#[automatically_derived] impl __p::Declares<__p::#ty> for #name {}));
        Parts {
            drivers: types
                .map(|ty| quote!(__p::driver::<Self, __p::#ty>()))
                .collect(),
            items: items.collect::<TokenStream>(),
            ..Parts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_whose_cargo_feature_is_off_is_told_where_it_is_named() {
        let cx = Cx::default();
        not_built(&cx, &syn::parse_quote!(postgres), "postgres");

        assert_eq!(
            cx.messages(),
            [
                "`postgres` is declared, but crudauth is built without it; write `crudauth = { version = \"…\", \
                 features = [\"postgres\"] }` in Cargo.toml"
            ]
        );
    }

    #[test]
    fn what_is_implied_is_built() {
        let implied = Database::implied(&[]).unwrap();

        assert!(implied.products.iter().all(|product| product.built));
        assert_eq!(implied.products.len(), 1);
    }
}
