//! `crate(::path)`: where the crate is found when it was renamed in Cargo.toml.

use proc_macro2::TokenStream;
use syn::Path;

use crate::diag::{Cx, spelled};

/// `::crudauth`.
pub(crate) fn default() -> Path {
    syn::parse_quote!(::crudauth)
}

/// Reads the path in `crate(…)`. It must be absolute: expanded code stands in modules where a relative path means
/// something else.
pub(crate) fn read(cx: &Cx, key: impl quote::ToTokens, tokens: &TokenStream) -> Option<Path> {
    let Ok(path) = syn::parse2::<Path>(tokens.clone()) else {
        cx.error_on(
            key,
            "`crate` takes the path of the renamed crate",
            "write `crate(::renamed)`",
        );
        return None;
    };
    let first = path
        .segments
        .first()
        .map(|segment| segment.ident.to_string())
        .unwrap_or_default();
    if path.leading_colon.is_some() || first == "crate" {
        return Some(path);
    }
    cx.error_on(
        &path,
        format!("`crate({})` is relative, and expanded code stands in modules where it means something else", spelled(&path)),
        format!("write `crate(::{})`", spelled(&path)),
    );
    None
}
