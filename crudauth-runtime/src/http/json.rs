//! A JSON body, read once and strictly, and the fields asked of it.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::issue::Issue;
use super::problem::Problem;
use super::redirect::safe_redirect_path;
use crate::crypto::json::{self, Fault};
use crate::identity::parse_email;
use crate::secret::SecretText;

/// Deepest nesting of a body, the outermost object counted (SEC-133).
pub const MAX_DEPTH: usize = 32;

/// Longest address, in characters (contract §2.2).
const LONGEST_EMAIL: usize = 320;

/// The fields of a body. Each question that fails leaves an [`Issue`]; [`finish`](Self::finish) tells of all of them
/// at once, in the order asked. Fields that nobody asks for are ignored.
#[derive(Default)]
pub struct Fields {
    members: Map<String, Value>,
    issues: Vec<Issue>,
}

impl Fields {
    /// Reads a JSON object. No bytes at all count as an empty one.
    ///
    /// # Errors
    /// 422 for what is no JSON object in UTF-8, has a key twice in the same object, or is nested deeper than
    /// [`MAX_DEPTH`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let text = str::from_utf8(bytes).map_err(|error| {
            Problem::issue(Issue::json_invalid(error.valid_up_to(), "Invalid UTF-8"))
        })?;
        scan(text)?;
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Ok(Self {
                members,
                issues: Vec::new(),
            }),
            Ok(_) => Err(Problem::issue(Issue::model_attributes_type())),
            Err(error) => Err(syntax(text, &error)),
        }
    }

    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        let members = pairs
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)))
            .collect();
        Self {
            members,
            issues: Vec::new(),
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(&self.members).unwrap_or_default()
    }

    /// Required text without NUL, which PostgreSQL cannot hold.
    pub fn text(&mut self, name: &str) -> Option<String> {
        if !self.members.contains_key(name) {
            self.push(Issue::missing(name));
            return None;
        }
        let text = self.string(name)?.clone();
        self.without_nul(name, text)
    }

    /// A bare e-mail address that must be there, in its canonical form. `None` after recording the problem.
    pub(crate) fn email(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.chars().count() > LONGEST_EMAIL {
            self.push(Issue::string_too_long(name, LONGEST_EMAIL));
            return None;
        }
        match parse_email(&text) {
            Ok(email) => Some(email.into_string()),
            Err(reason) => {
                self.push(Issue::email(name, reason));
                None
            }
        }
    }

    /// Text that may be absent or null.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        if self.is_absent(name) {
            None
        } else {
            self.text(name)
        }
    }

    /// Where the browser goes afterwards, if the body says so and that is a page of this site (contract §3.8).
    pub(crate) fn redirect_to(&mut self) -> Option<String> {
        let path = self.optional_text("redirect_to")?;
        safe_redirect_path(&path).map(str::to_owned)
    }

    /// Required secret text, exactly as sent. It is moved out: a second question finds the field missing.
    pub fn secret(&mut self, name: &str) -> Option<SecretText> {
        match self.members.remove(name) {
            Some(Value::String(text)) => Some(SecretText::new(text)),
            Some(_) => {
                self.push(Issue::string_type(name));
                None
            }
            None => {
                self.push(Issue::missing(name));
                None
            }
        }
    }

    /// A required value of any type.
    pub fn value<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let Some(value) = self.members.get(name) else {
            self.push(Issue::missing(name));
            return None;
        };
        let parsed = if has_nul(value) {
            None
        } else {
            serde_json::from_value(value.clone()).ok()
        };
        if parsed.is_none() {
            self.push(Issue::invalid_value(name));
        }
        parsed
    }

    /// A value of any type that may be absent or null.
    pub fn optional_value<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        if self.is_absent(name) {
            None
        } else {
            self.value(name)
        }
    }

    /// Whether the body has this field, be it null.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Adds what the caller found wrong.
    pub fn push(&mut self, issue: Issue) {
        self.issues.push(issue);
    }

    /// Whether anything was wrong so far.
    #[must_use]
    pub fn has_issues(&self) -> bool {
        !self.issues.is_empty()
    }

    pub(super) fn count_issues(&self) -> usize {
        self.issues.len()
    }

    /// Ends the questions.
    ///
    /// # Errors
    /// 422 with every issue.
    pub fn finish(mut self) -> Result<(), Problem> {
        let issues = std::mem::take(&mut self.issues);
        if issues.is_empty() {
            Ok(())
        } else {
            Err(Problem::Validation(issues))
        }
    }

    /// Whether the body lacks this field, or has it as null.
    pub(crate) fn is_absent(&self, name: &str) -> bool {
        matches!(self.members.get(name), None | Some(Value::Null))
    }

    fn string(&mut self, name: &str) -> Option<&String> {
        if !matches!(self.members.get(name), Some(Value::String(_))) {
            self.push(Issue::string_type(name));
        }
        match self.members.get(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn without_nul(&mut self, name: &str, text: String) -> Option<String> {
        if text.contains('\0') {
            self.push(Issue::value_error(
                name,
                "Text should not contain the character NUL",
            ));
            return None;
        }
        Some(text)
    }
}

impl Drop for Fields {
    // A password that nobody asked for is still a password.
    fn drop(&mut self) {
        self.members.values_mut().for_each(wipe);
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("issues", &self.issues)
            .finish_non_exhaustive()
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Two parsers that pick different ones of two equal keys disagree about what was asked (ASVS 15.3.7), so the text is
/// walked once before it is read.
fn scan(text: &str) -> Result<(), Problem> {
    let (kind, told) = match json::scan(text.as_bytes(), MAX_DEPTH) {
        Ok(()) => return Ok(()),
        Err(Fault::Syntax(error)) => return Err(syntax(text, &error)),
        Err(Fault::Duplicate) => ("duplicate_field", "Each field may be given once"),
        Err(Fault::Depth) => ("nesting_too_deep", "Input is nested too deeply"),
        Err(Fault::Reserved) => ("reserved_field", "A field has a reserved name"),
    };
    Err(Problem::issue(Issue::whole(kind, told)))
}

/// Where reading stopped, in characters from the start, and why, in the words that the contract's clients know.
fn syntax(text: &str, error: &serde_json::Error) -> Problem {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let bytes = line_start.saturating_add(error.column().saturating_sub(1));
    let at = text
        .char_indices()
        .take_while(|(start, _)| *start < bytes)
        .count();
    let message = error.to_string();
    let told = REASONS
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map_or("Invalid JSON", |(_, told)| told);
    Problem::issue(Issue::json_invalid(at, told))
}

const REASONS: &[(&str, &str)] = &[
    (
        "key must be a string",
        "Expecting property name enclosed in double quotes",
    ),
    (
        "trailing comma",
        "Expecting property name enclosed in double quotes",
    ),
    (
        "EOF while parsing an object",
        "Expecting property name enclosed in double quotes",
    ),
    ("EOF while parsing a string", "Unterminated string"),
    ("EOF while parsing", "Expecting value"),
    ("expected value", "Expecting value"),
    ("expected `:`", "Expecting ':' delimiter"),
    ("expected `,`", "Expecting ',' delimiter"),
    ("trailing characters", "Extra data"),
    ("control character", "Invalid control character"),
    ("invalid escape", "Invalid \\escape"),
    ("lone leading surrogate", "Lone surrogate"),
    ("unexpected end of hex escape", "Lone surrogate"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &[u8]) -> Issue {
        match Fields::parse(body) {
            Err(Problem::Validation(issues)) => issues[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn issues_come_in_the_order_asked() {
        let mut fields = Fields::parse(br#"{"email": 5, "extra": {"x": 1}}"#).unwrap();
        assert!(fields.text("username").is_none());
        assert!(fields.text("email").is_none());
        assert!(fields.optional_text("absent").is_none());
        let Err(Problem::Validation(issues)) = fields.finish() else {
            panic!()
        };
        assert_eq!(
            issues,
            [Issue::missing("username"), Issue::string_type("email")]
        );
    }

    #[test]
    fn values_are_read_as_the_type_asked_for() {
        let mut fields = Fields::parse(
            br#"{"age": 7, "tags": ["a"], "none": null, "bad": "x", "s": "p\u0000w"}"#,
        )
        .unwrap();
        assert_eq!(fields.value::<u8>("age"), Some(7));
        assert_eq!(
            fields.value::<Vec<String>>("tags"),
            Some(vec!["a".to_owned()])
        );
        assert_eq!(fields.optional_value::<u8>("none"), None);
        assert!(!fields.has_issues());
        assert_eq!(fields.value::<u8>("bad"), None);
        assert_eq!(fields.value::<String>("s"), None);
        assert_eq!(fields.text("s"), None);
        assert_eq!(fields.secret("s").unwrap().expose(), "p\0w");
        let Err(Problem::Validation(issues)) = fields.finish() else {
            panic!()
        };
        assert_eq!(issues.len(), 3);
    }

    #[test]
    fn syntax_errors_have_the_recorded_shape() {
        assert_eq!(
            refused(b"{bad"),
            Issue::json_invalid(1, "Expecting property name enclosed in double quotes")
        );
        assert_eq!(refused(b"nope").kind, "json_invalid");
        assert_eq!(refused(b"{} {}").ctx.unwrap()["error"], "Extra data");
        for other in ["[]", "\"a\"", "5", "null"] {
            assert_eq!(refused(other.as_bytes()), Issue::model_attributes_type());
        }
    }

    #[test]
    fn sec_137_repeated_json_keys_are_refused() {
        for body in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":[{"b":1},{"c":0,"c":0}]}"#,
        ] {
            assert_eq!(refused(body.as_bytes()).kind, "duplicate_field", "{body}");
        }
        assert!(Fields::parse(br#"{"a":[{"b":1},{"b":1}],"b":2}"#).is_ok());
    }

    #[test]
    fn sec_137_repeated_keys_do_not_hide_in_raw_values() {
        let hidden = br#"{"a":{"$serde_json::private::RawValue":"{\"b\":1,\"b\":2}"}}"#;
        assert_eq!(refused(hidden).kind, "reserved_field");
    }

    #[test]
    fn sec_133_depth_is_bounded() {
        let nested = |depth: usize| {
            format!(
                "{{\"a\":{}{}}}",
                "[".repeat(depth - 1),
                "]".repeat(depth - 1)
            )
        };
        assert!(Fields::parse(nested(32).as_bytes()).is_ok());
        assert_eq!(refused(nested(33).as_bytes()).kind, "nesting_too_deep");
        assert_eq!(
            refused("[".repeat(60_000).as_bytes()).kind,
            "nesting_too_deep"
        );
    }

    #[test]
    fn sec_134_hostile_text_is_a_422() {
        let lone: &[u8] = br#"{"a":"\ud800"}"#;
        let low: &[u8] = br#"{"a":"\udc00x"}"#;
        let pair: &[u8] = br#"{"a":"\ud800\u0061"}"#;
        let huge: &[u8] = br#"{"a":1e999}"#;
        for body in [
            b"{\"a\":\"\xff\"}".as_slice(),
            lone,
            low,
            pair,
            huge,
            b"\xef\xbb\xbf{}",
            b" ",
            b"{\"a\":\"\0\"}",
        ] {
            assert_eq!(refused(body).kind, "json_invalid");
        }
        let mut fields = Fields::parse(br#"{"a":123456789012345678901234567890}"#).unwrap();
        assert_eq!(fields.value::<i64>("a"), None);
    }

    #[test]
    fn debug_shows_no_value() {
        let fields = Fields::parse(br#"{"password":"MARKER"}"#).unwrap();
        assert!(!format!("{fields:?}").contains("MARKER"));
    }
}
