//! What stands in for an item that could not be understood, so that the only message is the real one.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Ident, Path, Visibility};

use crate::expand::hidden;
use crate::expand::user::CAPABILITIES;
use crate::model::{Role, UserModel};

/// Everything that code elsewhere may ask of a type that derives `AuthUser`; nothing of it is ever run.
pub(crate) fn user(krate: &Path, input: &DeriveInput, model: Option<&UserModel>) -> TokenStream {
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let name = &input.ident;
    let columns = format_ident!("{name}Columns");
    let id = model.and_then(|model| model.column(Role::Id)).map_or_else(
        || quote!(i64),
        |column| {
            // Another type would be blamed once more for not being a key.
            let ty = &column.ty;
            let known = ["i64", "Uuid", "String"]
                .iter()
                .any(|key| crate::model::last_segment(ty).is_some_and(|s| s.ident == key));
            if known { quote!(#ty) } else { quote!(i64) }
        },
    );
    let traits = CAPABILITIES
        .iter()
        .map(|(_, name)| *name)
        .chain(["HasVerified", "HasRecovery", "RecoversByEmail"])
        .map(|name| format_ident!("{name}"));
    let columns_item = model.map_or_else(
        || columns_item(&input.vis, &columns),
        crate::expand::columns::columns,
    );
    let items = quote! {
        #[automatically_derived]
        impl __p::AuthUser for #name {
            type Id = #id;
            type Columns = #columns;
            const TABLE: __p::Table = __p::Table { schema: ::core::option::Option::None, name: "", columns: &[] };

            fn id(&self) -> &Self::Id {
                ::core::unreachable!()
            }

            fn account(&self) -> __p::Account<'_> {
                ::core::unreachable!()
            }
        }

        #[automatically_derived]
        impl<__D: __p::Dialect> __p::UserRow<__D> for #name
        where
            #id: __p::Column<__D>,
        {
            type Key = #id;

            fn read(_: &__D::Row, _: usize) -> __p::Result<Self> {
                ::core::unreachable!()
            }

            fn bind(_: &__p::NewAccount<Self>, _: &mut __p::Args<__D>) -> __p::Result<()> {
                ::core::unreachable!()
            }

            fn types() -> ::std::vec::Vec<__D::TypeInfo> {
                ::core::unreachable!()
            }
        }

        #[automatically_derived]
        impl<'__r, __R: __p::sqlx::Row> __p::sqlx::FromRow<'__r, __R> for #name {
            fn from_row(_: &'__r __R) -> ::core::result::Result<Self, __p::sqlx::Error> {
                ::core::unreachable!()
            }
        }

        #[automatically_derived]
        impl __p::NewColumns for #columns {
            fn from_body<__B: __p::Body>(_: &mut __B) -> ::core::option::Option<Self> {
                ::core::unreachable!()
            }
        }

        #[automatically_derived]
        impl ::core::default::Default for #columns {
            fn default() -> Self {
                ::core::unreachable!()
            }
        }

        #(#[automatically_derived] impl __p::#traits for #name {})*

        #[allow(dead_code)]
        #[automatically_derived]
        impl #name {
            /// The `CREATE TABLE` statement for this struct.
            pub fn create_table_sql(_: __p::DialectName) -> ::std::string::String {
                ::core::unreachable!()
            }
        }
    };
    let hidden = hidden(krate, &items);
    quote!(#columns_item #hidden)
}

fn columns_item(vis: &Visibility, name: &Ident) -> TokenStream {
    quote! {
        /// The application's own columns of a new account.
        #[derive(::core::fmt::Debug, ::core::clone::Clone)]
        #vis struct #name {}
    }
}

/// The type of a block that could not be read.
pub(crate) fn auth(vis: Option<&Visibility>, name: &Ident) -> TokenStream {
    quote! {
        /// An authority whose block could not be read.
        #[derive(::core::fmt::Debug, ::core::clone::Clone)]
        #vis struct #name {}
    }
}
