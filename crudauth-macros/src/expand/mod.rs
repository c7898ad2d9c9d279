//! Step 4, expand: the model becomes tokens. Nothing here can fail, and nothing here decides: a line that would be the
//! same for every user belongs in the runtime.

pub(crate) mod auth;
pub(crate) mod columns;
pub(crate) mod require;
pub(crate) mod row;
pub(crate) mod stub;
pub(crate) mod user;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// Wraps implementations so that no helper name leaks; inside, `__p` is the private module.
pub(crate) fn hidden(krate: &Path, items: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            use #krate::__private as __p;
            #items
        };
    }
}
