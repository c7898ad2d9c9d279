//! What is wrong with one field of a request.

use serde::Serialize;
use serde_json::{Value, json};

/// One entry of a 422 answer's `detail`.
///
/// # Security
/// It has no member for what was sent: a body that lacks one field would otherwise bring back the password beside it.
/// Callers keep input out of `msg` and `ctx` too.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Issue {
    /// What kind of mistake it is: a stable name for programs.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where it is: `body` or `query`, then the field, or an offset into JSON that could not be read.
    pub loc: Vec<Loc>,
    /// A sentence for people.
    pub msg: String,
    /// What the rule asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
    /// A finer stable name, where `kind` covers several mistakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

/// One step of [`Issue::loc`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Loc {
    /// A name.
    Name(String),
    /// An offset in characters.
    At(usize),
}

impl Issue {
    /// A mistake in the field `field` of the body.
    pub fn new(kind: &'static str, field: &str, msg: impl Into<String>) -> Self {
        let mut issue = Self::whole(kind, msg);
        issue.loc.push(Loc::Name(field.to_owned()));
        issue
    }

    /// Whether it is about the field `field`.
    #[must_use]
    pub fn is_at(&self, field: &str) -> bool {
        matches!(self.loc.last(), Some(Loc::Name(name)) if name == field)
    }

    /// A mistake in the body as a whole.
    pub fn whole(kind: &'static str, msg: impl Into<String>) -> Self {
        Self {
            kind,
            loc: vec![Loc::Name("body".to_owned())],
            msg: msg.into(),
            ctx: None,
            code: None,
        }
    }

    /// Adds what the rule asks for.
    #[must_use]
    pub fn with_ctx(mut self, ctx: Value) -> Self {
        self.ctx = Some(ctx);
        self
    }

    /// Adds a finer stable name.
    #[must_use]
    pub const fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Moves the mistake from the body to the query string.
    #[must_use]
    pub fn in_query(mut self) -> Self {
        if let Some(first) = self.loc.first_mut() {
            *first = Loc::Name("query".to_owned());
        }
        self
    }

    /// A required field that is not there.
    #[must_use]
    pub fn missing(field: &str) -> Self {
        Self::new("missing", field, "Field required")
    }

    /// Something else than text.
    #[must_use]
    pub fn string_type(field: &str) -> Self {
        Self::new("string_type", field, "Input should be a valid string")
    }

    /// Fewer than `min` characters.
    #[must_use]
    pub fn string_too_short(field: &str, min: usize) -> Self {
        let msg = format!("String should have at least {min} {}", characters(min));
        Self::new("string_too_short", field, msg).with_ctx(json!({ "min_length": min }))
    }

    /// More than `max` characters.
    #[must_use]
    pub fn string_too_long(field: &str, max: usize) -> Self {
        let msg = format!("String should have at most {max} {}", characters(max));
        Self::new("string_too_long", field, msg).with_ctx(json!({ "max_length": max }))
    }

    /// No e-mail address; `reason` is [`parse_email`](crate::identity::parse_email)'s.
    #[must_use]
    pub fn email(field: &str, reason: &'static str) -> Self {
        let msg = format!("value is not a valid email address: {reason}");
        Self::new("value_error", field, msg).with_ctx(json!({ "reason": reason }))
    }

    /// No truth value.
    #[must_use]
    pub fn bool_parsing(field: &str) -> Self {
        Self::new(
            "bool_parsing",
            field,
            "Input should be a valid boolean, unable to interpret input",
        )
    }

    /// A body that is no JSON, from the character `at` on.
    #[must_use]
    pub fn json_invalid(at: usize, error: &'static str) -> Self {
        let mut issue =
            Self::whole("json_invalid", "JSON decode error").with_ctx(json!({ "error": error }));
        issue.loc.push(Loc::At(at));
        issue
    }

    /// A body that is no JSON object.
    #[must_use]
    pub fn model_attributes_type() -> Self {
        Self::whole(
            "model_attributes_type",
            "Input should be a valid dictionary or object to extract fields from",
        )
    }

    /// Text that does not have the form which `pattern` describes.
    #[must_use]
    pub fn pattern_mismatch(field: &str, pattern: &'static str) -> Self {
        let msg = format!("String should match pattern '{pattern}'");
        Self::new("string_pattern_mismatch", field, msg).with_ctx(json!({ "pattern": pattern }))
    }

    /// A new password that breaks the policy; the built-in rules have a name for `requirement`.
    pub fn password_policy(
        field: &str,
        msg: impl Into<String>,
        requirement: Option<&'static str>,
    ) -> Self {
        let issue = Self::new("password_policy", field, msg);
        match requirement {
            Some(name) => issue.with_ctx(json!({ "requirement": name })),
            None => issue,
        }
    }

    /// Any other rule about a value.
    pub fn value_error(field: &str, msg: impl Into<String>) -> Self {
        Self::new("value_error", field, msg)
    }

    /// A value of the wrong type or range.
    #[must_use]
    pub fn invalid_value(field: &str) -> Self {
        Self::value_error(field, "Input should be a valid value")
    }
}

const fn characters(n: usize) -> &'static str {
    if n == 1 { "character" } else { "characters" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(issue: &Issue) -> String {
        serde_json::to_string(issue).unwrap()
    }

    #[test]
    fn issues_have_the_recorded_shapes() {
        assert_eq!(
            wire(&Issue::missing("password")),
            r#"{"type":"missing","loc":["body","password"],"msg":"Field required"}"#
        );
        assert_eq!(
            wire(&Issue::string_too_short("password", 8)),
            r#"{"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 8 characters","ctx":{"min_length":8}}"#
        );
        assert_eq!(
            wire(&Issue::json_invalid(1, "Expecting value")),
            r#"{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error","ctx":{"error":"Expecting value"}}"#
        );
        assert_eq!(
            wire(&Issue::bool_parsing("keep_current").in_query()),
            r#"{"type":"bool_parsing","loc":["query","keep_current"],"msg":"Input should be a valid boolean, unable to interpret input"}"#
        );
        assert_eq!(
            wire(&Issue::password_policy("password", "breached", None)),
            r#"{"type":"password_policy","loc":["body","password"],"msg":"breached"}"#
        );
    }
}
