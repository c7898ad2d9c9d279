//! `#[transport(path::ApiKeys)]`: ways of the application's own in which a request proves who sends it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;
use syn::spanned::Spanned;

use crate::diag::{Cx, spelled};
use crate::features::Section;
use crate::model::{App, Feature, Parts};
use crate::read::items::split;
use crate::read::section::{Input, Key};
use crate::tokens::need;

/// The section.
pub(crate) struct Transport {
    paths: Vec<Path>,
}

impl Section for Transport {
    const NAME: &'static str = "transport";
    const DOC: &'static str = "Transports of the application's own, as in `#[transport(path::ApiKeys)]`: types that implement `OwnTransport`.";
    const KEYS: &'static [Key] = &[];
    const TRANSPORT: bool = true;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let what = "`#[transport]` takes the paths of types that implement `OwnTransport`";
        let fix = "write `#[transport(ApiKeys)]`";
        let mut paths = Vec::new();
        for item in split(input.tokens.clone()) {
            match syn::parse2::<Path>(item.clone()) {
                Ok(path) if paths.contains(&path) => cx.error_on(
                    &path,
                    format!("`{}` is given twice in `#[transport]`", spelled(&path)),
                    "remove one of them",
                ),
                Ok(path) => paths.push(path),
                Err(_) => cx.error_on(item, what, fix),
            }
        }
        if paths.is_empty() && !cx.failed() {
            cx.error_on(&input.path, what, fix);
        }
        Some(Self { paths })
    }
}

impl Feature for Transport {
    fn expand(&self, app: &App) -> Parts {
        let name = &app.name;
        let paths = &self.paths;
        let needs = |path: &Path| {
            need(
                path.span(),
                &quote!(const _: () = __p::need_distinct_transports::<#name>();),
            )
        };
        Parts {
            transports: paths
                .iter()
                .map(|path| quote!(__p::own_transport::<Self, #path>()))
                .collect(),
            items: quote! {
                #(
                    #[automatically_derived]
                    impl __p::Mounts<#paths> for #name {}
                )*
            },
            needs: paths.iter().map(needs).collect::<TokenStream>(),
            ..Parts::default()
        }
    }
}
