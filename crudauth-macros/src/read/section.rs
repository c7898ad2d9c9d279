//! One attribute with keys: unknown and repeated keys are reported here and dropped, so that the others are still
//! checked. (darling fails the whole list on the first unknown key, and does not word it as we do.)

use darling::FromMeta;
use darling::ast::NestedMeta;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Expr, Lit, Meta, MetaList, Path};

use crate::diag::Cx;
use crate::read::items;

/// One key as the attribute reference shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// What kind of value it takes.
    pub(crate) kind: &'static str,
    /// What leaving it out means.
    pub(crate) default: &'static str,
    /// One sentence.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the attribute reference and its test")
    )]
    pub(crate) doc: &'static str,
    pub(crate) nested: &'static [Key],
}

impl Key {
    pub(crate) const fn new(
        name: &'static str,
        kind: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default,
            doc,
            nested: &[],
        }
    }

    pub(crate) const fn group(
        name: &'static str,
        doc: &'static str,
        nested: &'static [Key],
    ) -> Self {
        Self {
            kind: "keys",
            nested,
            ..Self::new(name, "", "", doc)
        }
    }

    /// A group that a block may say it does not have.
    pub(crate) const fn group_or_off(
        name: &'static str,
        doc: &'static str,
        nested: &'static [Key],
    ) -> Self {
        Self {
            kind: OR_OFF,
            ..Self::group(name, doc, nested)
        }
    }
}

impl Key {
    /// As one begins to write it.
    fn shown(&self) -> String {
        if self.kind.ends_with("in parentheses") {
            format!("{}(…)", self.name)
        } else {
            format!("{} = …", self.name)
        }
    }
}

const OR_OFF: &str = "keys, or \"off\"";

/// One attribute as written.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) path: Path,
    pub(crate) tokens: TokenStream,
}

impl Input {
    /// Takes the list of `#[name(…)]`; `#[name]` is an empty list.
    pub(crate) fn new(cx: &Cx, meta: Meta) -> Option<Self> {
        match meta {
            Meta::Path(path) => Some(Self {
                path,
                tokens: TokenStream::new(),
            }),
            Meta::List(list) => Some(Self {
                path: list.path,
                tokens: list.tokens,
            }),
            Meta::NameValue(pair) => {
                let name = crate::diag::spelled(&pair.path);
                cx.error_on(
                    &pair,
                    format!("`#[{name}]` takes its keys in parentheses"),
                    format!("write `#[{name}(…)]`"),
                );
                None
            }
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.path.span()
    }
}

/// Reads `#[name(…)]` by `T`'s keys.
pub(crate) fn section<T: FromMeta>(cx: &Cx, name: &str, keys: &[Key], input: &Input) -> Option<T> {
    let owner = format!("`#[{name}]`");
    let metas = known(
        cx,
        &owner,
        keys,
        items::metas(cx, &owner, input.tokens.clone()),
    );
    from_metas(cx, metas)
}

/// What darling makes of keys that were filtered.
pub(crate) fn from_metas<T: FromMeta>(cx: &Cx, metas: Vec<Meta>) -> Option<T> {
    let nested: Vec<_> = metas.into_iter().map(NestedMeta::Meta).collect();
    T::from_list(&nested)
        .map_err(|error| cx.darling(error))
        .ok()
}

/// Keeps the keys in `keys`, each once; reports the others.
pub(crate) fn known(cx: &Cx, owner: &str, keys: &[Key], metas: Vec<Meta>) -> Vec<Meta> {
    let names: Vec<_> = keys.iter().map(|key| key.name).collect();
    let mut kept: Vec<Meta> = Vec::new();
    for meta in metas {
        let Some(key) = keys.iter().find(|key| meta.path().is_ident(key.name)) else {
            cx.unknown_key(owner, meta.path(), &names);
            continue;
        };
        if kept.iter().any(|other| other.path().is_ident(key.name)) {
            cx.error_on(
                meta.path(),
                format!("`{}` is given twice in {owner}", key.name),
                "remove one of them",
            );
            continue;
        }
        if key.nested.is_empty() {
            kept.push(meta);
        } else {
            kept.extend(nested(cx, key, meta));
        }
    }
    kept
}

fn nested(cx: &Cx, key: &Key, meta: Meta) -> Option<Meta> {
    let name = key.name;
    let Meta::List(list) = meta else {
        if key.kind == OR_OFF && is_off(&meta) {
            return Some(meta);
        }
        let first = key.nested.first().map_or(String::new(), Key::shown);
        let or_off = if key.kind == OR_OFF {
            format!(", or `{name} = \"off\"` for none")
        } else {
            String::new()
        };
        cx.error_on(
            &meta,
            format!("`{name}` takes its keys in parentheses"),
            format!("write `{name}({first})`{or_off}"),
        );
        return None;
    };
    let owner = format!("`{name}(…)`");
    let metas = known(
        cx,
        &owner,
        key.nested,
        items::metas(cx, &owner, list.tokens.clone()),
    );
    Some(Meta::List(MetaList {
        tokens: quote!(#(#metas),*),
        ..list
    }))
}

/// `key = "off"`
fn is_off(meta: &Meta) -> bool {
    matches!(meta, Meta::NameValue(pair) if matches!(&pair.value, Expr::Lit(value) if matches!(&value.lit, Lit::Str(text) if text.value() == "off")))
}
