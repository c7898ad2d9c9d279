//! `#[password(…)]`: what a new password must be, and how it is stored.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{LitStr, Meta};

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Declared, Facts, Feature, Parts};
use crate::read::items::split;
use crate::read::section::{Input, Key, section};
use crate::read::value::{Count, Lifetime, LifetimeOrOff, Memory, Switch};
use crate::tokens::{assign, duration, need};

const KEYS: &[Key] = &[
    Key::new(
        "min",
        "number",
        "8",
        "Fewest characters, counted after Unicode normalisation.",
    ),
    Key::new(
        "danger_min",
        "number",
        "none",
        "Fewest characters below 8: such passwords are guessed in minutes (brute force).",
    ),
    Key::new("max", "number", "1024", "Most bytes, as sent."),
    Key::new(
        "strict",
        "switch",
        "off",
        "NIST SP 800-63B-4 where the password is the only factor: at least 15 characters.",
    ),
    Key::new(
        "uppercase",
        "switch",
        "off",
        "Demands an upper-case letter.",
    ),
    Key::new("lowercase", "switch", "off", "Demands a lower-case letter."),
    Key::new("digit", "switch", "off", "Demands a digit."),
    Key::new(
        "special",
        "switch",
        "off",
        "Demands a character that is neither letter nor digit.",
    ),
    Key::new(
        "danger_common",
        "switch",
        "off",
        "Accepts the commonest passwords (password spraying).",
    ),
    Key::new(
        "reuse",
        "switch",
        "off",
        "Accepts the present password as the new one.",
    ),
    Key::new(
        "words",
        "texts in parentheses",
        "none",
        "Product words that a password must not contain.",
    ),
    Key::group("argon2", "Cost of one hash.", ARGON2),
    Key::new(
        "permits",
        "number",
        "the number of cores",
        "Hashes that may run at once.",
    ),
    Key::new(
        "queue",
        "number",
        "64",
        "Requests that may wait for a hash.",
    ),
    Key::new("wait", "lifetime", "\"5s\"", "Longest wait for a hash."),
    Key::new(
        "fresh_sign_in",
        "lifetime or \"off\"",
        "\"10m\"",
        "How long a sign-in counts as recent for `/set-password`.",
    ),
];

const ARGON2: &[Key] = &[
    Key::new("m", "memory", "\"19MiB\"", "Memory."),
    Key::new("t", "number", "2", "Passes."),
    Key::new("p", "number", "1", "Lanes."),
];

#[derive(FromMeta, Default)]
#[darling(default)]
struct Args {
    min: Option<SpannedValue<Count<1, 1024>>>,
    danger_min: Option<SpannedValue<Count<1, 7>>>,
    max: Option<SpannedValue<Count<64, 4096>>>,
    strict: Option<SpannedValue<Switch>>,
    uppercase: Option<Switch>,
    lowercase: Option<Switch>,
    digit: Option<Switch>,
    special: Option<Switch>,
    danger_common: Option<SpannedValue<Switch>>,
    reuse: Option<Switch>,
    words: Option<Words>,
    argon2: Option<SpannedValue<Argon2>>,
    permits: Option<Count<1, 1024>>,
    queue: Option<Count<0, 100_000>>,
    wait: Option<Lifetime>,
    fresh_sign_in: Option<LifetimeOrOff>,
}

#[derive(FromMeta, Default)]
#[darling(default)]
struct Argon2 {
    m: Option<Memory>,
    t: Option<Count<1, 64>>,
    p: Option<Count<1, 16>>,
}

/// `words("acme", "shop")`
struct Words(Vec<String>);

impl FromMeta for Words {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let wrong = |span: Span| {
            darling::Error::custom(
                "`words` takes texts in parentheses; write `words(\"acme\", \"shop\")`",
            )
            .with_span(&span)
        };
        let Meta::List(list) = item else {
            return Err(wrong(syn::spanned::Spanned::span(item)));
        };
        let mut words = Vec::new();
        for token in split(list.tokens.clone()) {
            let span = syn::spanned::Spanned::span(&token);
            let word = syn::parse2::<LitStr>(token)
                .map_err(|_| wrong(span))?
                .value();
            // Shorter parts occur in honest passwords by chance.
            if word.chars().count() < 4 {
                let text = format!(
                    "the word {word:?} is shorter than 4 characters and would refuse honest passwords; remove it"
                );
                return Err(darling::Error::custom(text).with_span(&span));
            }
            words.push(word);
        }
        if words.is_empty() {
            Err(wrong(syn::spanned::Spanned::span(&list.path)))
        } else {
            Ok(Self(words))
        }
    }
}

/// The section.
pub(crate) struct Password {
    /// Where it was written; the section is in every block.
    span: Option<Span>,
    args: Args,
    /// `danger_common`, and where.
    common: Option<Span>,
}

impl Password {
    fn lower(span: Option<Span>, args: Args) -> Self {
        let common = args
            .danger_common
            .as_ref()
            .filter(|switch| switch.0)
            .map(SpannedValue::span);
        Self { span, args, common }
    }

    fn min(&self) -> Option<u64> {
        let strict = self
            .args
            .strict
            .as_ref()
            .filter(|switch| switch.0)
            .map(|_| 15);
        let min = self.args.min.as_ref().map(|count| count.0);
        min.or_else(|| self.args.danger_min.as_ref().map(|count| count.0))
            .or(strict)
    }

