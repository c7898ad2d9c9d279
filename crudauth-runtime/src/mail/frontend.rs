//! Where the application's pages are: the beginning of every link, taken from the declaration and never from a request.

use std::net::Ipv6Addr;

/// Reads an absolute URL without a query, a fragment or user information, and gives it back without the slash at its end.
/// The error ends a sentence that begins with the URL. `auth!` judges the literal in the block by the same rule.
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
            "begins with http, and a link that is opened over it can be read on the network; https is needed everywhere but on localhost, 127.0.0.1 and [::1]",
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

/// A path segment that means the same to everybody (RFC 3986 §3.3), and is not removed.
fn segment(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    !matches!(text, "" | "." | "..") && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn one_slash_at_the_end_says_nothing() {
        for (text, read) in [
            ("https://app.example.com", "https://app.example.com"),
            ("https://app.example.com/", "https://app.example.com"),
            (
                "https://app.example.com:8443/account/",
                "https://app.example.com:8443/account",
            ),
            ("https://[2001:db8::1]/a/b", "https://[2001:db8::1]/a/b"),
            ("https://app", "https://app"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(parse(text), Ok(read));
        }
    }

    #[test]
    fn what_a_link_could_not_begin_with_is_refused() {
        for (text, why) in [
            ("", "is not an absolute URL"),
            ("app.example.com", "is not an absolute URL"),
            ("/app", "is not an absolute URL"),
            ("//app.example.com", "is not an absolute URL"),
            ("ftp://app.example.com", "is not an absolute URL"),
            ("javascript:alert(1)//", "is not an absolute URL"),
            (" https://app.example.com", "is not an absolute URL"),
            ("https://", "no valid host"),
            ("https:///reset", "no valid host"),
            ("https://app..example", "no valid host"),
            ("https://app.example.", "no valid host"),
            ("https://app.example:", "no valid host"),
            ("https://app.example:0", "no valid host"),
            ("https://app.example:65536", "no valid host"),
            ("https://app.example:+1", "no valid host"),
            ("https://[::1", "no valid host"),
            ("https://[app]", "no valid host"),
            ("https://[::1]x", "no valid host"),
            ("https://b\u{fc}cher.example", "no valid host"),
            ("https://app.example\\@evil.example", "user information"),
            ("https://app.example\\evil.example", "no valid host"),
            ("https://app.example\r\nevil", "no valid host"),
            ("https://shop@app.example", "user information"),
            ("https://app.example?a", "query or a fragment"),
            ("https://app.example/#/app", "query or a fragment"),
            ("http://app.example", "read on the network"),
            ("http://localhost.evil.example", "read on the network"),
            ("http://127.0.0.2", "read on the network"),
            ("https://app.example//", "in more than one way"),
            ("https://app.example/a//b", "in more than one way"),
            ("https://app.example/../b", "in more than one way"),
            ("https://app.example/a b", "in more than one way"),
            ("https://app.example/a\\b", "in more than one way"),
            ("https://app.example/%2e%2e", "in more than one way"),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.contains(why), "{text:?}: {found}");
        }
    }
}
