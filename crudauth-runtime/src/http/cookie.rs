//! Cookies, read and written.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::clock::Timestamp;
use crate::policy::SameSite;

/// What a request says under one cookie name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieValue<'a> {
    /// Nothing, or nothing that could have been ours.
    None,
    /// One value.
    One(&'a str),
    /// More than one. The request does not tell which of them came from whom: a neighbouring subdomain or a plain-HTTP
    /// man in the middle can plant the first or the last one (RFC 6265bis §8.6), so neither counts.
    Ambiguous,
}

/// The cookie `name` in all `Cookie` lines of a request. Cookies of other names may hold any bytes.
#[must_use]
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> CookieValue<'a> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| pairs(line.as_bytes()))
        .filter_map(|pair| value_of(pair, name));
    match (values.next(), values.next()) {
        (None, _) => CookieValue::None,
        (Some(_), Some(_)) => CookieValue::Ambiguous,
        (Some(value), None) => match str::from_utf8(value) {
            Ok(text) if text.is_ascii() => CookieValue::One(text),
            _ => CookieValue::None,
        },
    }
}

/// The one value of a cookie; a name that came twice is no value, because either could be planted (SEC-053).
#[must_use]
pub fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    match read(headers, name) {
        CookieValue::One(value) => Some(value),
        CookieValue::None | CookieValue::Ambiguous => None,
    }
}

/// How long a browser keeps the device cookie: as long as browsers keep any (RFC 6265bis §5.5, 400 days).
pub(crate) const DEVICE_AGE: Duration = Duration::from_hours(400 * 24);

/// What stands between the semicolons of a line.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line);
        rest = end.and_then(|end| line.get(end + 1..));
        line.get(..end.unwrap_or(line.len()))
    })
}

fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    // By its beginning: the search for a `=` would read every cookie of the site to its end.
    let rest = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
    let value = rest.trim_ascii_start().strip_prefix(b"=")?;
    Some(value.trim_ascii())
}

/// A cookie to be set. It never has a `Domain`, so it goes back to the host that set it and to no other.
#[derive(Debug, Clone, Copy)]
pub struct Cookie<'a> {
    name: &'a str,
    path: &'a str,
    same_site: SameSite,
    secure: bool,
    http_only: bool,
}

impl<'a> Cookie<'a> {
    /// A cookie with `HttpOnly`, `Path=/`, `SameSite=lax` and `Secure`.
    #[must_use]
    pub const fn new(name: &'a str) -> Self {
        Self {
            name,
            path: "/",
            same_site: SameSite::Lax,
            secure: true,
            http_only: true,
        }
    }

    /// Sets the `Path`.
    #[must_use]
    pub const fn path(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }

