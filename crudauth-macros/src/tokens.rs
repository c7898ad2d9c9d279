//! Snippets of tokens that several expansions write.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
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

/// `call`, blamed at `span`: where the section is named that needs it. Names mean what they mean where they stand.
pub(crate) fn need(span: Span, call: &TokenStream) -> TokenStream {
    let moved = |mut token: TokenTree| {
        if let TokenTree::Group(group) = &token {
            let mut inside = Group::new(group.delimiter(), need(span, &group.stream()));
            inside.set_span(group.span());
            token = TokenTree::Group(inside);
        }
        token.set_span(span.resolved_at(token.span()));
        token
    };
    call.clone().into_iter().map(moved).collect()
}

/// `Some(value)` or `None`.
pub(crate) fn optional(value: Option<impl ToTokens>) -> TokenStream {
    if let Some(value) = value {
        quote!(::core::option::Option::Some(#value))
    } else {
        quote!(::core::option::Option::None)
    }
}

/// FNV-1a: a number for a text, the same in every build; the runtime's `scope_number` too.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
