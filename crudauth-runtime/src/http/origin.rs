//! Whether an unsafe request was sent by a page of ours.

use std::fmt;
use std::net::Ipv6Addr;

use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, HeaderName, Method, Uri};

/// A web origin: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Reads `https://example.com` or `http://localhost:3000`, with nothing behind it but perhaps one slash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (origin, rest) = split(text)?;
        matches!(rest, "" | "/").then_some(origin)
    }

    const fn default_port(https: bool) -> u16 {
        if https { 443 } else { 80 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            if self.https { "https" } else { "http" },
            self.host
        )?;
        if self.port == Self::default_port(self.https) {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

/// The request was sent by a page that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignOrigin;

/// Judges an unsafe request by what a browser says of the page that sent it. Browsers mark requests with
/// `Sec-Fetch-Site`; from those that do not, an `Origin`, else a `Referer`, must name one of `allowed`, or without
/// such a list the host that the request itself names. A request with none of the three is no browser's and passes.
///
/// # Errors
/// [`ForeignOrigin`] if a foreign page sent it, or if what it says is contradictory or cannot be read.
///
/// # Security
/// Without `allowed` the scheme is not compared, and the host is the one that a reverse proxy passes on.
pub fn check_origin(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    allowed: Option<&[Origin]>,
    refuse_same_site: bool,
) -> Result<(), ForeignOrigin> {
    if is_safe(method) {
        return Ok(());
    }
    let own = match single(headers, &SEC_FETCH_SITE)?
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("same-origin" | "none") => true,
        Some("same-site") if !refuse_same_site => true,
        Some("cross-site" | "same-site") => false,
        _ => match (single(headers, &ORIGIN)?, single(headers, &REFERER)?) {
            (Some(origin), _) => {
                // `null`, and anything with a path, is not the origin of a page of ours.
                let origin = split(origin)
                    .filter(|(_, rest)| rest.is_empty())
                    .map(|(origin, _)| origin);
                is_ours(&origin.ok_or(ForeignOrigin)?, uri, headers, allowed)?
            }
            (None, Some(referer)) => is_ours(
                &split(referer).ok_or(ForeignOrigin)?.0,
                uri,
                headers,
                allowed,
            )?,
            (None, None) => true,
        },
    };
    if own { Ok(()) } else { Err(ForeignOrigin) }
}

/// Judges an unsafe request by its `Origin` alone, which must be one of `allowed`: for a cookie that goes out from every site,
/// where the pages of the application are on another one. A request without `Origin` passes if it is not marked as a page's.
///
/// # Errors
/// [`ForeignOrigin`] if a page that is not named sent it, or if what it says cannot be read.
pub fn check_named(
    method: &Method,
    headers: &HeaderMap,
    allowed: &[Origin],
) -> Result<(), ForeignOrigin> {
    if is_safe(method) {
        return Ok(());
    }
    let named = match single(headers, &ORIGIN)? {
        Some(origin) => Origin::parse(origin).is_some_and(|origin| allowed.contains(&origin)),
        None => matches!(
            single(headers, &SEC_FETCH_SITE)?,
            None | Some("same-origin" | "none")
        ),
    };
    if named { Ok(()) } else { Err(ForeignOrigin) }
}

/// The methods that change nothing, RFC 9110 §9.2.1.
#[must_use]
pub fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

fn is_ours(
    origin: &Origin,
    uri: &Uri,
    headers: &HeaderMap,
    allowed: Option<&[Origin]>,
) -> Result<bool, ForeignOrigin> {
    if let Some(allowed) = allowed {
        return Ok(allowed.contains(origin));
    }
    let host = single(headers, &HOST)?;
    let named = uri
        .authority()
        .map(axum::http::uri::Authority::as_str)
        .or(host)
        .ok_or(ForeignOrigin)?;
    let (host, port) = authority(named).ok_or(ForeignOrigin)?;
    Ok(host == origin.host && port.unwrap_or(Origin::default_port(origin.https)) == origin.port)
}

/// The only line of a header. Two of them are two stories.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ForeignOrigin> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| ForeignOrigin),
        (Some(_), Some(_)) => Err(ForeignOrigin),
    }
}

/// The origin of a URL, and what follows it.
fn split(url: &str) -> Option<(Origin, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let https = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (host, port) = authority(rest.get(..end)?)?;
    Some((
        Origin {
            https,
            host,
            port: port.unwrap_or(Origin::default_port(https)),
        },
        rest.get(end..)?,
    ))
}

