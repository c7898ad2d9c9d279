//! Values that check themselves, so that darling reports every wrong one of an attribute at its own token.

use darling::FromMeta;
use syn::{Expr, Lit, Meta};

use crate::diag::spelled;

/// A value that is written as one literal.
pub(crate) trait Literal: Sized {
    /// What the key takes, for the message: "a lifetime".
    const KIND: &'static str;
    /// A literal to paste.
    const EXAMPLE: &'static str;
    /// Reads it; the error is the whole message. `key` is the key it stands behind.
    fn read(key: &str, lit: &Lit) -> Result<Self, String>;
}

/// `key = literal`, or an error that says so.
pub(crate) fn literal<T: Literal>(meta: &Meta) -> darling::Result<T> {
    let key = spelled(meta.path());
    let wrong = |what: &str| {
        darling::Error::custom(format!("`{key}` {what}; write `{key} = {}`", T::EXAMPLE))
    };
    let Meta::NameValue(pair) = meta else {
        return Err(wrong(&format!("needs {}", T::KIND)).with_span(meta.path()));
    };
    let Some(lit) = lit(&pair.value) else {
        return Err(
            wrong("is read when the code is compiled, so it takes a literal")
                .with_span(&pair.value),
        );
    };
    T::read(&key, lit).map_err(|text| darling::Error::custom(text).with_span(&pair.value))
}

/// The literal of an expression; invisible groups come from `macro_rules!`.
fn lit(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(lit) => Some(&lit.lit),
        Expr::Group(group) => lit(&group.expr),
        _ => None,
    }
}

/// The text of a string literal.
pub(crate) fn text<T: Literal>(key: &str, lit: &Lit) -> Result<String, String> {
    match lit {
        Lit::Str(text) => Ok(text.value()),
        _ => Err(format!(
            "`{key}` takes {}, in quotes; write `{key} = {}`",
            T::KIND,
            T::EXAMPLE
        )),
    }
}

macro_rules! from_literal {
    ($($(#[$doc:meta])* [$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> darling::FromMeta for $type {
            fn from_meta(item: &syn::Meta) -> darling::Result<Self> {
                $crate::read::value::literal(item)
            }
        }
    )*};
}
pub(crate) use from_literal;

from_literal! {
    [] Lifetime;
    [] LifetimeOrOff;
    [const MIN: u64, const MAX: u64] Count<MIN, MAX>;
    [] Memory;
    [] Rate;
    [] Text;
}

/// A switch: the word alone, or `= true` and `= false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Switch(pub(crate) bool);

impl FromMeta for Switch {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let key = spelled(item.path());
        match item {
            Meta::Path(_) => return Ok(Self(true)),
            Meta::NameValue(pair) => {
                if let Some(Lit::Bool(value)) = lit(&pair.value) {
                    return Ok(Self(value.value));
                }
            }
            Meta::List(_) => {}
        }
        let text =
            format!("`{key}` is a switch and takes no value; write `{key}`, or `{key} = false`");
        Err(darling::Error::custom(text).with_span(item.path()))
    }
}

const UNITS: &[(&str, u64)] = &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// A length of time with its unit: "15m", "30s", "12h", "14d".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub(crate) secs: u64,
}

impl Literal for Lifetime {
    const KIND: &'static str = "a lifetime";
    const EXAMPLE: &'static str = "\"15m\"";

    fn read(_: &str, lit: &Lit) -> Result<Self, String> {
        let Lit::Str(text) = lit else {
            return Err("a lifetime is a string with a unit, because a bare number hides whether it is seconds or minutes; write \"15m\", \"12h\" or \"14d\"".into());
        };
        lifetime(&text.value())
    }
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shown = if number.is_empty() { "15" } else { number };
    if unit.is_empty() && !number.is_empty() {
        return Err(format!(
            "lifetime \"{text}\" has no unit; write \"{shown}m\", \"{shown}h\" or \"{shown}d\""
        ));
    }
    let Some((_, factor)) = UNITS
        .iter()
        .find(|(name, _)| *name == unit && !number.is_empty())
    else {
        return Err(format!(
            "{text:?} is not a lifetime: digits and one of the units s, m, h, d; write \"{shown}m\", \"{shown}h\" or \"{shown}d\""
        ));
    };
    // Ten years: far above every sensible value, far below any overflow.
    match number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(*factor))
    {
        Some(0) => Err(format!(
            "lifetime \"{text}\" is over before it starts; write \"15m\", \"12h\" or \"14d\""
        )),
        Some(secs) if secs <= 3650 * 86_400 => Ok(Lifetime { secs }),
        _ => Err(format!(
            "lifetime \"{text}\" is longer than ten years; write \"3650d\" or less"
        )),
    }
}

/// A lifetime, or "off".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LifetimeOrOff {
    pub(crate) secs: u64,
}

impl Literal for LifetimeOrOff {
    const KIND: &'static str = "a lifetime or \"off\"";
    const EXAMPLE: &'static str = "\"10m\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        match lit {
            Lit::Str(text) if text.value() == "off" => Ok(Self { secs: 0 }),
            _ => Lifetime::read(key, lit).map(|lifetime| Self {
                secs: lifetime.secs,
            }),
        }
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Literal for Count<MIN, MAX> {
    const KIND: &'static str = "a whole number";
    const EXAMPLE: &'static str = "5";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let Lit::Int(number) = lit else {
            return Err(format!(
                "`{key}` takes a whole number without quotes; write `{key} = {}`",
                5.clamp(MIN, MAX)
            ));
        };
        match number.base10_parse::<u64>() {
            Ok(n) if (MIN..=MAX).contains(&n) => Ok(Self(n)),
            Ok(n) => Err(format!(
                "`{key} = {n}` is out of range; write a number from {MIN} to {MAX}"
            )),
            Err(_) => Err(format!(
                "`{key} = {number}` is too large; write a number from {MIN} to {MAX}"
            )),
        }
    }
}

