//! What `#[derive(AuthUser)]` declares: one table, its columns and their roles.

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, Path, Type, Visibility};

/// One `#[derive(AuthUser)]`.
pub(crate) struct UserModel {
    pub(crate) krate: Path,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
    /// In the order of the struct.
    pub(crate) fields: Vec<Field>,
}

impl UserModel {
    /// The fields that are columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.fields.iter().filter_map(Field::column)
    }

    /// The column that plays `role`.
    pub(crate) fn column(&self, role: Role) -> Option<&Column> {
        self.columns().find(|column| column.role == role)
    }

    /// The columns that hold identities, each with its provider.
    pub(crate) fn identities(&self) -> impl Iterator<Item = (&Column, &str)> {
        self.columns()
            .filter_map(|column| Some((column, column.provider.as_deref()?)))
    }

    /// The columns whose values a sign-up or the application gives.
    pub(crate) fn filled(&self) -> impl Iterator<Item = &Column> {
        self.columns().filter(|column| column.is_filled())
    }
}

/// One field of the struct.
pub(crate) enum Field {
    Column(Box<Column>),
    /// `#[auth(skip)]`: not in the table.
    Skipped {
        ident: Ident,
        ty: Box<Type>,
    },
}

impl Field {
    pub(crate) fn column(&self) -> Option<&Column> {
        match self {
            Self::Column(column) => Some(column),
            Self::Skipped { .. } => None,
        }
    }

    pub(crate) fn column_mut(&mut self) -> Option<&mut Column> {
        match self {
            Self::Column(column) => Some(column),
            Self::Skipped { .. } => None,
        }
    }
}

/// A field that is a column.
pub(crate) struct Column {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) docs: Vec<Attribute>,
    /// Unquoted SQL name.
    pub(crate) name: String,
    /// Where to point when the name is wrong.
    pub(crate) name_span: Span,
    pub(crate) role: Role,
    /// The provider of an identity.
    pub(crate) provider: Option<String>,
    /// Where the role was given: the word in the attribute, or the field's name.
    pub(crate) role_span: Span,
    /// The attribute names the role.
    pub(crate) marked: bool,
    /// `#[auth(register)]`, and where.
    pub(crate) register: Option<Span>,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) new_user: bool,
    pub(crate) unique: bool,
    /// `#[auth(repr = "…")]`, and where.
    pub(crate) repr: Option<(Repr, Span)>,
    pub(crate) max_length: Option<u64>,
}

impl Column {
    /// Whether `UserColumns` has it.
    pub(crate) fn is_filled(&self) -> bool {
        matches!(self.role, Role::Own | Role::Recovery)
            && (self.register.is_some() || self.default.is_some() || self.new_user)
    }

    /// `T` of an `Option<T>`.
    pub(crate) fn optional(&self) -> Option<&Type> {
        option_of(&self.ty)
    }

    /// Whether the type is called `Uuid`, or an `Option` of that.
    pub(crate) fn is_uuid(&self) -> bool {
        last_segment(self.optional().unwrap_or(&self.ty))
            .is_some_and(|segment| segment.ident == "Uuid")
    }

    /// The text of the field's name, without `r#`.
    pub(crate) fn field(&self) -> String {
        syn::ext::IdentExt::unraw(&self.ident).to_string()
    }
}

impl Role {
    /// Whether a field called so has the role. What a password is recovered by is marked: a `recovery` may be anything.
    pub(crate) fn is_conventional(self) -> bool {
        !matches!(
            self,
            Self::Recovery | Self::RecoveryVerified | Self::Identity | Self::Own
        )
    }
}

/// How a UUID is kept in a product that has no type for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repr {
    Blob,
    Hyphenated,
    Simple,
}

impl Repr {
    /// As written, each with its value.
    pub(crate) const WORDS: &'static [(&'static str, Self)] = &[
        ("simple", Self::Simple),
        ("hyphenated", Self::Hyphenated),
        ("blob", Self::Blob),
    ];

    /// The variant's name in the runtime.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Blob => "Blob",
            Self::Hyphenated => "Hyphenated",
            Self::Simple => "Simple",
        }
    }
}

/// What an own column of a new row starts as.
#[derive(Clone)]
pub(crate) enum DefaultValue {
    /// `default`
    Trait,
    /// `default = "free"`
    Literal(Expr),
    /// `default(path::to::function)`
    Call(Path),
}

/// `T` of an `Option<T>`, however its path is written.
pub(crate) fn option_of(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Option")?;
    let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(syn::GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}

/// The last segment of a type's path.
pub(crate) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

macro_rules! roles {
    ($($role:ident = $word:literal $(| $alias:literal)*, $doc:literal;)*) => {
        /// What crudauth uses a column for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Role { $($role,)* }

        impl Role {
            /// The role a word names: in an attribute, or as a conventional field name.
            pub(crate) fn named(word: &str) -> Option<Self> {
                match word { $($word $(| $alias)* => Some(Self::$role),)* _ => None }
            }

            /// As written in `#[auth(…)]`.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$role => $word,)* }
            }

            /// The variant's name in the runtime.
            pub(crate) fn variant(self) -> &'static str {
                match self { $(Self::$role => stringify!($role),)* }
            }

            /// Every role for the attribute reference: word, other words for it, what it is.
            #[cfg(test)]
            pub(crate) const ALL: &'static [(&'static str, &'static [&'static str], &'static str)] =
                &[$(($word, &[$($alias,)*], $doc),)*];

            /// Every word, for the did-you-mean.
            pub(crate) const WORDS: &'static [&'static str] = &[$($word, $($alias,)*)*];
        }
    };
}

roles! {
    Id = "id", "The primary key: `i64`, `Uuid`, `String`, or a newtype that implements `AccountKey`.";
    Email = "email", "The e-mail address: `String` or `Option<String>`.";
    Username = "username", "The user name: `String` or `Option<String>`.";
    PasswordHash = "password" | "password_hash" | "hashed_password", "The password hash: `PasswordHash` or `Option<PasswordHash>`.";
    EmailVerified = "email_verified", "Whether the address is proven: `bool`.";
    Recovery = "recovery", "What a lost password is recovered by in place of the address, such as a phone number: `String` or `Option<String>`. Only by its mark.";
    RecoveryVerified = "recovery_verified", "Whether that is proven: `bool`. Beside a field `phone` that is marked `recovery`, `phone_verified`.";
    IsActive = "is_active", "Whether the account may sign in: `bool`.";
    IsSuperuser = "is_superuser", "Whether it is a superuser: `bool`.";
    Identity = "identity", "Whom a provider of `#[oauth]` means by the account, its subject there: `Option<String>`. Always with the provider, `identity = \"google\"`; without such a field the identities are in a table of crudauth's.";
    TokenVersion = "token_version", "The epoch of its sessions: `i64`.";
    CreatedAt = "created_at", "When the row was made: `OffsetDateTime`, `PrimitiveDateTime` or `i64` (seconds).";
    UpdatedAt = "updated_at", "When the row was last changed; the same types.";
    Own = "own", "The application's own, whatever the field is called.";
}
