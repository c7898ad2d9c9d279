//! `#[allow(rule, reason = "…")]`: takes responsibility for one refused combination, in writing.

use syn::Meta;

use crate::check;
use crate::diag::{Cx, spelled};
use crate::features::{Feature, Parts, Section};
use crate::model::App;
use crate::read::items;
use crate::read::section::{Input, Key, from_metas};
use crate::read::value::Text;

const KEYS: &[Key] = &[Key::new(
    "reason",
    "text",
    "required",
    "Why the attack does not apply here.",
)];

#[derive(darling::FromMeta, Default)]
#[darling(default)]
struct Args {
    reason: Option<Text>,
}

/// The section.
pub(crate) struct Overrides {
    rules: Vec<String>,
}

impl Overrides {
    /// Whether `rule` was allowed.
    pub(crate) fn allows(&self, rule: &str) -> bool {
        self.rules.iter().any(|allowed| allowed == rule)
    }
}

impl Section for Overrides {
    const NAME: &'static str = "allow";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        let metas = items::metas(cx, "`#[allow]`", input.tokens.clone());
        let (words, keys): (Vec<_>, Vec<_>) = metas
            .into_iter()
            .partition(|meta| matches!(meta, Meta::Path(_)));
        let (reasons, unknown): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .partition(|meta| meta.path().is_ident("reason"));
        for meta in &unknown {
            cx.unknown_key("`#[allow]`", meta.path(), &["reason"]);
        }
        let given = !reasons.is_empty();
        let _: Option<Args> = from_metas(cx, reasons);
        if !given {
            let what = "`#[allow]` takes responsibility for an attack, so it says why that attack does not apply here";
            cx.error_on(&input.path, what, "add `reason = \"…\"`");
        }
        let known = check::rules();
        let mut rules = Vec::new();
        for word in words {
            if known.iter().any(|rule| word.path().is_ident(rule)) {
                rules.push(spelled(word.path()));
            } else {
                cx.unknown_key("`#[allow]` inside `auth!`", word.path(), &known);
            }
        }
        Some(Self { rules })
    }
}

impl Feature for Overrides {
    fn expand(&self, _: &App) -> Parts {
        Parts::default()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
