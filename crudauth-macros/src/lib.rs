//! The macros of crudauth. Use the `crudauth` crate, which re-exports and documents them.
#![allow(
    missing_docs,
    reason = "the facade documents the macros, where doctests can use it"
)]

mod block;
mod check;
mod diag;
mod expand;
mod features;
mod guard;
mod model;
mod read;
#[cfg(test)]
mod tests;
mod tokens;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro2::TokenStream;
use quote::quote;

use crate::block::Block;
use crate::diag::Cx;

#[proc_macro_derive(AuthUser, attributes(auth))]
pub fn derive_auth_user(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    guarded("#[derive(AuthUser)]", &TokenStream::new(), || {
        user(input.into())
    })
    .into()
}

#[proc_macro]
pub fn auth(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    guarded("auth!", &TokenStream::new(), || authority(input.into())).into()
}

#[proc_macro_attribute]
pub fn require(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let at = proc_macro::Span::call_site();
    let place = format!("{}:{}:{}", at.file(), at.line(), at.column());
    let item = TokenStream::from(item);
    guarded("#[require]", &item, || {
        guard::require(arguments.into(), &item, &place)
    })
    .into()
}

#[proc_macro_attribute]
pub fn public(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let item = TokenStream::from(item);
    guarded("#[public]", &item, || {
        guard::public(arguments.into(), &item)
    })
    .into()
}

#[doc(hidden)]
#[proc_macro]
pub fn __feature_names(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let names = features::names();
    quote!(&[#(#names),*]).into()
}

#[doc(hidden)]
#[proc_macro]
pub fn __taken_segments(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let taken = features::oauth::TAKEN;
    quote!(&[#(#taken),*]).into()
}

fn user(tokens: TokenStream) -> TokenStream {
    let cx = Cx::default();
    let Some(input) = cx.ok(syn::parse2(tokens)) else {
        return cx.into_tokens();
    };
    let model = read::user::user(&cx, &input);
    if let Some(model) = &model {
        check::user(&cx, model);
    }
    let out = match &model {
        Some(model) if !cx.failed() => expand::user::user(model),
        model => {
            let krate = model
                .as_ref()
                .map_or_else(read::krate::default, |model| model.krate.clone());
            expand::stub::user(&krate, &input, model.as_ref())
        }
    };
    let errors = cx.into_tokens();
    quote!(#errors #out)
}

fn authority(tokens: TokenStream) -> TokenStream {
    let cx = Cx::default();
    // What could be read is expanded in full, so that the rest of the program still finds its types and methods.
    let out = match block::block(&cx, tokens) {
        Block::Read(app) => {
            check::app(&cx, &app);
            expand::auth::auth(&app)
        }
        Block::Name(vis, name) => expand::stub::auth(Some(&vis), &name),
        Block::Nothing => TokenStream::new(),
    };
    let errors = cx.into_tokens();
    quote!(#errors #out)
}

/// Runs an expansion; a panic in it is told as our bug, and the user's item stays.
fn guarded(name: &str, item: &TokenStream, expand: impl FnOnce() -> TokenStream) -> TokenStream {
    catch_unwind(AssertUnwindSafe(expand)).unwrap_or_else(|_| {
        let text = format!("bug in crudauth: `{name}` panicked; report it with this code at https://github.com/crudauth/crudauth/issues");
        quote!(::core::compile_error!(#text); #item)
    })
}
