//! What links are made of: where the pages are, which page reads which link, and how long one is good.

use std::marker::PhantomData;

use syn::Lit;

use crate::read::value::{Lifetime, Literal, from_literal, text};

from_literal! {
    [] FrontendUrl;
    [] PagePath;
    [B: Bounds] LinkTtl<B>;
}

/// The beginning of every link, without the slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontendUrl(pub(crate) String);

impl Literal for FrontendUrl {
    const KIND: &'static str = "an absolute URL";
    const EXAMPLE: &'static str = "\"https://app.example.com\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        url(&text)
            .map(|url| Self(url.to_owned()))
            .map_err(|why| format!("{text:?} {why}; write `{key} = {}`", Self::EXAMPLE))
    }
}

/// Reads an absolute URL without a query, a fragment or user information, and gives it back without the slash at its end.
/// The builder judges the one it is given by the same rule (`mail/frontend.rs` of the runtime); both read the cases in
/// `tests/frontend_urls.txt`.
fn url(text: &str) -> Result<&str, &'static str> {
    let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err("is not an absolute URL"),
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
pub(crate) fn host(authority: &str) -> Option<&str> {
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
        rest.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok()?;
        return Some(host);
    }
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(fits)
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

/// A path that leads to one page, whoever reads it.
pub(crate) fn page_path(text: &str) -> bool {
    let Some(path) = text.strip_prefix('/') else {
        return false;
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    text == "/" || path.split('/').all(segment)
}

/// The path of a page, put behind the frontend's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PagePath(pub(crate) String);

impl Literal for PagePath {
    const KIND: &'static str = "the path of a page";
    const EXAMPLE: &'static str = "\"/account/link\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        let fix = format!("write `{key} = {}`", Self::EXAMPLE);
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!(
                "{text:?} does not begin with `/`, so it would run into the host in front of it; {fix}"
            ));
        };
        if path.contains(['?', '#']) {
            return Err(format!(
                "{text:?} has a query or a fragment, where the links put their own; {fix}"
            ));
        }
        if page_path(&text) {
            return Ok(Self(text));
        }
        Err(format!(
            "{text:?} is a path that browsers read in more than one way; {fix}"
        ))
    }
}

/// How long links of one kind may be good.
pub(crate) trait Bounds {
    const SHORTEST: u64;
    const LONGEST: u64;
    const EXAMPLE: &'static str;
    /// What is wrong with a shorter one, and what to write.
    const SHORT: &'static str;
    /// What is wrong with a longer one, and what to write.
    const LONG: &'static str;
}

/// A link that proves a mailbox.
pub(crate) struct Proof;

impl Bounds for Proof {
    const SHORTEST: u64 = 300;
    const LONGEST: u64 = 7 * 86_400;
    const EXAMPLE: &'static str = "\"24h\"";
    const SHORT: &'static str =
        "is shorter than 5 minutes, and a message may take as long; write \"24h\"";
    const LONG: &'static str = "is longer than 7 days, and an old link proves who read the mailbox once, not who has it now; write \"24h\", at most \"7d\"";
}

/// A link to a new password.
pub(crate) struct Reset;

impl Bounds for Reset {
    const SHORTEST: u64 = 300;
    const LONGEST: u64 = 86_400;
    const EXAMPLE: &'static str = "\"1h\"";
    const SHORT: &'static str =
        "is shorter than 5 minutes, and a message may take as long; write \"1h\"";
    const LONG: &'static str = "is longer than 24 hours, and whoever reads the mailbox later opens the account with the link (account takeover); write \"1h\", at most \"24h\"";
}

/// A link that takes a change back.
pub(crate) struct Undo;

impl Bounds for Undo {
    const SHORTEST: u64 = 3600;
    const LONGEST: u64 = 30 * 86_400;
    const EXAMPLE: &'static str = "\"7d\"";
    const SHORT: &'static str = "is shorter than an hour, and an owner who does not read mail within it cannot take back what a thief changed; write \"7d\"";
    const LONG: &'static str = "is longer than 30 days, and whoever has the former address by then takes the account (mailboxes are given to others); write \"7d\", at most \"30d\"";
}

/// How long a link is good.
pub(crate) struct LinkTtl<B> {
    pub(crate) secs: u64,
    of: PhantomData<B>,
}