    fn check_length(&self, cx: &Cx) {
        let args = &self.args;
        if let Some(min) = args.min.as_ref().filter(|min| min.0 < 8) {
            cx.error(min.span(), format!("`min = {}` allows passwords that are guessed in minutes (brute force; NIST SP 800-63B-4 asks for 8 at least)", min.0), format!("write `min = 8` or more, or `danger_min = {}`", min.0));
        }
        if let (Some(_), Some(danger)) = (&args.min, &args.danger_min) {
            cx.error(
                danger.span(),
                "`min` and `danger_min` say the same thing twice",
                "remove one of them",
            );
        }
        if let Some(strict) = args.strict.as_ref().filter(|switch| switch.0)
            && let Some(min) = self.min().filter(|min| *min < 15)
        {
            cx.error(
                strict.span(),
                format!(
                    "`strict` asks for 15 characters at least, and the shortest allowed is {min}"
                ),
                "remove `strict`, or `min`",
            );
        }
        // One character can be one byte, so a longer minimum could never be met below the maximum.
        let max = args.max.as_ref().map_or(1024, |max| max.0);
        if let Some(min) = args.min.as_ref().filter(|min| min.0 > max) {
            cx.error(
                min.span(),
                format!("`min = {}` is more than `max` allows ({max} bytes)", min.0),
                "write a smaller `min`, or a larger `max`",
            );
        }
    }

    /// OWASP Password Storage Cheat Sheet, the table of equal strength (SEC-002).
    fn check_argon2(&self, cx: &Cx) {
        let Some(argon2) = &self.args.argon2 else {
            return;
        };
        let (m, t) = (
            argon2.m.map_or(19 * 1024, |m| m.kib),
            argon2.t.map_or(2, |t| t.0),
        );
        let enough = [(7, 5), (12, 3), (19, 2)]
            .iter()
            .any(|(mib, passes)| m >= mib * 1024 && t >= *passes);
        if !enough {
            cx.error(
                argon2.span(),
                format!("argon2id with {m} KiB and t = {t} is weaker than OWASP allows, so a stolen table is soon cracked"),
                "write `argon2(m = \"19MiB\", t = 2)`, `argon2(m = \"12MiB\", t = 3)` or `argon2(m = \"7MiB\", t = 5)`",
            );
        }
    }

    fn policy(&self) -> TokenStream {
        let mut out = TokenStream::new();
        let args = &self.args;
        let on = |switch: Option<Switch>| switch.map(|switch| switch.0);
        let size = |count: Option<u64>| count.and_then(|count| usize::try_from(count).ok());
        assign!(out, password.min = size(self.min()));
        assign!(
            out,
            password.max = size(args.max.as_ref().map(|count| count.0))
        );
        assign!(out, password.uppercase = on(args.uppercase));
        assign!(out, password.lowercase = on(args.lowercase));
        assign!(out, password.digit = on(args.digit));
        assign!(out, password.special = on(args.special));
        assign!(out, password.danger_common = self.common.map(|_| true));
        assign!(out, password.reuse = on(args.reuse));
        assign!(
            out,
            password.words = args.words.as_ref().map(|words| {
                let words = &words.0;
                quote!(&[#(#words),*])
            })
        );
        if let Some(argon2) = &args.argon2 {
            assign!(out, password.argon2.m_kib = argon2.m.map(|m| m.kib));
            assign!(
                out,
                password.argon2.t = argon2.t.and_then(|t| u32::try_from(t.0).ok())
            );
            assign!(
                out,
                password.argon2.p = argon2.p.and_then(|p| u32::try_from(p.0).ok())
            );
        }
        assign!(
            out,
            password.permits = size(args.permits.map(|count| count.0))
        );
        assign!(out, password.queue = size(args.queue.map(|count| count.0)));
        assign!(
            out,
            password.wait = args.wait.map(|lifetime| duration(lifetime.secs))
        );
        assign!(
            out,
            fresh_sign_in = args.fresh_sign_in.map(|lifetime| duration(lifetime.secs))
        );
        out
    }
}

impl Section for Password {
    const NAME: &'static str = "password";
    const DOC: &'static str = "What a new password must be, and how it is stored.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        Some(Self::lower(
            Some(input.span()),
            section(cx, Self::NAME, KEYS, input).unwrap_or_default(),
        ))
    }

    fn implied(_: &[Declared]) -> Option<Self> {
        Some(Self::lower(None, Args::default()))
    }
}

impl Feature for Password {
    fn check(&self, cx: &Cx) {
        self.check_length(cx);
        self.check_argon2(cx);
    }

    fn tell(&self, facts: &mut Facts) {
        facts.common_passwords = self.common;
    }

    fn expand(&self, app: &App) -> Parts {
        let user = &app.user;
        Parts {
            policy: self.policy(),
            features: vec![quote!(__p::account::feature::<Self>())],
            // The derive demands the column; who implements the traits by hand is told where the section is written.
            needs: self
                .span
                .map(|span| need(span, &quote!(__p::need_password::<#user>();)))
                .unwrap_or_default(),
            ..Parts::default()
        }
    }
}
