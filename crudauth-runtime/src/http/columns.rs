//! A JSON body as the source of an application's own columns.

use serde::de::DeserializeOwned;

use super::issue::Issue;
use super::json::Fields;
use crate::account::Body;

impl Body for Fields {
    fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.value(name)
    }

    fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<Option<T>> {
        let before = self.count_issues();
        let value = self.optional_value(name);
        (self.count_issues() == before).then_some(value)
    }

    fn text(&mut self, name: &'static str, max: Option<usize>) -> Option<String> {
        let text = Self::text(self, name)?;
        within(self, name, text, max)
    }

    fn optional_text(&mut self, name: &'static str, max: Option<usize>) -> Option<Option<String>> {
        let before = self.count_issues();
        let text = Self::optional_text(self, name);
        let text = match text {
            Some(text) => Some(within(self, name, text, max)?),
            None => None,
        };
        (self.count_issues() == before).then_some(text)
    }
}

fn within(fields: &mut Fields, name: &str, text: String, max: Option<usize>) -> Option<String> {
    match max {
        Some(max) if text.chars().count() > max => {
            fields.push(Issue::string_too_long(name, max));
            None
        }
        _ => Some(text),
    }
}
