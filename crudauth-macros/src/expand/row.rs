//! Reading and writing one row, generic over the database: which products can store the struct is a bound, never a
//! cargo feature.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::model::{Column, Field, Repr, Role, UserModel};

/// `impl UserRow<D>` for every dialect that can store the field types.
pub(crate) fn user_row(user: &UserModel) -> TokenStream {
    let name = &user.name;
    let types = distinct(user, &|ty| quote!(#ty: __p::Column<__D>));
    let reads = user
        .fields
        .iter()
        .scan(0usize, |at, field| Some(read(field, at)));
    let binds = user.columns().map(bind);
    let infos = user
        .columns()
        .map(stored)
        .map(|ty| quote!(<#ty as __p::Column<__D>>::type_info()));
    let key = user.column(Role::Id).map(stored);
    let identity = bind_identity(user);
    let updated = user.column(Role::UpdatedAt).map(bind_updated);
    quote! {
        #[automatically_derived]
        impl<__D: __p::Dialect> __p::UserRow<__D> for #name
        where
            #(#types,)*
        {
            type Key = #key;

            fn read(row: &__D::Row, first: usize) -> __p::Result<Self> {
                ::core::result::Result::Ok(Self { #(#reads,)* })
            }

            fn bind(new: &__p::NewAccount<Self>, args: &mut __p::Args<__D>) -> __p::Result<()> {
                #(#binds)*
                ::core::result::Result::Ok(())
            }

            fn types() -> ::std::vec::Vec<__D::TypeInfo> {
                ::std::vec![#(#infos),*]
            }

            #identity

            #updated
        }
    }
}

/// The type of the value: a key's inner type, else the field's.
fn value(column: &Column) -> TokenStream {
    let ty = &column.ty;
    if column.role == Role::Id {
        let at = ty.span().resolved_at(Span::call_site());
        quote_spanned!(at=> <#ty as __p::AccountKey>::Inner)
    } else {
        ty.to_token_stream()
    }
}

/// The type in which `#[auth(repr = …)]` keeps the value.
fn kept(column: &Column) -> Option<TokenStream> {
    let repr = column.repr?.0;
    // One place, the field's type, is blamed for a type that is no UUID, wherever the compiler finds out.
    let at = column.ty.span().resolved_at(Span::call_site());
    let form = match repr {
        Repr::Blob => quote_spanned!(at=> __p::Uuid),
        Repr::Hyphenated => quote_spanned!(at=> __p::Hyphenated),
        Repr::Simple => quote_spanned!(at=> __p::Simple),
    };
    Some(match column.optional() {
        Some(_) => quote_spanned!(at=> ::core::option::Option<#form>),
        None => form,
    })
}

/// The type in the column.
fn stored(column: &Column) -> TokenStream {
    kept(column).unwrap_or_else(|| value(column))
}

/// The field, from what was read as [`stored`].
fn restored(column: &Column, read: TokenStream) -> TokenStream {
    let (ident, ty) = (&column.ident, &column.ty);
    let read = match kept(column) {
        Some(kept) => {
            let value = value(column);
            quote!(<#kept as __p::Keeps<#value>>::into_value(#read))
        }
        None => read,
    };
    if column.role == Role::Id {
        quote!(#ident: <#ty as __p::AccountKey>::from_inner(#read))
    } else {
        quote!(#ident: #read)
    }
}

/// What is bound for `value`.
fn keep(column: &Column, place: TokenStream) -> TokenStream {
    match kept(column) {
        Some(kept) => {
            let value = value(column);
            quote!(&*<#kept as __p::Keeps<#value>>::keep(#place))
        }
        None => place,
    }
}

/// One bound for each type that occurs.
fn distinct(user: &UserModel, bound: &dyn Fn(TokenStream) -> TokenStream) -> Vec<TokenStream> {
    let mut seen = Vec::new();
    let mut bounds = Vec::new();
    for ty in user.columns().map(stored) {
        let text = ty.to_string();
        if !seen.contains(&text) {
            seen.push(text);
            bounds.push(bound(ty));
        }
    }
    bounds
}

fn read(field: &Field, at: &mut usize) -> TokenStream {
    let column = match field {
        Field::Skipped { ident, ty } => {
            return quote!(#ident: <#ty as ::core::default::Default>::default());
        }
        Field::Column(column) => column,
    };
    let stored = stored(column);
    let index = if *at == 0 {
        quote!(first)
    } else {
        quote!(first + #at)
    };
    *at += 1;
    restored(
        column,
        quote!(<#stored as __p::Column<__D>>::read(row, #index)?),
    )
}

/// Binds in the table's order what the database does not fill.
fn bind(column: &Column) -> TokenStream {
    let (ident, ty) = (&column.ident, &column.ty);
    match column.role {
        Role::Id => {
            let key = keep(column, quote!(<#ty as __p::AccountKey>::as_inner(id)));
            quote! {
                if let ::core::option::Option::Some(id) = &new.id {
                    __p::Column::<__D>::add(#key, args)?;
                }
            }
        }
        Role::Email => quote!(__p::bind_text::<__D, #ty>(new.email.as_deref(), args)?;),
        Role::Username => quote!(__p::bind_text::<__D, #ty>(new.username.as_deref(), args)?;),
        Role::PasswordHash => quote!(__p::bind_hash::<__D, #ty>(&new.password_hash, args)?;),
        Role::EmailVerified => quote!(__p::Column::<__D>::add(&new.email_verified, args)?;),
        Role::RecoveryVerified => quote!(__p::Column::<__D>::add(&false, args)?;),
        Role::IsActive => quote!(__p::Column::<__D>::add(&new.is_active, args)?;),
        Role::IsSuperuser => quote!(__p::Column::<__D>::add(&new.is_superuser, args)?;),
        Role::TokenVersion => quote!(__p::Column::<__D>::add(&new.token_version, args)?;),
        Role::CreatedAt | Role::UpdatedAt => {
            quote!(__p::bind_instant::<__D, #ty>(new.created_at, args)?;)
        }
        Role::Own | Role::Recovery if column.is_filled() => {
            let value = keep(column, quote!(&new.columns.#ident));
            quote!(__p::Column::<__D>::add(#value, args)?;)
        }
        Role::Own | Role::Recovery | Role::Identity => TokenStream::new(),
    }
}

/// Binds the subject for the provider's own column, and NULL for the others; a table without such columns has no such arguments.
fn bind_identity(user: &UserModel) -> Option<TokenStream> {
    let binds: Vec<_> = user
        .identities()
        .map(|(column, provider)| {
            let ty = &column.ty;
            quote! {
                __p::bind_text::<__D, #ty>((provider == #provider).then_some(subject), args)?;
            }
        })
        .collect();
    (!binds.is_empty()).then(|| {
        quote! {
            fn bind_identity(
                provider: &::core::primitive::str,
                subject: &::core::primitive::str,
                args: &mut __p::Args<__D>,
            ) -> __p::Result<()> {
                #(#binds)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

/// Binds the instant of a change; a table without the column has no such argument.
fn bind_updated(column: &Column) -> TokenStream {
    let ty = &column.ty;
    quote! {
        fn bind_updated(now: __p::Timestamp, args: &mut __p::Args<__D>) -> __p::Result<()> {
            __p::bind_instant::<__D, #ty>(now, args)
        }
    }
}

/// `impl FromRow`, so that the application's own queries read the same struct.
pub(crate) fn from_row(user: &UserModel) -> TokenStream {
    let name = &user.name;
    let types = distinct(
        user,
        &|ty| quote!(#ty: __p::sqlx::Decode<'__r, __R::Database> + __p::sqlx::Type<__R::Database>),
    );
    let reads = user.fields.iter().map(|field| match field {
        Field::Skipped { ident, ty } => {
            quote!(#ident: <#ty as ::core::default::Default>::default())
        }
        Field::Column(column) => {
            let (name, stored) = (&column.name, stored(column));
            restored(column, quote!(row.try_get::<#stored, &'static str>(#name)?))
        }
    });
    quote! {
        #[automatically_derived]
        impl<'__r, __R: __p::sqlx::Row> __p::sqlx::FromRow<'__r, __R> for #name
        where
            &'static str: __p::sqlx::ColumnIndex<__R>,
            #(#types,)*
        {
            fn from_row(row: &'__r __R) -> ::core::result::Result<Self, __p::sqlx::Error> {
                ::core::result::Result::Ok(Self { #(#reads,)* })
            }
        }
    }
}
