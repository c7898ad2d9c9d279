//! The one Unicode form of a password, and the one form of an identifier.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A password in the form in which it is measured, checked and hashed: NFKC (NIST SP 800-63B-4 §3.1.1.2), otherwise as
/// it was typed. Spaces are kept, case is kept, nothing is cut off.
///
/// # Security
/// Redacted in `Debug`, wiped from memory with the last clone, without `PartialEq`, `Display` or `Serialize`.
#[derive(Clone)]
pub struct Normalized(Arc<Forms>);

struct Forms {
    normal: Zeroizing<String>,
    /// Only where it differs.
    typed: Option<Zeroizing<String>>,
}

impl Normalized {
    /// Normalises `text`.
    ///
    /// # Errors
    /// [`TooLong`] if `text` has more than `max_bytes` bytes as it was sent.
    ///
    /// # Security
    /// The ceiling is checked first: normalising costs time in proportion to the length, and an attacker chooses it
    /// (CVE-2013-1443).
    pub fn new(text: &str, max_bytes: usize) -> Result<Self, TooLong> {
        if text.len() > max_bytes {
            return Err(TooLong { max_bytes });
        }
        // Measured first, so that the text never grows and leaves an unwiped copy behind.
        let bytes = text.nfkc().map(char::len_utf8).sum();
        let mut normal = Zeroizing::new(String::with_capacity(bytes));
        normal.extend(text.nfkc());
        let typed = (normal.as_str() != text).then(|| Zeroizing::new(text.to_owned()));
        Ok(Self(Arc::new(Forms { normal, typed })))
    }

    /// The text itself, named so that every use stands out in review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.normal
    }

    /// The text as it was typed, where that is another: an imported hash may have been made from it.
    #[must_use]
    pub fn expose_typed(&self) -> Option<&str> {
        self.0.typed.as_ref().map(|typed| typed.as_str())
    }

    /// Length as the policy counts it: in code points.
    #[must_use]
    pub fn code_points(&self) -> usize {
        self.0.normal.chars().count()
    }
}

impl fmt::Debug for Normalized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A password is longer than the ceiling. At registration this is a 422 of type `string_too_long`; at sign-in it is the
/// same answer as a wrong password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// The ceiling, in bytes.
    pub max_bytes: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "String should have at most {} characters",
            self.max_bytes
        )
    }
}

impl std::error::Error for TooLong {}

/// The form in which identifiers are compared: without outer white space, NFKC, case-folded (so `Ａlice`, `ALICE` and
/// `alice ` are one account). Folding twice gives the same as folding once.
#[must_use]
pub fn fold_identifier(text: &str) -> String {
    let mut folded = fold_once(text);
    // One pass is enough for all but a few sequences; those settle in the next.
    for _ in 0..MAX_PASSES {
        let again = fold_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn fold_once(text: &str) -> String {
    let normal: String = text.nfkc().collect();
    let folded: String = caseless::default_case_fold_str(&normal).nfkc().collect();
    // NFKC turns some characters into a space and a mark (U+00A8), so white space may appear at the ends.
    folded.trim().to_owned()
}

/// Far more than any text needs; a bound, so that no text can make it spin.
const MAX_PASSES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Normalized {
        Normalized::new(text, 1024).unwrap()
    }

    #[test]
    fn sec_012_nothing_is_truncated() {
        let long = "x".repeat(1023);

        assert_eq!(normal(&format!("{long}y")).expose(), format!("{long}y"));
        assert_eq!(normal(" a\0b ").expose(), " a\0b ");
        assert!(Normalized::new(&"é".repeat(64), 1024).is_ok());
    }

    #[test]
    fn sec_013_the_ceiling_counts_bytes_as_sent() {
        assert!(Normalized::new(&"x".repeat(1024), 1024).is_ok());
        assert_eq!(
            Normalized::new(&"x".repeat(1025), 1024).unwrap_err(),
            TooLong { max_bytes: 1024 }
        );
        // 342 characters of 3 bytes: too long as sent, although NFKC would make one byte of each.
        assert!(Normalized::new(&"ａ".repeat(342), 1024).is_err());
        assert!(
            Normalized::new(&"ﷺ".repeat(341), 1024)
                .unwrap()
                .expose()
                .len()
                > 1024
        );
    }

    #[test]
    fn sec_015_one_form_whatever_the_keyboard_sends() {
        assert_eq!(normal("caf\u{e9}").expose(), normal("cafe\u{301}").expose());
        assert_eq!(normal("ﬁｓｈ").expose(), "fish");
        assert_eq!(
            normal("한글").expose(),
            normal("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}").expose()
        );
        assert_ne!(normal("Fish").expose(), normal("fish").expose());
    }

    #[test]
    fn the_buffer_never_grows() {
        let password = normal("ﷺﷺﷺ é");

        assert_eq!(password.0.normal.capacity(), password.0.normal.len());
    }

    #[test]
    fn length_is_counted_in_code_points_after_normalising() {
        assert_eq!(normal("😀😀😀😀😀😀😀😀").code_points(), 8);
        assert_eq!(normal("e\u{301}").code_points(), 1);
        assert_eq!(normal("ﬃ").code_points(), 3);
    }

    #[test]
    fn sec_139_debug_shows_nothing_of_the_password() {
        assert_eq!(format!("{:?}", normal("MARKER")), "[redacted]");
    }

    #[test]
    fn spellings_of_one_identifier_fold_alike() {
        for (text, folded) in [
            ("  Alice\t", "alice"),
            ("ＡＬＩＣＥ", "alice"),
            ("ﬁona", "fiona"),
            ("STRASSE", "strasse"),
            ("straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
            ("Σίσυφος", "σίσυφοσ"),
            ("e\u{301}", "é"),
            ("ı", "ı"),
            ("İ", "i\u{307}"),
            ("ǰ", "ǰ"),
            ("K", "k"),
            ("", ""),
            (" ", ""),
        ] {
            assert_eq!(fold_identifier(text), folded, "{text}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once() {
        let alone = (0..=0x0001_ffff)
            .filter_map(char::from_u32)
            .map(String::from);
        let sequences = [
            "α\u{345}\u{301}",
            "\u{345}\u{301}α",
            "¨ ¨",
            "ᾳ\u{345}",
            "\u{1f80}\u{345}",
            "ŉ\u{301}",
            "ΐ\u{345}",
        ];

        for text in alone.chain(sequences.map(str::to_owned)) {
            let once = fold_identifier(&text);
            assert_eq!(fold_identifier(&once), once, "{text:?}");
        }
    }
}
