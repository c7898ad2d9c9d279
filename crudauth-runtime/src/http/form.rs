//! A form, read strictly, and the fields asked of it.

use std::collections::HashSet;
use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;

use super::issue::Issue;
use super::json::Fields;
use super::problem::Problem;
use crate::secret::SecretText;

/// Most fields that a form or a query string may have (SEC-133).
pub(super) const MAX_FIELDS: usize = 100;

/// The fields of a form. An empty value counts as an absent field, as browsers send every box of a form.
#[derive(Debug, Default)]
pub struct Form(Fields);

impl Form {
    /// Required text without NUL.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.0.text(name)
    }

    /// Text that may be absent.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        self.0.optional_text(name)
    }

    /// Required secret text, exactly as sent. It is moved out: a second question finds the field missing.
    pub fn secret(&mut self, name: &str) -> Option<SecretText> {
        self.0.secret(name)
    }

    /// A truth value, false if absent.
    pub fn flag(&mut self, name: &str) -> bool {
        let Some(text) = self.optional_text(name) else {
            return false;
        };
        truth(&text).unwrap_or_else(|| {
            self.push(Issue::bool_parsing(name));
            false
        })
    }

    /// The form as a JSON object, without its issues.
    pub(crate) fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// Whether the form has a value for this field.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Adds what the caller found wrong.
    pub fn push(&mut self, issue: Issue) {
        self.0.push(issue);
    }

    /// Whether anything was wrong so far.
    #[must_use]
    pub fn has_issues(&self) -> bool {
        self.0.has_issues()
    }

    /// The fields, for a route that takes JSON as well.
    #[cfg(feature = "oauth")]
    pub(super) fn into_fields(self) -> Fields {
        self.0
    }

    /// Ends the questions.
    ///
    /// # Errors
    /// 422 with every issue.
    pub fn finish(self) -> Result<(), Problem> {
        self.0.finish()
    }

    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn urlencoded(bytes: &[u8]) -> Result<Self, Problem> {
        pairs(bytes).map(Self::from_pairs).map_err(Problem::issue)
    }

    /// Reads `multipart/form-data`; parts that are files are refused.
    pub(super) async fn multipart(bytes: Bytes, boundary: String) -> Result<Self, Problem> {
        let source = stream::once(async move { Ok::<_, Infallible>(bytes) });
        let mut parts = multer::Multipart::new(source, boundary);
        let mut pairs = Vec::new();
        while let Some(part) = parts
            .next_field()
            .await
            .map_err(|_| Problem::issue(unreadable()))?
        {
            if part.file_name().is_some() {
                return Err(Problem::issue(Issue::whole(
                    "file_refused",
                    "Files are not accepted here",
                )));
            }
            let name = part
                .name()
                .map(str::to_owned)
                .ok_or_else(|| Problem::issue(unreadable()))?;
            let value = part
                .bytes()
                .await
                .map_err(|_| Problem::issue(unreadable()))?;
            let value =
                String::from_utf8(value.into()).map_err(|_| Problem::issue(unreadable()))?;
            pairs.push((name, value));
            checked(&pairs).map_err(Problem::issue)?;
        }
        Ok(Self::from_pairs(pairs))
    }

    fn from_pairs(mut pairs: Vec<(String, String)>) -> Self {
        pairs.retain(|(_, value)| !value.is_empty());
        Self(Fields::from_pairs(pairs))
    }
}

/// Names and values of a form or query string, none repeated.
pub(super) fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, Issue> {
    let mut found = Vec::new();
    for piece in bytes
        .split(|byte| *byte == b'&')
        .filter(|piece| !piece.is_empty())
    {
        let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
            Some(at) => (
                piece.get(..at).unwrap_or_default(),
                piece.get(at + 1..).unwrap_or_default(),
            ),
            None => (piece, &[][..]),
        };
        if found.len() >= MAX_FIELDS {
            return Err(too_many());
        }
        found.push((decode(name)?, decode(value)?));
    }
    checked(&found)?;
    Ok(found)
}

fn checked(pairs: &[(String, String)]) -> Result<(), Issue> {
    if pairs.len() > MAX_FIELDS {
        return Err(too_many());
    }
    let mut seen = HashSet::new();
    if pairs.iter().all(|(name, _)| seen.insert(name)) {
        return Ok(());
    }
    // ASVS 15.3.7: whoever checked one of the two values may not be the one who acts on the other.
    Err(Issue::whole(
        "duplicate_field",
        "Each field may be given once",
    ))
}

/// Percent-decoding that refuses what it cannot read, where the usual decoders replace or pass it on.
fn decode(bytes: &[u8]) -> Result<String, Issue> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => match (
                rest.next().copied().and_then(hex),
                rest.next().copied().and_then(hex),
            ) {
                (Some(high), Some(low)) => high * 16 + low,
                _ => return Err(unreadable()),
            },
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| unreadable())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The truth values of forms and query strings.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" | "y" | "t" => Some(true),
        "false" | "0" | "off" | "no" | "n" | "f" => Some(false),
        _ => None,
    }
}

fn unreadable() -> Issue {
    Issue::whole("form_invalid", "Input should be a valid form in UTF-8")
}

fn too_many() -> Issue {
    Issue::whole("too_many_fields", "Too many fields")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind<T: std::fmt::Debug>(outcome: Result<T, Problem>) -> &'static str {
        match outcome {
            Err(Problem::Validation(issues)) => issues[0].kind,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_take_every_spelling() {
        let mut form = Form::urlencoded(b"a=TRUE&b=on&c=0&d=maybe&e=&g=n").unwrap();
        assert!(form.flag("a") && form.flag("b"));
        assert!(!form.flag("c") && !form.flag("e") && !form.flag("f") && !form.flag("g"));
        assert!(!form.has_issues());
        assert!(!form.flag("d"));
        assert_eq!(form.finish(), Err(Problem::issue(Issue::bool_parsing("d"))));
    }

    #[test]
    fn text_is_decoded_and_empty_counts_as_absent() {
        let mut form = Form::urlencoded(b"username=a%2Bb+c%C3%A9&password=&x").unwrap();
        assert_eq!(form.text("username").as_deref(), Some("a+b cé"));
        assert!(form.secret("password").is_none());
        assert_eq!(
            form.finish(),
            Err(Problem::issue(Issue::missing("password")))
        );
    }

    #[test]
    fn sec_137_repeated_form_fields_are_refused() {
        assert_eq!(kind(Form::urlencoded(b"a=1&b=2&a=1")), "duplicate_field");
        assert_eq!(kind(Form::urlencoded(b"a=1&%61=2")), "duplicate_field");
        assert_eq!(kind(Form::urlencoded(b"a=1&a")), "duplicate_field");
    }

    #[test]
    fn sec_134_percent_junk_and_broken_utf8_are_a_422() {
        for body in [
            b"a=%".as_slice(),
            b"a=%4",
            b"a=%zz",
            b"a=%ff",
            b"a=\xff",
            b"%c3=1",
            b"a=%+1",
        ] {
            assert_eq!(kind(Form::urlencoded(body)), "form_invalid");
        }
    }

    #[test]
    fn sec_133_fields_are_counted() {
        let form = |n: usize| {
            (0..n)
                .map(|i| format!("f{i}=1"))
                .collect::<Vec<_>>()
                .join("&")
        };
        assert!(Form::urlencoded(form(100).as_bytes()).is_ok());
        assert_eq!(
            kind(Form::urlencoded(form(101).as_bytes())),
            "too_many_fields"
        );
    }
}
