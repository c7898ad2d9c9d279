//! E-mail addresses and user names, as far as their form goes.

use std::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::invisible::is_invisible;

/// A bare e-mail address in the one form in which it is stored, compared and written to: trimmed, NFKC, in lower
/// case, the domain in ASCII (IDNA, non-transitional).
///
/// # Security
/// Mail goes to this form and never to what was typed, so two spellings that compare alike are one mailbox
/// (CVE-2019-19844).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address as it may be shown to somebody who has not proven it: the first character, the domain, and no length.
///
/// ```
/// # use crudauth_runtime::identity::mask_email;
/// assert_eq!(mask_email("ada@example.com"), "a***@example.com");
/// assert_eq!(mask_email("no address"), "***");
/// ```
#[must_use]
pub fn mask_email(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            let first = local.chars().next().map(String::from).unwrap_or_default();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}

/// Reads a bare address: a dot-atom, an @-sign, and a domain of two or more labels. No display name, angle brackets,
/// quotes, comments or address literals.
///
/// # Errors
/// The reason, as a sentence without any of the input, for [`Issue::email`](crate::http::issue::Issue::email).
pub fn parse_email(text: &str) -> Result<Email, &'static str> {
    let text = text.trim_matches(' ');
    if text.len() > MAX_BYTES {
        return Err(EMAIL_TOO_LONG);
    }
    if text.chars().any(is_invisible) {
        return Err("The email address contains control or invisible characters.");
    }
    let text = fold(text);
    let text = text.trim();
    if text.contains(['<', '>']) {
        return Err(
            "A display name and angle brackets around the email address are not permitted here.",
        );
    }
    let (local, domain) = text
        .rsplit_once('@')
        .ok_or("An email address must have an @-sign.")?;
    check_local(local)?;
    let domain = check_domain(domain)?;
    let address = format!("{local}@{domain}");
    if address.len() > MAX_BYTES {
        Err(EMAIL_TOO_LONG)
    } else {
        Ok(Email(address))
    }
}

/// Lower case and NFKC, so often that another turn changes nothing.
fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// RFC 5322 §3.2.3 dot-atom, and RFC 6532's letters beyond ASCII.
fn check_local(local: &str) -> Result<(), &'static str> {
    let atom = |c: char| match c {
        'a'..='z' | '0'..='9' | '.' => true,
        _ if c.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(c),
        _ => (c.is_alphanumeric() || is_combining_mark(c)) && !is_invisible(c),
    };
    // A dotless i, or an i with a second dot, is an i to whoever folds by way of upper case: one letter, two mailboxes.
    let dotless = local.contains(['\u{131}', '\u{237}']) || local.contains("i\u{307}");
    if local.is_empty() {
        Err("There must be something before the @-sign.")
    } else if local.len() > MAX_LOCAL_BYTES {
        Err("The email address is too long before the @-sign.")
    } else if local.starts_with('.') {
        Err("An email address cannot start with a period.")
    } else if local.ends_with('.') {
        Err("An email address cannot have a period immediately before the @-sign.")
    } else if local.contains("..") {
        Err("An email address cannot have two periods in a row.")
    } else if dotless || !local.chars().all(atom) || local.starts_with(is_combining_mark) {
        Err("The email address contains invalid characters before the @-sign.")
    } else {
        Ok(())
    }
}

fn check_domain(domain: &str) -> Result<String, &'static str> {
    if domain.is_empty() {
        return Err("There must be something after the @-sign.");
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| BAD_DOMAIN)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    match labels.as_slice() {
        [] | [_] => Err("The part after the @-sign is not valid. It should have a period."),
        // An address literal without its brackets is nobody's domain.
        [.., last] if last.bytes().all(|byte| byte.is_ascii_digit()) => Err(BAD_DOMAIN),
        _ => Ok(ascii.into_owned()),
    }
}

/// Judges the form of a user name, which is stored as typed.
///
/// # Errors
/// The rule that it breaks, as a sentence without any of the input.
///
/// # Security
/// A name that reads like somebody's address, or like another name, lets its holder pass for them wherever one field
/// takes either.
pub fn check_username(text: &str) -> Result<(), &'static str> {
    if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err("Username should not be blank");
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err("Username should not begin or end with white space");
    }
    let folded: String = text.nfkc().collect();
    if text.chars().chain(folded.chars()).any(is_invisible) {
        return Err("Username should not contain control or invisible characters");
    }
    if folded.trim_matches('@').contains('@') {
        return Err("Username should not look like an email address");
    }
    Ok(())
}