impl<B: Bounds> Literal for LinkTtl<B> {
    const KIND: &'static str = Lifetime::KIND;
    const EXAMPLE: &'static str = B::EXAMPLE;

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        match Lifetime::read(key, lit)?.secs {
            secs if secs < B::SHORTEST => Err(format!("`{key}` {}", B::SHORT)),
            secs if secs > B::LONGEST => Err(format!("`{key}` {}", B::LONG)),
            secs => Ok(Self {
                secs,
                of: PhantomData,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use darling::FromMeta;

    fn message<T: FromMeta>(meta: &str) -> String {
        T::from_meta(&syn::parse_str(meta).unwrap())
            .err()
            .map(|e| syn::Error::from(e).to_string())
            .unwrap_or_default()
    }

    #[test]
    fn the_block_and_the_builder_read_a_url_alike() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/frontend_urls.txt");
        let cases = std::fs::read_to_string(path).unwrap();
        for case in cases.lines().skip(1) {
            let (text, wanted) = case.split_once(" => ").unwrap();
            match (url(text), wanted.strip_prefix("refused: ")) {
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
            assert!(url(hostile).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn a_wrong_url_shows_a_right_one() {
        let text = message::<FrontendUrl>("frontend_url = \"http://app.example.com\"");
        assert!(text.contains("can be read on the network"), "{text}");
        assert!(
            text.ends_with("write `frontend_url = \"https://app.example.com\"`"),
            "{text}"
        );
        assert!(message::<FrontendUrl>("frontend_url").contains("needs an absolute URL"));
        assert!(message::<FrontendUrl>("frontend_url = 3").contains("in quotes"));
        assert!(message::<FrontendUrl>("frontend_url = URL").contains("takes a literal"));
    }

    #[test]
    fn pages_have_one_path() {
        for fine in ["/", "/a", "/a/b/", "/r%C3%A9initialiser", "/a-b_c.html"] {
            assert_eq!(message::<PagePath>(&format!("reset_path = {fine:?}")), "");
        }
        for (wrong, why) in [
            ("", "does not begin with"),
            ("reset", "does not begin with"),
            ("@evil.example", "does not begin with"),
            (".evil.example", "does not begin with"),
            ("https://evil.example/", "does not begin with"),
            ("//evil.example", "in more than one way"),
            ("/a//b", "in more than one way"),
            ("/a\\b", "in more than one way"),
            ("/\\evil.example", "in more than one way"),
            ("/../a", "in more than one way"),
            ("/%2e%2e/a", "in more than one way"),
            ("/a%", "in more than one way"),
            ("/a b", "in more than one way"),
            ("/a\r\nb", "in more than one way"),
            ("/é", "in more than one way"),
            ("/a?b", "query or a fragment"),
            ("/#/a", "query or a fragment"),
        ] {
            let text = message::<PagePath>(&format!("reset_path = {wrong:?}"));
            assert!(
                text.contains(why) && text.contains("write `reset_path ="),
                "{wrong:?}: {text}"
            );
        }
    }

    #[test]
    fn links_are_neither_too_short_nor_too_long() {
        for fine in ["5m", "1h", "24h"] {
            assert_eq!(
                message::<LinkTtl<Reset>>(&format!("reset_ttl = {fine:?}")),
                ""
            );
        }
        assert!(message::<LinkTtl<Reset>>("reset_ttl = \"25h\"").contains("account takeover"));
        assert!(message::<LinkTtl<Reset>>("reset_ttl = \"4m\"").contains("shorter than 5 minutes"));
        assert!(message::<LinkTtl<Reset>>("reset_ttl = \"24\"").contains("has no unit"));
        assert_eq!(message::<LinkTtl<Proof>>("verify_ttl = \"7d\""), "");
        assert!(message::<LinkTtl<Proof>>("verify_ttl = \"8d\"").contains("longer than 7 days"));
        assert!(
            message::<LinkTtl<Proof>>("change_ttl = \"299s\"").contains("`change_ttl` is shorter")
        );
        assert_eq!(message::<LinkTtl<Undo>>("undo_ttl = \"1h\""), "");
        assert_eq!(message::<LinkTtl<Undo>>("undo_ttl = \"30d\""), "");
        assert!(message::<LinkTtl<Undo>>("undo_ttl = \"59m\"").contains("shorter than an hour"));
        assert!(message::<LinkTtl<Undo>>("undo_ttl = \"31d\"").contains("longer than 30 days"));
    }
}
