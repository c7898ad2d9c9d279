//! JSON of one meaning: no object names a member twice, and nothing is nested without bound.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Levels of lists and objects in a signed text. Headers and claims have one or two.
const MAX_DEPTH: usize = 16;

/// Why a text is refused.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is nested too deeply.
    Depth,
    /// An object names a member twice.
    Duplicate,
    /// A member has a name that `serde_json` keeps for itself.
    Reserved,
    /// It is no JSON text, or more than one.
    Syntax(serde_json::Error),
}

/// Reads `bytes` if they are exactly one JSON text, no deeper than [`MAX_DEPTH`], in which no object names a member twice.
///
/// # Security
/// RFC 8259 leaves a repeated member to the reader's taste, and RFC 7515 §4 lets a reader keep the last one; two readers
/// that differ see two tokens under one signature.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value> {
    scan(bytes, MAX_DEPTH).ok()?;
    serde_json::from_slice(bytes).ok()
}

/// Walks one JSON text of at most `depth` levels and keeps nothing. A walk of its own, because `Value` keeps the last of two
/// equal members silently.
pub(crate) fn scan(bytes: &[u8], depth: usize) -> Result<(), Fault> {
    let refused = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let walk = Walk {
        depth,
        refused: &refused,
    };
    let outcome = walk.deserialize(&mut reader).and_then(|()| reader.end());
    match (refused.take(), outcome) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(Fault::Syntax(error)),
        (None, Ok(())) => Ok(()),
    }
}

/// Reads a value of at most so many levels.
#[derive(Clone, Copy)]
struct Walk<'a> {
    depth: usize,
    /// What `serde_json` cannot say in its own errors.
    refused: &'a Cell<Option<Fault>>,
}

impl Walk<'_> {
    fn inside<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.refuse(Fault::Depth)),
        }
    }

    fn refuse<E: Error>(self, fault: Fault) -> E {
        self.refused.set(Some(fault));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while list.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut names = HashSet::new();
        // A name as it reads once escapes are resolved: `"\u0061"` is `a`.
        while let Some(name) = object.next_key::<String>()? {
            if name == RAW_VALUE {
                return Err(self.refuse(Fault::Reserved));
            }
            if !names.insert(name) {
                return Err(self.refuse(Fault::Duplicate));
            }
            object.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// Under this key `serde_json` parses the text of the value anew, past the walk, if any crate of the application has
/// turned on its feature `raw_value`.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_073_a_member_named_twice_is_refused_at_every_depth() {
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"a":{"b":null,"b":2}}"#,
            r#"[{"x":[{"k":true,"l":0,"k":false}]}]"#,
            r#"{"":1,"":2}"#,
        ] {
            assert!(parse(twice.as_bytes()).is_none(), "{twice}");
        }
        for once in [
            r#"{"a":1,"A":1}"#,
            r#"{"a":{"a":{"a":[]}}}"#,
            r#"[{"a":1},{"a":1}]"#,
            " {} ",
            r#"{"n":[1,-1,1.5,1e3,true,null,"x"]}"#,
        ] {
            assert_eq!(
                parse(once.as_bytes()),
                serde_json::from_str(once).ok(),
                "{once}"
            );
        }
    }

    #[test]
    fn sec_073_only_one_whole_json_text_is_read() {
        for odd in [
            &b""[..],
            b"{}{}",
            b"{} x",
            b"{\"a\":1",
            b"{\"a\":1,}",
            b"{'a':1}",
            b"{a:1}",
            b"// x\n{}",
            b"NaN",
            b"{\"a\":NaN}",
            b"{\"a\":Infinity}",
            b"{\"a\":1e999}",
            b"{\"a\":01}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":\"\0\"}",
        ] {
            assert!(parse(odd).is_none(), "{}", odd.escape_ascii());
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&nested(16)).is_some());
        assert!(parse(&nested(17)).is_none());
        assert!(parse(&nested(4000)).is_none());
        let objects = format!("{}1{}", r#"{"a":"#.repeat(17), "}".repeat(17));
        assert!(parse(objects.as_bytes()).is_none());
    }
}