/// Host in lower case, and port. No user information.
fn authority(text: &str) -> Option<(String, Option<u16>)> {
    let host_end = if text.starts_with('[') {
        text.find(']')?.checked_add(1)?
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, port) = (text.get(..host_end)?, text.get(host_end..)?);
    let port = match port {
        "" => None,
        _ => Some(
            port.strip_prefix(':')
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?
                .parse()
                .ok()?,
        ),
    };
    let host = match host.strip_prefix('[') {
        Some(rest) => format!("[{}]", rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
        None => host.to_ascii_lowercase(),
    };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!host.is_empty() && (host.starts_with('[') || host.bytes().all(name))).then_some((host, port))
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    struct Case {
        lines: Vec<(&'static str, &'static str)>,
        configured: bool,
        refuse_same_site: bool,
    }

    impl Case {
        fn passes(&self, method: &Method) -> bool {
            let mut headers =
                HeaderMap::from_iter([(HOST, HeaderValue::from_static("app.example"))]);
            for (name, value) in &self.lines {
                headers.append(*name, HeaderValue::from_static(value));
            }
            let allowed = [Origin::parse("https://app.example").unwrap()];
            let allowed = self.configured.then_some(&allowed[..]);
            check_origin(
                method,
                &Uri::from_static("/login"),
                &headers,
                allowed,
                self.refuse_same_site,
            )
            .is_ok()
        }
    }

    const SITES: &[(Option<&str>, Option<bool>)] = &[
        (None, None),
        (Some("same-origin"), Some(true)),
        (Some("none"), Some(true)),
        (Some("cross-site"), Some(false)),
        (Some("Cross-Site"), Some(false)),
        (Some("martian"), None),
    ];

    const ORIGINS: &[(Option<&str>, Option<bool>)] = &[
        (None, None),
        (Some("https://app.example"), Some(true)),
        (Some("HTTPS://APP.example:443"), Some(true)),
        (Some("https://app.example:8443"), Some(false)),
        (Some("https://evil.example"), Some(false)),
        (Some("https://app.example.evil.example"), Some(false)),
        (Some("https://app.example@evil.example"), Some(false)),
        (Some("https://app.example/path"), Some(false)),
        (Some("null"), Some(false)),
        (Some(""), Some(false)),
        (Some("garbage"), Some(false)),
        (Some("file://"), Some(false)),
    ];

    const REFERERS: &[(Option<&str>, Option<bool>)] = &[
        (None, None),
        (Some("https://app.example/some/page?x#y"), Some(true)),
        (
            Some("https://evil.example/https://app.example"),
            Some(false),
        ),
        (Some("https://evil.example\\@app.example/"), Some(false)),
        (Some("about:blank"), Some(false)),
    ];

    #[test]
    fn sec_060_the_matrix_of_headers_and_methods() {
        for (site, by_site) in SITES {
            for (origin, by_origin) in ORIGINS {
                for (referer, by_referer) in REFERERS {
                    for configured in [false, true] {
                        let lines = [
                            ("sec-fetch-site", site),
                            ("origin", origin),
                            ("referer", referer),
                        ];
                        let lines = lines
                            .into_iter()
                            .filter_map(|(name, value)| Some((name, (*value)?)))
                            .collect();
                        let case = Case {
                            lines,
                            configured,
                            refuse_same_site: false,
                        };
                        let expected = by_site.or(*by_origin).or(*by_referer).unwrap_or(true);
                        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                            assert_eq!(case.passes(&method), expected, "{method} {:?}", case.lines);
                        }
                        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
                            assert!(case.passes(&method));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn sec_060_same_site_is_refused_by_option() {
        let lines = vec![
            ("sec-fetch-site", "same-site"),
            ("origin", "https://other.example"),
        ];
        let mut case = Case {
            lines,
            configured: true,
            refuse_same_site: false,
        };
        assert!(case.passes(&Method::POST));
        case.refuse_same_site = true;
        assert!(!case.passes(&Method::POST));
    }

    #[test]
    fn sec_060_repeated_lines_are_refused() {
        for (name, value) in [
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://app.example"),
            ("referer", "https://app.example/"),
        ] {
            let case = Case {
                lines: vec![(name, value); 2],
                configured: true,
                refuse_same_site: false,
            };
            assert!(!case.passes(&Method::POST), "{name}");
        }
        let lines = vec![("host", "app.example"), ("origin", "https://app.example")];
        assert!(
            !Case {
                lines,
                configured: false,
                refuse_same_site: false
            }
            .passes(&Method::POST)
        );
    }

    #[test]
    fn the_scheme_counts_once_origins_are_configured() {
        let lines = vec![("origin", "http://app.example")];
        let mut case = Case {
            lines,
            configured: true,
            refuse_same_site: false,
        };
        assert!(!case.passes(&Method::POST));
        case.configured = false;
        assert!(case.passes(&Method::POST));
    }

    #[test]
    fn origins_are_read_strictly() {
        assert_eq!(
            Origin::parse("HTTP://LocalHost:80/").unwrap().to_string(),
            "http://localhost"
        );
        assert_eq!(
            Origin::parse("https://[::1]:8443").unwrap().to_string(),
            "https://[::1]:8443"
        );
        for bad in [
            "https://",
            "https://a b",
            "https://a:",
            "https://a:99999",
            "https://a:+1",
            "ftp://a",
            "a",
            "https://a/b",
            "https://[a]",
            "https://\u{e9}",
        ] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }
}
