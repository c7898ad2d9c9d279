//! A list in parentheses, item by item: one item that cannot be read does not hide the others.

use darling::ast::NestedMeta;
use proc_macro2::{TokenStream, TokenTree};
use syn::{Ident, Lit, Meta};

use crate::diag::Cx;

/// Splits at the commas of the outermost level; commas between `<` and `>` belong to a type.
pub(crate) fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut items = Vec::new();
    let mut item = Vec::new();
    let mut depth = 0usize;
    for token in tokens {
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                ',' if depth == 0 => {
                    items.push(
                        std::mem::take(&mut item)
                            .into_iter()
                            .collect::<TokenStream>(),
                    );
                    continue;
                }
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        item.push(token);
    }
    items.push(item.into_iter().collect());
    items.retain(|item| !item.is_empty());
    items
}

/// Reads `key`, `key = "value"` and `key(…)`; reports what is neither.
pub(crate) fn metas(cx: &Cx, owner: &str, tokens: TokenStream) -> Vec<Meta> {
    split(tokens)
        .into_iter()
        .filter_map(|item| meta(cx, owner, item))
        .collect()
}

fn meta(cx: &Cx, owner: &str, item: TokenStream) -> Option<Meta> {
    match syn::parse2::<NestedMeta>(item.clone()) {
        Ok(NestedMeta::Meta(meta)) => Some(meta),
        Ok(NestedMeta::Lit(lit)) => {
            let word = match &lit {
                Lit::Str(text) => text.parse::<Ident>().ok(),
                _ => None,
            };
            let fix = match word {
                Some(word) => format!("write `{word}` without quotes, or `key = value`"),
                None => "write `key = value`".to_owned(),
            };
            cx.error_on(lit, format!("{owner} takes keys, not a bare value"), fix);
            None
        }
        Ok(NestedMeta::NameValueInvalidExpr(_)) | Err(_) => {
            cx.error_on(
                item,
                format!("{owner} cannot read this"),
                "write each entry as `key`, `key = \"value\"` or `key(…)`, separated by commas",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn commas_inside_types_and_groups_do_not_split() {
        assert_eq!(split(quote!(a, b(c, d), hooks::<A, B>,)).len(), 3);
    }

    #[test]
    fn one_unreadable_item_does_not_hide_the_others() {
        let cx = Cx::default();
        let metas = metas(&cx, "`#[session]`", quote!(idle = "3m", 5, = 3, management));
        assert_eq!((metas.len(), cx.messages().len()), (2, 2));
    }
}
