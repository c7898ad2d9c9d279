//! Names that end up in SQL or in a cookie: checked here, at the literal, and nowhere trusted again.

use syn::Lit;

use crate::read::value::{Literal, from_literal, text};

from_literal! {
    [] Identifier;
    [] Prefix;
    [] CookieName;
    [] CookiePath;
    [] FieldName;
    [] SameSite;
}

/// An SQL name: `[A-Za-z_][A-Za-z0-9_]{0,62}`, so that nothing in it can end the quotes around it (SEC-128).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifier(pub(crate) String);

/// Why `text` is not an SQL name, if it is not.
pub(crate) fn identifier(text: &str) -> Result<(), String> {
    let mut chars = text.chars();
    let first = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && text.len() <= 63 {
        return Ok(());
    }
    Err(format!(
        "{text:?} is not an SQL name; write 1 to 63 letters a-z, digits and `_`, not beginning with a digit"
    ))
}

impl Literal for Identifier {
    const KIND: &'static str = "an SQL name";
    const EXAMPLE: &'static str = "\"users\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        identifier(&text).map(|()| Self(text))
    }
}

/// Whether `text` can name a provider: it stands in a path as it is, and in a cookie's name.
pub(crate) fn is_provider_name(text: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

/// The beginning of the names of our own tables; short enough that the longest name still fits in 63 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(pub(crate) String);

impl Literal for Prefix {
    const KIND: &'static str = "the beginning of an SQL name";
    const EXAMPLE: &'static str = "\"auth_\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        identifier(&text)?;
        if text.len() > 30 {
            return Err(format!(
                "{text:?} leaves no room for the tables' names; write at most 30 characters"
            ));
        }
        Ok(Self(text))
    }
}

/// A cookie name: a token (RFC 6265 §4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CookieName(pub(crate) String);

impl Literal for CookieName {
    const KIND: &'static str = "a cookie name";
    const EXAMPLE: &'static str = "\"session_id\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if text.is_empty() || text.len() > 64 || !text.chars().all(token) {
            return Err(format!(
                "{text:?} is not a cookie name; write 1 to 64 letters, digits, `-` and `_`"
            ));
        }
        Ok(Self(text))
    }
}

/// The `Path` attribute of a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CookiePath(pub(crate) String);

impl Literal for CookiePath {
    const KIND: &'static str = "a path";
    const EXAMPLE: &'static str = "\"/\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        let fits =
            |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',' | '"' | '\\' | '?' | '#');
        if !text.starts_with('/') || text.len() > 255 || !text.chars().all(fits) {
            return Err(format!(
                "{text:?} is not a cookie path; write \"/\" or a path such as \"/app\""
            ));
        }
        Ok(Self(text))
    }
}

/// The name of a form field or of a key in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldName(pub(crate) String);

impl Literal for FieldName {
    const KIND: &'static str = "the name of a form field";
    const EXAMPLE: &'static str = "\"csrf_token\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
            return Err(format!(
                "{text:?} is not a form field name; write letters, digits, `-` and `_`"
            ));
        }
        if matches!(text.as_str(), "username" | "password" | "remember_me") {
            return Err(format!(
                "the form field `{text}` is taken by sign-in; write `{key} = \"csrf_token\"`"
            ));
        }
        Ok(Self(text))
    }
}

/// `SameSite` of the session cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SameSite {
    Lax,
    Strict,
}

impl Literal for SameSite {
    const KIND: &'static str = "\"lax\" or \"strict\"";
    const EXAMPLE: &'static str = "\"lax\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        match text.to_ascii_lowercase().as_str() {
            "lax" => Ok(Self::Lax),
            "strict" => Ok(Self::Strict),
            "none" => Err(format!(
                "`{key} = \"none\"` sends the session cookie along with every request that another site makes (cross-site request forgery); write `{key} = \"lax\"` or \"strict\""
            )),
            _ => Err(format!(
                "`{key}` has no value {text:?}; write `{key} = \"lax\"` or \"strict\""
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use darling::FromMeta;

    fn message<T: FromMeta>(meta: &str) -> String {
        T::from_meta(&syn::parse_str(meta).unwrap())
            .err()
            .map(|e| syn::Error::from(e).to_string())
            .unwrap_or_default()
    }

    #[test]
    fn sec_128_hostile_identifiers_are_refused() {
        let long = "a".repeat(64);
        for hostile in [
            "", "users;--", "us\"ers", "us ers", "1users", "us\0ers", "usérs", "a.b", "`a`", "[a]",
            "a'b", &long,
        ] {
            assert!(identifier(hostile).is_err(), "{hostile:?}");
        }
        for fine in ["users", "_", "select", "Order", "a1", &long[1..]] {
            assert!(identifier(fine).is_ok(), "{fine:?}");
        }
    }

    #[test]
    fn wrong_names_are_refused_with_a_right_one() {
        assert!(message::<Identifier>("table = \"us ers\"").contains("is not an SQL name"));
        assert!(message::<Identifier>("table = users").contains("takes a literal"));
        assert!(
            message::<Prefix>("prefix = \"abcdefghijabcdefghijabcdefghij_\"")
                .contains("at most 30")
        );
        assert!(message::<CookieName>("cookie = \"a b\"").contains("is not a cookie name"));
        assert!(message::<CookiePath>("path = \"app\"").contains("is not a cookie path"));
        assert!(message::<CookiePath>("path = \"/;x\"").contains("is not a cookie path"));
        assert!(message::<FieldName>("csrf_field = \"password\"").contains("is taken by sign-in"));
        assert!(message::<FieldName>("csrf_field = \"a b\"").contains("is not a form field name"));
        assert!(message::<SameSite>("same_site = \"none\"").contains("cross-site request forgery"));
        assert!(message::<SameSite>("same_site = \"loose\"").contains("has no value"));
    }
}
