//! `#[allow(rule, reason = "…")]`: takes responsibility for one refused combination, in writing.

use syn::{Meta, Path};

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Facts, Feature, Parts};
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

/// The section. Which rules there are is known where they are judged.
pub(crate) struct Overrides {
    rules: Vec<Path>,
}

impl Section for Overrides {
    const NAME: &'static str = "allow";
    const DOC: &'static str = "Takes responsibility for refused combinations, in writing: `#[allow(rule, reason = \"…\")]`.";
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
        let rules = words.iter().map(|word| word.path().clone()).collect();
        Some(Self { rules })
    }
}

impl Feature for Overrides {
    fn tell(&self, facts: &mut Facts) {
        facts.allowed.extend(self.rules.iter().cloned());
    }

    fn expand(&self, _: &App) -> Parts {
        Parts::default()
    }
}
