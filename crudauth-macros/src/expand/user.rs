//! What `#[derive(AuthUser)]` writes: the table's description and the row as the flows see it.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type};

use crate::expand::{columns, hidden, row};
use crate::features::PRODUCTS;
use crate::model::{Column, Repr, Role, UserModel};
use crate::tokens::optional;

/// The whole derive.
pub(crate) fn user(user: &UserModel) -> TokenStream {
    let columns = columns::columns(user);
    let items = [
        auth_user(user),
        row::user_row(user),
        row::from_row(user),
        columns::new_columns(user),
        capabilities(user),
        create_table(user),
        assertions(user),
    ];
    let hidden = hidden(&user.krate, &quote!(#(#items)*));
    quote!(#columns #hidden)
}

fn auth_user(user: &UserModel) -> TokenStream {
    let (name, columns) = (&user.name, columns::name(user));
    let table = &user.table;
    let schema = optional(user.schema.as_ref());
    let defs = user.columns().map(column_def);
    let Some(id) = user.column(Role::Id) else {
        return TokenStream::new();
    };
    let (id_ty, id_field) = (&id.ty, &id.ident);
    let (account, subject) = (account(user), subject(user));
    quote! {
        #[automatically_derived]
        impl __p::AuthUser for #name {
            type Id = #id_ty;
            type Columns = #columns;
            const TABLE: __p::Table = __p::Table {
                schema: #schema,
                name: #table,
                columns: &[#(#defs),*],
            };

            fn id(&self) -> &Self::Id {
                &self.#id_field
            }

            fn account(&self) -> __p::Account<'_> {
                #account
            }

            #subject
        }
    }
}

fn account(user: &UserModel) -> TokenStream {
    let through =
        |role: Role, call: &dyn Fn(&Ident, Span) -> TokenStream, absent: TokenStream| match user
            .column(role)
        {
            Some(column) => call(&column.ident, column.ty.span()),
            None => absent,
        };
    let none = quote!(::core::option::Option::None);
    let text = |field: &Ident, span: Span| quote_spanned!(span.resolved_at(Span::call_site())=> __p::TextColumn::text(&self.#field));
    let hash = |field: &Ident, span: Span| quote_spanned!(span.resolved_at(Span::call_site())=> __p::HashColumn::hash(&self.#field));
    let plain = |field: &Ident, _: Span| quote!(self.#field);
    let some = |field: &Ident, _: Span| quote!(::core::option::Option::Some(self.#field));
    let email = through(Role::Email, &text, none.clone());
    let username = through(Role::Username, &text, none.clone());
    let password_hash = through(Role::PasswordHash, &hash, none.clone());
    let email_verified = through(Role::EmailVerified, &some, none.clone());
    let (factor, verified) = if user.column(Role::Recovery).is_some() {
        let verified = through(Role::RecoveryVerified, &some, none.clone());
        (through(Role::Recovery, &text, none), verified)
    } else {
        (email.clone(), email_verified.clone())
    };
    let is_active = through(Role::IsActive, &plain, quote!(true));
    let is_superuser = through(Role::IsSuperuser, &plain, quote!(false));
    let token_version = through(Role::TokenVersion, &plain, quote!(0));
    quote! {
        __p::Account {
            email: #email,
            username: #username,
            password_hash: #password_hash,
            email_verified: #email_verified,
            factor: #factor,
            verified: #verified,
            is_active: #is_active,
            is_superuser: #is_superuser,
            token_version: #token_version,
        }
    }
}

/// Whom each provider means by the row, where columns say so.
fn subject(user: &UserModel) -> Option<TokenStream> {
    let arms: Vec<_> = user
        .identities()
        .map(|(column, provider)| {
            let (ident, at) = (
                &column.ident,
                column.ty.span().resolved_at(Span::call_site()),
            );
            let text = quote_spanned!(at=> __p::TextColumn::text(&self.#ident));
            quote!(#provider => #text,)
        })
        .collect();
    (!arms.is_empty()).then(|| {
        quote! {
            fn subject(&self, provider: &::core::primitive::str) -> ::core::option::Option<&::core::primitive::str> {
                match provider {
                    #(#arms)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}

fn column_def(column: &Column) -> TokenStream {
    let (field, name) = (column.field(), &column.name);
    let role = format_ident!("{}", column.role.variant());
    let unique = column.unique || column.role == Role::Identity;
    let (fill, nullable) = (fill(column), column.optional().is_some());
    let provider = optional(column.provider.as_ref());
    let (repr, register) = (repr(column), column.register.is_some());
    let max_length = optional(column.max_length.and_then(|max| usize::try_from(max).ok()));
    quote! {
        __p::ColumnDef {
            field: #field,
            name: #name,
            role: __p::Role::#role,
            fill: #fill,
            nullable: #nullable,
            unique: #unique,
            repr: #repr,
            register: #register,
            max_length: #max_length,
            provider: #provider,
        }
    }
}

/// Who fills the column. Of the key only the compiler knows: a newtype's inner type decides.
fn fill(column: &Column) -> TokenStream {
    let ty = &column.ty;
    match column.role {
        Role::Id => quote! {
            if <<#ty as __p::AccountKey>::Inner as __p::RawKey>::GENERATED {
                __p::Fill::Library
            } else {
                __p::Fill::Database
            }
        },
        Role::Own | Role::Recovery if column.is_filled() => quote!(__p::Fill::Columns),
        // NULL in a new row: linking fills it, in the same transaction.
        Role::Own | Role::Recovery | Role::Identity => quote!(__p::Fill::Database),
        _ => quote!(__p::Fill::Library),
    }
}

/// How a UUID is kept. What a newtype key holds only the compiler knows.
fn repr(column: &Column) -> TokenStream {
    let ty = &column.ty;
    let repr = match (column.repr, column.role) {
        (Some((repr, _)), _) => repr,
        (None, Role::Id) => {
            return quote!(<<#ty as __p::AccountKey>::Inner as __p::RawKey>::REPR);
        }
        (None, Role::Own) if column.is_uuid() => Repr::Blob,
        (None, _) => return quote!(::core::option::Option::None),
    };
    let variant = format_ident!("{}", repr.variant());
    quote!(::core::option::Option::Some(__p::Repr::#variant))
}

fn capabilities(user: &UserModel) -> TokenStream {
    let name = &user.name;
    let traits = CAPABILITIES
        .iter()
        .filter(|(role, _)| user.column(*role).is_some())
        .map(|(_, name)| format_ident!("{name}"));
    let tokens = user.identities().next().is_none();
    let derived = recovery(user)
        .into_iter()
        .chain(tokens.then_some("HasRoomForTokens"))
        .map(|name| format_ident!("{name}"));
    let traits = traits.chain(derived);
    quote!(#(#[automatically_derived] impl __p::#traits for #name {})*)
}

/// Capabilities that depend on what a lost password is recovered by.
fn recovery(user: &UserModel) -> Vec<&'static str> {
    let has = |role| user.column(role).is_some();
    let (verified, mut traits) = match (has(Role::Recovery), has(Role::Email)) {
        (true, _) => (Role::RecoveryVerified, vec!["HasRecovery"]),
        (false, true) => (Role::EmailVerified, vec!["HasRecovery", "RecoversByEmail"]),
        (false, false) => return Vec::new(),
    };
    traits.extend(has(verified).then_some("HasVerified"));
    traits
}

/// Which role gives which capability.
pub(crate) const CAPABILITIES: &[(Role, &str)] = &[
    (Role::Email, "HasEmail"),
    (Role::EmailVerified, "HasEmailVerified"),
    (Role::Username, "HasUsername"),
    (Role::PasswordHash, "HasPassword"),
    (Role::IsActive, "HasActive"),
    (Role::IsSuperuser, "HasSuperuser"),
    (Role::TokenVersion, "HasTokenVersion"),
];

fn create_table(user: &UserModel) -> TokenStream {
    let name = &user.name;
    let products = PRODUCTS
        .iter()
        .map(|product| format_ident!("{}", product.ty, span = Span::mixed_site()));
    quote! {
        #[allow(dead_code)]
        #[automatically_derived]
        impl #name {
            /// The `CREATE TABLE` statement for this struct, for development and tests; empty for a product that cannot
            /// store it.
            #[must_use = "the text has to be run"]
            pub fn create_table_sql(dialect: __p::DialectName) -> ::std::string::String {
                #[allow(unused_imports)]
                use __p::{Storable as _, Unstorable as _};
                __p::create_table(dialect, &[#((&__p::Probe::<Self, __p::product::#products>::NEW).create_table()),*])
            }
        }
    }
}

/// A type that cannot hold its column is blamed where it is written.
fn assertions(user: &UserModel) -> TokenStream {
    let calls = user.columns().filter_map(|column| {
        let need = match column.role {
            Role::Id => "need_key",
            Role::Email | Role::Username | Role::Recovery => "need_text",
            Role::PasswordHash => "need_hash",
            Role::EmailVerified | Role::RecoveryVerified | Role::IsActive | Role::IsSuperuser => {
                "need_flag"
            }
            Role::Identity => "need_identity",
            Role::TokenVersion => "need_epoch",
            Role::CreatedAt | Role::UpdatedAt => "need_instant",
            Role::Own => return None,
        };
        let ty: &Type = &column.ty;
        let need = Ident::new(need, Span::mixed_site());
        Some(quote_spanned!(ty.span().resolved_at(Span::mixed_site())=> __p::#need::<#ty>();))
    });
    quote! {
        const _: fn() = || {
            #(#calls)*
        };
    }
}
