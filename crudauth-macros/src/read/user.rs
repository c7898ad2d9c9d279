//! `#[auth(…)]` on the struct and on its fields.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Lit, Meta, UnOp};

use crate::diag::{Cx, nearest};
use crate::model::{Column, DefaultValue, Field, Repr, Role, UserModel};
use crate::read::name::{Identifier, identifier};
use crate::read::roles::{self, Mark};
use crate::read::section::{Key, from_metas, known};
use crate::read::value::{Count, Literal, Switch, from_literal, text};
use crate::read::{items, krate};

/// Keys of `#[auth(…)]` above the struct.
pub(crate) const STRUCT_KEYS: &[Key] = &[
    Key::new(
        "table",
        "SQL name",
        "the struct's name in snake case, and an s",
        "The account table.",
    ),
    Key::new("schema", "SQL name", "none", "The schema the table is in."),
    Key::new(
        "crate",
        "path in parentheses",
        "`::crudauth`",
        "Where the crate is found when Cargo.toml renames it.",
    ),
];

/// Keys of `#[auth(…)]` on a field, besides the roles.
pub(crate) const FIELD_KEYS: &[Key] = &[
    Key::new(
        "column",
        "SQL name",
        "the field's name",
        "The column's name in the table.",
    ),
    Key::new(
        "register",
        "switch",
        "off",
        "The client may set it at sign-up.",
    ),
    Key::new(
        "default",
        "literal, or a function in parentheses",
        "none",
        "What a new row is given.",
    ),
    Key::new("new_user", "switch", "off", "The `new_user` hook fills it."),
    Key::new(
        "unique",
        "switch",
        "off",
        "No two accounts may have the same value.",
    ),
    Key::new(
        "repr",
        "\"simple\", \"hyphenated\" or \"blob\"",
        "\"blob\"",
        "How a UUID is kept in a product that has no type for it.",
    ),
    Key::new(
        "max_length",
        "number",
        "none",
        "Most characters a client may send.",
    ),
    Key::new(
        "skip",
        "switch",
        "off",
        "Not a column; `Default::default()` when a row is read.",
    ),
];

#[derive(FromMeta, Default)]
#[darling(default)]
struct StructArgs {
    table: Option<Identifier>,
    schema: Option<Identifier>,
}

#[derive(FromMeta, Default)]
#[darling(default)]
struct FieldArgs {
    column: Option<SpannedValue<Identifier>>,
    register: Option<SpannedValue<Switch>>,
    default: Option<SpannedValue<DefaultValue>>,
    new_user: Option<SpannedValue<Switch>>,
    unique: Option<Switch>,
    repr: Option<SpannedValue<Repr>>,
    max_length: Option<SpannedValue<Count<1, 1_000_000>>>,
    skip: Option<SpannedValue<Switch>>,
}

impl Literal for Repr {
    const KIND: &'static str = "the form of a UUID";
    const EXAMPLE: &'static str = "\"hyphenated\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let word = text::<Self>(key, lit)?;
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, repr)| *repr).ok_or_else(|| {
            let known: Vec<_> = Self::WORDS.iter().map(|(known, _)| *known).collect();
            match nearest(&word, &known) {
                Some(meant) => format!("`{key}` has no value {word:?}; did you mean {meant:?}?"),
                None => format!(
                    "`{key}` has no value {word:?}; expected one of: {}",
                    known.join(", ")
                ),
            }
        })
    }
}

from_literal! { [] Repr; }

impl FromMeta for DefaultValue {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let wrong = |tokens: &dyn quote::ToTokens| {
            let text = "a default is a literal; write `default = \"free\"`, `default = 3` or `default = true`, or name a function: `default(path::to::function)`";
            Err(darling::Error::custom(text).with_span(&tokens.to_token_stream()))
        };
        match item {
            Meta::Path(_) => Ok(Self::Trait),
            Meta::List(list) => list.parse_args().map(Self::Call).or_else(|_| wrong(list)),
            Meta::NameValue(pair) if is_literal(&pair.value) => {
                Ok(Self::Literal(pair.value.clone()))
            }
            Meta::NameValue(pair) => wrong(&pair.value),
        }
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(lit) => matches!(
            lit.lit,
            Lit::Str(_) | Lit::Int(_) | Lit::Float(_) | Lit::Bool(_)
        ),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && is_literal(&unary.expr),
        Expr::Group(group) => is_literal(&group.expr),
        _ => false,
    }
}

/// Reads the whole derive. `None` when there is nothing that could become a model.
pub(crate) fn user(cx: &Cx, input: &DeriveInput) -> Option<UserModel> {
    let metas = auth_metas(cx, &input.attrs);
    let metas = known(cx, "`#[auth(…)]` on the struct", STRUCT_KEYS, metas);
    let (paths, metas): (Vec<_>, Vec<_>) = metas
        .into_iter()
        .partition(|meta| meta.path().is_ident("crate"));
    let krate = paths.into_iter().find_map(|meta| match meta {
        Meta::List(list) => krate::read(cx, &list.path, &list.tokens),
        other => krate::read(cx, &other, &TokenStream::new()),
    });
    let args: StructArgs = from_metas(cx, metas).unwrap_or_default();
    let fields = fields(cx, input)?;
    Some(UserModel {
        krate: krate.unwrap_or_else(krate::default),
        vis: input.vis.clone(),
        name: input.ident.clone(),
        schema: args.schema.map(|name| name.0),
        table: args.table.map_or_else(
            || snake(&input.ident.unraw().to_string()) + "s",
            |name| name.0,
        ),
        fields,
    })
}

