//! Snippets of tokens that several expansions write.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

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
    quote!(::core::time::Duration::from_secs(#secs))
}

/// Where the section is named, for what it needs.
pub(crate) fn need(span: Span, call: &TokenStream) -> TokenStream {
    quote::quote_spanned!(span.resolved_at(Span::mixed_site())=> #call)
}

/// `Some(value)` or `None`.
pub(crate) fn optional(value: Option<impl ToTokens>) -> TokenStream {
    if let Some(value) = value {
        quote!(::core::option::Option::Some(#value))
    } else {
        quote!(::core::option::Option::None)
    }
}