    /// Sets `SameSite`.
    #[must_use]
    pub const fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Sets or drops `Secure`.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Lets scripts of the page read the cookie, as they must the CSRF token.
    #[must_use]
    pub const fn readable(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// The `Set-Cookie` value that gives it `value`, for the browser's session or for `max_age`.
    #[must_use]
    pub fn set(&self, value: &str, max_age: Option<Duration>) -> HeaderValue {
        let value: String = value.chars().filter(|c| is_cookie_octet(*c)).collect();
        self.write(&value, None, max_age.map(|age| age.as_secs()))
    }

    /// The `Set-Cookie` value that deletes it, with the attributes with which it was set.
    #[must_use]
    pub fn delete(&self, now: Timestamp) -> HeaderValue {
        self.write("\"\"", Some(now), Some(0))
    }

    fn write(&self, value: &str, expires: Option<Timestamp>, max_age: Option<u64>) -> HeaderValue {
        let mut text = format!("{}={value}", self.name);
        if let Some(instant) = expires {
            text.push_str("; expires=");
            text.push_str(&http_date(instant));
        }
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        if let Some(seconds) = max_age {
            // Writing to a String cannot fail.
            let _ = write!(text, "; Max-Age={seconds}");
        }
        let same_site = match self.same_site {
            SameSite::Lax => "lax",
            SameSite::None => "none",
            SameSite::Strict => "strict",
        };
        let _ = write!(text, "; Path={}; SameSite={same_site}", self.path);
        if self.secure {
            text.push_str("; Secure");
        }
        // Name and path are checked where they are declared; should one be bad after all, no cookie is set.
        HeaderValue::try_from(text).unwrap_or_else(|_| {
            tracing::error!("a cookie's name or path cannot stand in a header");
            HeaderValue::from_static("")
        })
    }
}

/// The cookie-octets of RFC 6265bis §4.1.1: nothing that could end the value and begin an attribute.
const fn is_cookie_octet(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\')
}

/// An instant as HTTP writes it, to the second.
#[must_use]
pub fn http_date(instant: Timestamp) -> String {
    instant.to_datetime().format(HTTP_DATE).unwrap_or_default()
}

/// Whether browsers will take a cookie of this name with these attributes: `__Host-` demands `Secure` and `Path=/`,
/// `__Secure-` demands `Secure`. Browsers compare the prefixes without regard to case.
#[must_use]
pub fn host_prefix_ok(name: &str, secure: bool, path: &str) -> bool {
    let starts = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if starts("__Host-") {
        secure && path == "/"
    } else {
        secure || !starts("__Secure-")
    }
}

const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[&[u8]]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (COOKIE, HeaderValue::from_bytes(line).unwrap()))
            .collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = request(&[
            b"a=1; session_id=abc=; b",
            b"x=\xff\xfe; session_idx=9;SESSION_ID=8",
        ]);
        assert_eq!(read(&headers, "session_id"), CookieValue::One("abc="));
        assert_eq!(read(&headers, "x"), CookieValue::None);
        assert_eq!(read(&headers, "b"), CookieValue::None);
        assert_eq!(read(&HeaderMap::new(), "session_id"), CookieValue::None);
    }

    #[test]
    fn sec_053_two_values_of_one_name_are_ambiguous() {
        for lines in [
            &[b"session_id=a; session_id=b".as_slice()][..],
            &[b"session_id=a; session_id=a"],
            &[b"session_id=a", b"session_id=b"],
            &[b"session_id=a; session_id=\xff"],
            &[b"session_id=; session_id=b"],
        ] {
            assert_eq!(read(&request(lines), "session_id"), CookieValue::Ambiguous);
        }
    }

    #[test]
    fn sec_051_attributes_are_the_contracts() {
        let session = Cookie::new("session_id");
        assert_eq!(
            session.set("0abd", None),
            "session_id=0abd; HttpOnly; Path=/; SameSite=lax; Secure"
        );
        assert_eq!(
            session.set("0abd", Some(Duration::from_hours(720))),
            "session_id=0abd; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax; Secure"
        );
        assert_eq!(
            Cookie::new("csrf_token").readable().set("95", None),
            "csrf_token=95; Path=/; SameSite=lax; Secure"
        );
        assert_eq!(
            session
                .secure(false)
                .path("/auth")
                .same_site(SameSite::Strict)
                .set("v", None),
            "session_id=v; HttpOnly; Path=/auth; SameSite=strict"
        );
    }

    #[test]
    fn sec_049_deletion_has_the_same_attributes() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        assert_eq!(
            Cookie::new("session_id").delete(now),
            "session_id=\"\"; expires=Tue, 14 Nov 2023 22:13:20 GMT; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure"
        );
        assert_eq!(
            Cookie::new("csrf_token").readable().delete(now),
            "csrf_token=\"\"; expires=Tue, 14 Nov 2023 22:13:20 GMT; Max-Age=0; Path=/; SameSite=lax; Secure"
        );
    }

    #[test]
    fn a_value_cannot_add_attributes() {
        let header = Cookie::new("a").set("x; Domain=evil.example\r\n\u{e9}", None);
        assert_eq!(
            header,
            "a=xDomain=evil.example; HttpOnly; Path=/; SameSite=lax; Secure"
        );
    }

    #[test]
    fn prefixes_demand_their_attributes() {
        assert!(host_prefix_ok("__Host-id", true, "/"));
        assert!(!host_prefix_ok("__Host-id", false, "/"));
        assert!(!host_prefix_ok("__host-id", true, "/auth"));
        assert!(!host_prefix_ok("__Secure-id", false, "/"));
        assert!(host_prefix_ok("é", false, "/x"));
    }
}
