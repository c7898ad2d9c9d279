//! JSON as a signed text must be: one reading for everybody.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Levels of lists and objects. Headers and claims have one or two.
const MAX_DEPTH: u8 = 16;

/// Reads `bytes` if they are exactly one JSON text, no deeper than [`MAX_DEPTH`], in which no object names a member twice.
///
/// # Security
/// RFC 8259 leaves a repeated member to the reader's taste, and RFC 7515 §4 lets a reader keep the last one; two readers
/// that differ see two tokens under one signature.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Unambiguous(MAX_DEPTH).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    serde_json::from_slice(bytes).ok()
}

/// Reads a value of at most so many levels and keeps nothing.
#[derive(Clone, Copy)]
struct Unambiguous(u8);

impl Unambiguous {
    fn inside<E: Error>(self) -> Result<Self, E> {
        self.0
            .checked_sub(1)
            .map(Self)
            .ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
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
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member twice"));
            }
            object.next_value_seed(inside)?;
        }
        Ok(())
    }
}

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
