//! `exchange("https://spa.example.com/callback", "com.example.app:/callback")`: where apps take up their codes.

use darling::FromMeta;
use syn::{LitStr, Meta};

use crate::diag::spelled;
use crate::read::items::split;
use crate::read::link::{host, page_path};

/// The targets, as they are written.
pub(super) struct Targets(pub(super) Vec<LitStr>);

impl FromMeta for Targets {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let key = spelled(item.path());
        let shown = format!(
            "`{key}` takes URLs in parentheses; write `{key}(\"https://spa.example.com/callback\")`"
        );
        let Meta::List(list) = item else {
            return Err(wrong(item, &shown));
        };
        let mut targets: Vec<LitStr> = Vec::new();
        for token in split(list.tokens.clone()) {
            let target = syn::parse2::<LitStr>(token.clone()).map_err(|_| wrong(&token, &shown))?;
            let text = target.value();
            judge(&text).map_err(|why| wrong(&target, &format!("{text:?} {why}")))?;
            if targets.iter().any(|other| other.value() == text) {
                let twice = format!("the target {text:?} is given twice; remove one of them");
                return Err(wrong(&target, &twice));
            }
            targets.push(target);
        }
        if targets.is_empty() {
            let none = format!(
                "`{key}` names no target; write `{key}(\"https://spa.example.com/callback\")`, or remove it"
            );
            return Err(wrong(item, &none));
        }
        Ok(Self(targets))
    }
}

fn wrong(at: &impl quote::ToTokens, text: &str) -> darling::Error {
    darling::Error::from(syn::Error::new_spanned(at, text))
}

/// What is wrong with a target, and what to write. What is let through leads every browser to the same place.
fn judge(text: &str) -> Result<(), &'static str> {
    const SHAPE: &str = "is not a URL that every browser reads alike; write one such as \"https://spa.example.com/callback\" or \"com.example.app:/callback\"";
    if text.contains('*') {
        return Err(
            "has a wildcard, and a code would go wherever it matches (RFC 9700 §2.1); write every target out",
        );
    }
    if text.contains('#') {
        return Err("has a fragment, behind which the code would be lost; write it without");
    }
    let (scheme, rest) = text.split_once(':').ok_or(SHAPE)?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, query),
        None => (rest, ""),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (Some(authority), path)
        }
        None => (None, rest),
    };
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err("has user information, behind which another host can hide; write it without");
    }
    let host = authority.map(|authority| host(authority).ok_or(SHAPE));
    let host = host.transpose()?;
    let fits = text.len() <= LONGEST && (path.is_empty() || page_path(path)) && is_query(query);
    match (scheme, host) {
        _ if !fits => Err(SHAPE),
        ("https", Some(_)) | ("http", Some("localhost" | "127.0.0.1" | "[::1]")) => Ok(()),
        ("http", _) => Err(
            "begins with http, over which the network reads the code; write https (http is for localhost, 127.0.0.1 and [::1] alone)",
        ),
        (own, _) if is_own(own) && !(host.is_none() && path.is_empty()) => Ok(()),
        (own, _) if own.contains('.') => Err(SHAPE),
        _ => Err(
            "has a scheme that any app may claim; write one that is made of a domain of yours, such as \"com.example.app:/callback\" (RFC 8252 §7.1)",
        ),
    }
}

/// Longest target that a row keeps.
const LONGEST: usize = 2048;

/// A private-use scheme: a domain's labels, reversed (RFC 8252 §7.1).
fn is_own(scheme: &str) -> bool {
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(fits)
    };
    scheme.contains('.')
        && scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.split('.').all(label)
}

/// RFC 3986 §3.4, without what the answer itself says there.
fn is_query(query: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$'()+,;=:@/?%&".contains(&byte);
    let own = |pair: &str| {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        matches!(name, "code" | "error")
    };
    query.bytes().all(plain) && !query.split('&').any(own)
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn sec_109_a_target_leads_every_browser_to_one_place() {
        for good in [
            "https://spa.example.com",
            "https://spa.example.com/",
            "https://spa.example.com:8443/callback?from=auth",
            "http://localhost:3000/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:9/",
            "com.example.app:/callback",
            "com.example.app://callback",
            "com.example.my-app:/",
        ] {
            assert_eq!(judge(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/callback",
            "//spa.example.com/",
            "https:",
            "https:/callback",
            "https:///callback",
            "https://*.example.com/",
            "https://spa.example.com/*",
            "https://spa.example.com/#/callback",
            "https://ada@spa.example.com/",
            "https://spa.example.com@evil.example/",
            "https://spa.example.com/../x",
            "https://spa.example.com/%2e%2e/x",
            "https://spa.example.com//x",
            "https://spa.example.com\\x",
            "https://spa.example.com/a b",
            "https://spa.example.com:0/",
            "https://spa.example.com/?code=x",
            "https://spa.example.com/?a=1&error=x",
            "HTTPS://spa.example.com/",
            "http://spa.example.com/",
            "http://localhost.evil.example/",
            "http:/callback",
            "myapp:/callback",
            "myapp://callback",
            "javascript:alert(1)",
            "java.script:",
            "java.script:alert(1)",
            "data:text/html,x",
            ".app:/x",
            "com..app:/x",
            "Com.Example:/x",
            "com.example.app:callback",
        ] {
            assert!(judge(bad).is_err(), "{bad}");
        }
        let long = format!("https://spa.example.com/{}", "a".repeat(2048));
        assert!(judge(&long).is_err());
    }
}
