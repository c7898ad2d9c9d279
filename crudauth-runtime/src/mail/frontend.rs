//! Where the application's pages are: the beginning of every link, taken from the declaration and never from a request.

use std::net::Ipv6Addr;

/// Reads an absolute URL without a query, a fragment or user information, and gives it back without the slash at its end.
/// The error ends a sentence that begins with the URL. `auth!` judges the literal in the block by the
/// same rule (`read/link.rs` of the macros); both read the cases in `tests/frontend_urls.txt`.
pub(crate) fn parse(text: &str) -> Result<&str, &'static str> {
    let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err("is not an absolute URL of the form `https://app.example.com`"),
    };
    if rest.contains(['?', '#']) {
        return Err("has a query or a fragment, where the links put their own");
    }
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if authority.contains('@') {
        return Err("has user information, which a message would show to everybody");
    }
    let host = host(authority)
        .ok_or("has no valid host (an international name is written in its ASCII form, `xn--…`)")?;
    if !https && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return Err(
            "begins with http, and a link that is opened over it can be read on the network (account takeover); http is for localhost, 127.0.0.1 and [::1] alone",
        );
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if !path.split('/').skip(1).all(segment) {
        return Err("has a path that browsers read in more than one way");
    }
    Ok(text.strip_suffix('/').unwrap_or(text))
}

/// The host of `host` or `host:port`.
fn host(authority: &str) -> Option<&str> {
    let end = if authority.starts_with('[') {
        authority.find(']')?.checked_add(1)?
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at_checked(end)?;
    let digits = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
    if !port.is_empty() {
        let number = port.strip_prefix(':').filter(digits)?.parse::<u16>().ok()?;
        (number > 0).then_some(())?;
    }
    if let Some(rest) = host.strip_prefix('[') {
        rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
        return Some(host);
    }
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    host.split('.').all(label).then_some(host)
}

/// A path segment that means the same to everybody (RFC 3986 §3.3), and is not removed. Of ASCII, nothing is
/// percent-encoded: `%2e%2e` is `..` to a browser.
fn segment(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
        let fits = plain
            || byte == b'%'
                && bytes
                    .next()
                    .is_some_and(|high| matches!(high, b'8' | b'9' | b'A'..=b'F' | b'a'..=b'f'))
                && bytes.next().is_some_and(|low| low.is_ascii_hexdigit());
        if !fits {
            return false;
        }
    }
    !matches!(text, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_block_and_the_builder_read_a_url_alike() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/frontend_urls.txt");
        let cases = std::fs::read_to_string(path).unwrap();
        for case in cases.lines().skip(1) {
            let (text, wanted) = case.split_once(" => ").unwrap();
            match (parse(text), wanted.strip_prefix("refused: ")) {
                (Ok(read), None) => assert_eq!(read, wanted, "{text:?}"),
                (Err(why), Some(wanted)) => assert!(why.contains(wanted), "{text:?}: {why}"),
                (found, _) => panic!("{text:?}: {found:?}"),
            }
        }
        for hostile in [
            "https://a\r\n",
            "https://a/\0",
            "https://a/\u{202e}",
            "\thttps://a",
        ] {
            assert!(parse(hostile).is_err(), "{hostile:?}");
        }
    }
}