/// An amount of memory: "19MiB", "65536KiB", "1GiB".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) kib: u32,
}

impl Literal for Memory {
    const KIND: &'static str = "an amount of memory";
    const EXAMPLE: &'static str = "\"19MiB\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        let units = [("KiB", 1), ("MiB", 1024), ("GiB", 1024 * 1024)];
        let found = units
            .iter()
            .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)));
        let kib =
            found.and_then(|(number, factor)| number.parse::<u32>().ok()?.checked_mul(factor));
        match kib {
            // 4 GiB for one hash is a typing mistake.
            Some(kib) if kib <= 4 * 1024 * 1024 => Ok(Self { kib }),
            Some(_) => Err(format!(
                "`{key} = \"{text}\"` is more than 4 GiB for one hash; write `{key} = \"19MiB\"`"
            )),
            None => Err(format!(
                "{text:?} is not an amount of memory: digits and KiB, MiB or GiB; write `{key} = \"19MiB\"`"
            )),
        }
    }
}

/// A limit: "5/h", or "off".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// 0 switches it off.
    pub(crate) times: u32,
    pub(crate) per_secs: u64,
}

impl Literal for Rate {
    const KIND: &'static str = "a limit";
    const EXAMPLE: &'static str = "\"5/h\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        if text == "off" {
            return Ok(Self {
                times: 0,
                per_secs: 3600,
            });
        }
        let parts = text.split_once('/').and_then(|(times, unit)| {
            let (_, per_secs) = UNITS.iter().find(|(name, _)| *name == unit)?;
            Some(Self {
                times: times.parse().ok()?,
                per_secs: *per_secs,
            })
        });
        match parts {
            Some(rate) if rate.times == 0 => Err(format!(
                "`{key} = \"{text}\"` would refuse every request; write `{key} = \"off\"` to have no limit"
            )),
            Some(rate) => Ok(rate),
            None => Err(format!(
                "{text:?} is not a limit: requests per s, m, h or d; write `{key} = \"5/h\"`, or \"off\""
            )),
        }
    }
}

/// Any text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Literal for Text {
    const KIND: &'static str = "a text";
    const EXAMPLE: &'static str = "\"…\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        if text.is_empty() {
            Err(format!(
                "`{key}` is empty; write the text, or remove the key"
            ))
        } else {
            Ok(Self(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: FromMeta>(meta: &str) -> String {
        T::from_meta(&syn::parse_str(meta).unwrap())
            .err()
            .map(|e| syn::Error::from(e).to_string())
            .unwrap_or_default()
    }

    #[test]
    fn lifetimes_are_read_with_their_unit() {
        for (text, secs) in [
            ("30s", 30),
            ("15m", 900),
            ("12h", 43_200),
            ("14d", 1_209_600),
        ] {
            assert_eq!(lifetime(text).unwrap().secs, secs);
        }
    }

    #[test]
    fn a_wrong_lifetime_shows_a_right_one() {
        assert_eq!(
            message::<Lifetime>("idle = \"30\""),
            "lifetime \"30\" has no unit; write \"30m\", \"30h\" or \"30d\""
        );
        assert!(message::<Lifetime>("idle = 30").starts_with("a lifetime is a string with a unit"));
        assert!(message::<Lifetime>("idle = \"0s\"").contains("over before it starts"));
        assert!(message::<Lifetime>("idle = \"15min\"").contains("is not a lifetime"));
        assert!(message::<Lifetime>("idle = \"\"").contains("is not a lifetime"));
        assert!(message::<Lifetime>("idle = \"99999999999999999999d\"").contains("ten years"));
        assert_eq!(
            message::<Lifetime>("idle"),
            "`idle` needs a lifetime; write `idle = \"15m\"`"
        );
        assert!(
            message::<Lifetime>("idle = days(3)").contains("is read when the code is compiled")
        );
    }

    #[test]
    fn a_wrong_number_shows_the_range() {
        assert_eq!(
            message::<Count<1, 100>>("n = 0"),
            "`n = 0` is out of range; write a number from 1 to 100"
        );
        assert!(message::<Count<1, 100>>("n = \"5\"").contains("without quotes"));
        assert!(message::<Count<1, 100>>("n = 99999999999999999999999").contains("too large"));
    }

    #[test]
    fn a_wrong_memory_or_rate_shows_a_right_one() {
        assert_eq!(
            Memory::read("m", &syn::parse_str("\"19MiB\"").unwrap())
                .unwrap()
                .kib,
            19 * 1024
        );
        assert!(message::<Memory>("m = \"19MB\"").contains("KiB, MiB or GiB"));
        assert!(message::<Memory>("m = 19456").contains("in quotes"));
        assert!(message::<Memory>("m = \"9GiB\"").contains("more than 4 GiB"));
        assert!(message::<Rate>("register = \"5 per hour\"").contains("is not a limit"));
        assert!(message::<Rate>("register = \"0/h\"").contains("refuse every request"));
        assert_eq!(message::<Rate>("register = \"off\""), "");
    }

    #[test]
    fn a_switch_takes_no_value() {
        assert_eq!(message::<Switch>("digit"), "");
        assert_eq!(message::<Switch>("digit = false"), "");
        assert!(message::<Switch>("digit = \"yes\"").contains("is a switch"));
    }
}