const BAD_DOMAIN: &str = "The part after the @-sign is not a valid domain name.";
/// What [`parse_email`] says of an address that is too long.
pub const EMAIL_TOO_LONG: &str = "The email address is too long.";
/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;
/// 64 of the local part, the sign, and 255 of a domain.
const MAX_BYTES: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_stored_in_one_form() {
        for (typed, stored) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("a.b+tag@sub.example.co.uk", "a.b+tag@sub.example.co.uk"),
            ("\u{ff41}da\u{ff20}example.com", "ada@example.com"),
            ("\u{212a}ate@example.com", "kate@example.com"),
            (
                "ren\u{e9}@b\u{fc}cher.example",
                "ren\u{e9}@xn--bcher-kva.example",
            ),
            ("rene\u{301}@example\u{3002}com", "ren\u{e9}@example.com"),
            ("x@a--b.example", "x@a--b.example"),
        ] {
            let email = parse_email(typed).unwrap();
            assert_eq!(email.as_str(), stored);
            assert_eq!(parse_email(stored).unwrap(), email);
        }
    }

    #[test]
    fn the_stored_form_does_not_change_when_read_again() {
        for c in ('\0'..='\u{1ffff}').filter(|c| !c.is_ascii()) {
            if let Ok(email) = parse_email(&format!("a{c}b@example.com")) {
                assert_eq!(parse_email(email.as_str()), Ok(email), "{c:?}");
            }
        }
    }

    #[test]
    fn sec_025_an_i_with_another_dot_is_refused() {
        for text in ["m\u{131}ke@example.com", "m\u{130}ke@example.com"] {
            assert!(parse_email(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_bare_addresses_are_taken() {
        assert_eq!(
            parse_email("nope"),
            Err("An email address must have an @-sign.")
        );
        for bad in [
            "",
            "@",
            "a@",
            "@b.com",
            "a@b",
            "a@b..com",
            "a@-b.com",
            "a@b-.com",
            "a@b.com.",
            "a@.b.com",
            ".a@b.com",
            "a.@b.com",
            "a..b@c.com",
            "Ada <a@b.com>",
            "<a@b.com>",
            "\"a b\"@c.com",
            "a b@c.com",
            "a@b@c.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@b_c.com",
            "a(c)@b.com",
            "a,b@c.com",
            "a@b.com,c@d.com",
            "a;b@c.com",
            "a@b.com\\",
            "a@b.c om",
        ] {
            assert!(parse_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sec_095_line_ends_nul_and_bidi_controls_are_refused() {
        for bad in [
            "a@b.com\r\nBcc: x@y.com",
            "a@b.com\n",
            "a\0@b.com",
            "a\u{202e}@b.com",
            "a@b\u{200b}.com",
            "a@b.com\u{2028}",
            "a\u{115f}@b.com",
            "a\u{fe0f}@b.com",
            "a@b.com\t",
        ] {
            assert!(parse_email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sec_134_lengths_are_bounded() {
        assert!(parse_email(&format!("{}@b.com", "a".repeat(64))).is_ok());
        assert!(parse_email(&format!("{}@b.com", "a".repeat(65))).is_err());
        assert!(parse_email(&format!("a@{}.com", "b".repeat(64))).is_err());
        assert!(parse_email(&"a@".repeat(500_000)).is_err());
        assert!(parse_email(&format!("{}@b.com", "\u{fdfa}".repeat(60))).is_err());
    }

    #[test]
    fn user_names_may_be_anything_that_is_seen_and_no_address() {
        for good in [
            "alice",
            "Al Ice",
            "\u{e9}l\u{e8}ve",
            "\u{674e}\u{767d}",
            "a",
            "@alice",
            "alice@",
            "a.b-c_d",
        ] {
            assert_eq!(check_username(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            " ",
            "\u{3000}",
            "\u{3164}",
            " alice",
            "alice ",
            "alice\u{a0}",
            "al\nice",
            "al\0ice",
            "al\u{202e}ice",
            "al\u{200d}ice",
            "a\u{e0061}",
            "alice\u{fe0f}",
            "a@b.com",
            "a@b",
            "a\u{ff20}b.com",
            "a\u{fe6b}b",
            "@a@b",
        ] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
    }
}
