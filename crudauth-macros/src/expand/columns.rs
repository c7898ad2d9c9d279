//! `UserColumns`: what a sign-up may set. Privileged columns do not exist in it, so they cannot be assigned.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Lit, Type};

use crate::model::{Column, DefaultValue, Role, UserModel, last_segment};
use crate::tokens::optional;

/// `UserColumns`.
pub(crate) fn name(user: &UserModel) -> Ident {
    format_ident!("{}Columns", user.name, span = Span::call_site())
}

/// The struct itself, beside the user's.
pub(crate) fn columns(user: &UserModel) -> TokenStream {
    let (vis, name, user_name) = (&user.vis, name(user), &user.name);
    let fields = user.filled().map(|column| {
        let (ident, ty, docs) = (&column.ident, &column.ty, &column.docs);
        let doc = format!("`{}` of the new row.", column.field());
        let docs = if docs.is_empty() {
            quote!(#[doc = #doc])
        } else {
            quote!(#(#docs)*)
        };
        quote!(#docs pub #ident: #ty)
    });
    let doc = format!(
        "The application's own columns of a new [`{user_name}`]: what the client may set at sign-up, and what the `new_user` hook may fill."
    );
    quote! {
        #[doc = #doc]
        #[allow(dead_code, private_interfaces)]
        #[derive(::core::fmt::Debug, ::core::clone::Clone)]
        #vis struct #name {
            #(#fields,)*
        }
    }
}

/// `impl NewColumns`, and `Default` where no client has to say anything.
pub(crate) fn new_columns(user: &UserModel) -> TokenStream {
    let name = name(user);
    let registered = || user.filled().filter(|column| column.register.is_some());
    let body = if registered().next().is_some() {
        format_ident!("body")
    } else {
        format_ident!("_body")
    };
    // All fields are read before the first `?`: every problem of a body is told at once.
    let reads = registered().map(|column| {
        let (local, value) = (local(column), read(column));
        quote!(let #local = #value;)
    });
    let values = user.filled().map(|column| {
        let ident = &column.ident;
        let value = if column.register.is_some() {
            registered_value(column)
        } else {
            initial(column)
        };
        quote!(#ident: #value)
    });
    let (default, factor) = (default(user), factor(user));
    quote! {
        #[automatically_derived]
        impl __p::NewColumns for #name {
            fn from_body<__B: __p::Body>(#body: &mut __B) -> ::core::option::Option<Self> {
                #(#reads)*
                ::core::option::Option::Some(Self { #(#values,)* })
            }
            #factor
        }
        #default
    }
}

/// What the account is recovered by, where a sign-up gives it.
fn factor(user: &UserModel) -> TokenStream {
    let given = user.filled().find(|column| column.role == Role::Recovery);
    given.map_or_else(TokenStream::new, |column| {
        let (ident, span) = (&column.ident, column.ty.span());
        let text = quote_spanned!(span.resolved_at(Span::call_site())=> __p::TextColumn::text(&self.#ident));
        quote! {
            fn factor(&self) -> ::core::option::Option<&str> {
                #text
            }
        }
    })
}

fn default(user: &UserModel) -> TokenStream {
    let name = name(user);
    let needs_client =
        |c: &Column| c.register.is_some() && c.default.is_none() && c.optional().is_none();
    if user.filled().any(needs_client) {
        return TokenStream::new();
    }
    let values = user.filled().map(|column| {
        let (ident, value) = (&column.ident, initial(column));
        quote!(#ident: #value)
    });
    quote! {
        #[automatically_derived]
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#values,)* }
            }
        }
    }
}

fn local(column: &Column) -> Ident {
    format_ident!("__{}", column.field(), span = Span::mixed_site())
}

/// Reads one field of a sign-up body. A column with a default may be left out, like an optional one.
fn read(column: &Column) -> TokenStream {
    let name = column.field();
    let max = optional(column.max_length.and_then(|max| usize::try_from(max).ok()));
    let inner = column.optional().unwrap_or(&column.ty);
    let may_be_absent = column.optional().is_some() || column.default.is_some();
    match (is_string(inner), may_be_absent) {
        (true, true) => quote!(__p::Body::optional_text(body, #name, #max)),
        (true, false) => quote!(__p::Body::text(body, #name, #max)),
        (false, true) => quote!(__p::Body::optional::<#inner>(body, #name)),
        (false, false) => quote!(__p::Body::required::<#inner>(body, #name)),
    }
}

fn registered_value(column: &Column) -> TokenStream {
    let local = local(column);
    match (&column.default, column.optional()) {
        (None, _) | (Some(DefaultValue::Trait), Some(_)) => quote!(#local?),
        (Some(DefaultValue::Trait), None) => quote!(#local?.unwrap_or_default()),
        (Some(_), Some(_)) => {
            let initial = initial(column);
            quote!(#local?.or_else(|| #initial))
        }
        (Some(_), None) => {
            let initial = initial(column);
            quote!(#local?.unwrap_or_else(|| #initial))
        }
    }
}

/// What the column starts as when nobody says anything.
fn initial(column: &Column) -> TokenStream {
    let ty = &column.ty;
    match &column.default {
        None | Some(DefaultValue::Trait) => quote!(<#ty as ::core::default::Default>::default()),
        Some(DefaultValue::Call(path)) => quote!(#path()),
        Some(DefaultValue::Literal(expr)) => {
            let text = matches!(expr, Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_)));
            let value = if text {
                quote!(::core::convert::Into::into(#expr))
            } else {
                quote!(#expr)
            };
            if column.optional().is_some() {
                quote!(::core::option::Option::Some(#value))
            } else {
                value
            }
        }
    }
}

fn is_string(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "String" && segment.arguments.is_none())
}
