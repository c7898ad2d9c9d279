//! The collector of one expansion's errors, and the words in which they are told.
//!
//! Every message names the attribute, says what is wrong and why, and ends with the fix as text to paste.

use std::cell::RefCell;
use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Collects errors, so that all of them arrive in one compile, each on its own token.
#[derive(Default)]
pub(crate) struct Cx {
    errors: RefCell<Vec<syn::Error>>,
}

impl Cx {
    /// Reports `what`, followed by the `fix`, at `span`.
    pub(crate) fn error(&self, span: Span, what: impl Display, fix: impl Display) {
        self.push(syn::Error::new(span, format!("{what}; {fix}")));
    }

    /// Reports `what`, followed by the `fix`, under all of `tokens`.
    pub(crate) fn error_on(&self, tokens: impl ToTokens, what: impl Display, fix: impl Display) {
        self.push(syn::Error::new_spanned(tokens, format!("{what}; {fix}")));
    }

    /// Reports an error worded by the parser.
    pub(crate) fn push(&self, error: syn::Error) {
        self.errors.borrow_mut().push(error);
    }

    /// Reports everything darling found, one diagnostic per problem. The trailing "at key" of its own rendering is
    /// left out: the span says it.
    pub(crate) fn darling(&self, error: darling::Error) {
        for one in error.flatten() {
            self.push(one.into());
        }
    }

    /// Reports a key that `owner` does not have, and the one that was probably meant. Always false, so that it can
    /// stand in a filter.
    pub(crate) fn unknown_key(&self, owner: &str, key: impl ToTokens, known: &[&str]) -> bool {
        let word = spelled(&key);
        let text = match nearest(&word, known) {
            Some(meant) => format!("{owner} has no key `{word}`; did you mean `{meant}`?"),
            None => format!(
                "{owner} has no key `{word}`; expected one of: {}",
                known.join(", ")
            ),
        };
        self.push(syn::Error::new_spanned(key, text));
        false
    }

    /// The value, or `None` after reporting the error.
    pub(crate) fn ok<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Whether anything was reported.
    pub(crate) fn failed(&self) -> bool {
        !self.errors.borrow().is_empty()
    }

    /// One `compile_error!` per problem.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.errors
            .into_inner()
            .iter()
            .map(syn::Error::to_compile_error)
            .collect()
    }

    /// The messages alone, in order.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.errors
            .borrow()
            .iter()
            .flat_map(|e| e.clone().into_iter().map(|e| e.to_string()))
            .collect()
    }
}

/// Tokens as a person writes them: `a::b`, not `a :: b`.
pub(crate) fn spelled(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

/// The known word closest to `word`, if it is close enough to be meant: at most 1 + a quarter of its length away.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let reach = 1 + word.chars().count() / 4;
    let word = word.to_ascii_lowercase();
    let close = known
        .iter()
        .map(|k| (distance(&word, &k.to_ascii_lowercase()), *k))
        .filter(|(d, _)| *d <= reach);
    close.min_by_key(|(d, _)| *d).map(|(_, k)| k)
}

/// Levenshtein distance, where swapping two neighbours counts once.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut left_of_a = None;
    for (i, ca) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        let mut left_of_b = None;
        for (j, cb) in b.iter().copied().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(ca != cb))
                .min(at(&last, j + 1) + 1)
                .min(at(&row, j) + 1);
            if j > 0 && left_of_a == Some(cb) && left_of_b == Some(ca) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
            left_of_b = Some(cb);
        }
        left_of_a = Some(ca);
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits_and_swaps() {
        assert_eq!(distance("session", "session"), 0);
        assert_eq!(distance("sesion", "session"), 1);
        assert_eq!(distance("idel", "idle"), 1);
        assert_eq!(distance("", "idle"), 4);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_typo_finds_the_key_that_was_meant() {
        let known = ["session", "password", "lockout", "rate_limit", "ttl"];
        assert_eq!(nearest("sesion", &known), Some("session"));
        assert_eq!(nearest("tll", &known), Some("ttl"));
        assert_eq!(nearest("Password", &known), Some("password"));
        assert_eq!(nearest("ratelimit", &known), Some("rate_limit"));
        assert_eq!(nearest("EDDSA", &["HS256", "EdDSA"]), Some("EdDSA"));
    }

    #[test]
    fn a_word_far_from_all_keys_finds_none() {
        assert_eq!(nearest("oauth", &["session", "password"]), None);
        assert_eq!(nearest("x", &["session"]), None);
    }

    #[test]
    fn all_errors_are_kept() {
        let cx = Cx::default();
        cx.error(Span::call_site(), "first", "fix");
        cx.unknown_key("`auth!`", quote::quote!(sesion), &["session"]);
        assert_eq!(
            cx.messages(),
            [
                "first; fix",
                "`auth!` has no key `sesion`; did you mean `session`?"
            ]
        );
        assert!(cx.failed());
        assert_eq!(
            cx.into_tokens()
                .to_string()
                .matches("compile_error")
                .count(),
            2
        );
    }
}