fn fields(cx: &Cx, input: &DeriveInput) -> Option<Vec<Field>> {
    let fix = "write a struct with named fields: `struct User { id: i64, email: String, password_hash: PasswordHash }`";
    if !input.generics.params.is_empty() {
        cx.error_on(
            &input.generics,
            "`#[derive(AuthUser)]` describes one table, so the struct takes no parameters",
            fix,
        );
        return None;
    }
    let Data::Struct(data) = &input.data else {
        cx.error_on(
            &input.ident,
            "`#[derive(AuthUser)]` describes a table row, and this is not a struct",
            fix,
        );
        return None;
    };
    let Fields::Named(named) = &data.fields else {
        cx.error_on(
            &input.ident,
            "`#[derive(AuthUser)]` takes column names from field names, and these have none",
            fix,
        );
        return None;
    };
    let mut fields: Vec<_> = named
        .named
        .iter()
        .filter_map(|field| read_field(cx, field))
        .collect();
    name_recovery_verified(&mut fields);
    Some(fields)
}

/// `phone_verified` says whether the `phone` that is marked `recovery` is proven, unless a mark says otherwise.
fn name_recovery_verified(fields: &mut [Field]) {
    let columns = || fields.iter().filter_map(Field::column);
    let Some(recovery) = columns().find(|column| column.role == Role::Recovery) else {
        return;
    };
    let conventional = format!("{}_verified", recovery.field());
    if columns().any(|column| column.role == Role::RecoveryVerified) {
        return;
    }
    let own = fields.iter_mut().filter_map(Field::column_mut);
    for column in own.filter(|column| column.role == Role::Own && !column.marked) {
        if column.field() == conventional {
            column.role = Role::RecoveryVerified;
        }
    }
}

fn read_field(cx: &Cx, field: &syn::Field) -> Option<Field> {
    let ident = field.ident.clone()?;
    let (mark, metas) = roles::read(cx, auth_metas(cx, &field.attrs), FIELD_KEYS);
    let args: FieldArgs = from_metas(cx, metas).unwrap_or_default();
    let on = |switch: &Option<SpannedValue<Switch>>| {
        switch.as_ref().filter(|s| s.0).map(SpannedValue::span)
    };
    if let Some(span) = on(&args.skip) {
        let others = [
            ("register", on(&args.register)),
            ("new_user", on(&args.new_user)),
            ("default", args.default.as_ref().map(SpannedValue::span)),
            ("column", args.column.as_ref().map(SpannedValue::span)),
            ("repr", args.repr.as_ref().map(SpannedValue::span)),
        ];
        for (key, _) in others.iter().filter(|(_, at)| at.is_some()) {
            cx.error(
                span,
                format!("`skip` says that `{ident}` is not a column, and `{key}` that it is"),
                "remove one of them",
            );
        }
        return Some(Field::Skipped {
            ident,
            ty: Box::new(field.ty.clone()),
        });
    }
    let conventional =
        Role::named(&ident.unraw().to_string()).filter(|role| role.is_conventional());
    let marked = mark.is_some();
    let mut mark = mark.unwrap_or_else(|| Mark {
        role: conventional.unwrap_or(Role::Own),
        span: ident.span(),
        provider: None,
    });
    if mark.role == Role::Recovery && conventional == Some(Role::Email) {
        roles::recovers_already(cx, mark.span);
        mark.role = Role::Email;
    }
    let name_span = args
        .column
        .as_ref()
        .map_or_else(|| ident.span(), SpannedValue::span);
    let name = args
        .column
        .map_or_else(|| ident.unraw().to_string(), |name| name.into_inner().0);
    if let Err(text) = identifier(&name) {
        cx.error(
            name_span,
            text,
            "or keep the field and write `#[auth(column = \"name\")]`",
        );
    }
    Some(Field::Column(Box::new(Column {
        register: on(&args.register),
        new_user: on(&args.new_user).is_some(),
        ty: field.ty.clone(),
        docs: field
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("doc"))
            .cloned()
            .collect(),
        default: args.default.map(SpannedValue::into_inner),
        unique: args.unique.is_some_and(|switch| switch.0),
        repr: args.repr.map(|repr| (*repr, repr.span())),
        max_length: args.max_length.map(|count| count.into_inner().0),
        name,
        name_span,
        role: mark.role,
        role_span: mark.span,
        provider: mark.provider,
        marked,
        ident,
    })))
}

fn auth_metas(cx: &Cx, attrs: &[Attribute]) -> Vec<Meta> {
    let mut all = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("auth")) {
        match &attr.meta {
            Meta::List(list) => all.extend(items::metas(cx, "`#[auth(…)]`", list.tokens.clone())),
            other => cx.error_on(
                other,
                "`#[auth]` says nothing without its keys",
                "write `#[auth(…)]`, or remove it",
            ),
        }
    }
    all
}

/// `AdminUser` → `admin_user`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && before_lower {
            out.push('_');
        }
        before_lower = !c.is_uppercase();
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn table_names_are_the_plural_in_snake_case() {
        assert_eq!(super::snake("User"), "user");
        assert_eq!(super::snake("AdminUser"), "admin_user");
        assert_eq!(super::snake("HTTPUser"), "httpuser");
    }
}
