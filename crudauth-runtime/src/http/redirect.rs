//! Where a browser may be sent afterwards.

use axum::http::Uri;

/// Longest path that is kept.
const LONGEST: usize = 2048;

/// `path` if it leads to a page of this very site, else `None` (contract §3.8): it begins with exactly one `/`, has no
/// backslash (which browsers read as a slash), no control character and no blank, and neither scheme nor host when parsed.
#[must_use]
pub fn safe_redirect_path(path: &str) -> Option<&str> {
    let plain = path.len() <= LONGEST
        && path
            .bytes()
            .all(|byte| byte > 0x20 && byte != 0x7f && byte != b'\\');
    if !plain || !path.starts_with('/') {
        return None;
    }
    // A browser takes `//host` for another site; so may one that decodes the second slash first.
    let second = path.get(1..)?;
    let encoded = second
        .get(..3)
        .is_some_and(|head| head.eq_ignore_ascii_case("%2f") || head.eq_ignore_ascii_case("%5c"));
    if second.starts_with('/') || encoded {
        return None;
    }
    let (before_fragment, _) = path.split_once('#').unwrap_or((path, ""));
    let uri: Uri = before_fragment.parse().ok()?;
    (uri.scheme().is_none() && uri.host().is_none()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_109_only_paths_of_this_site_are_kept() {
        for path in ["/", "/dash?a=1", "/ok#f", "/a/b//c"] {
            assert_eq!(safe_redirect_path(path), Some(path));
        }
        let long = format!("/{}", "a".repeat(3000));
        for path in [
            "",
            "dash",
            "//e",
            "///e",
            "/\\e",
            "\\\\e",
            "/%2f%2fe",
            "/%5ce",
            "/\te",
            "/a\nb",
            "/a b",
            "javascript:x",
            "https://evil.example",
            "/a\u{7f}",
            " /a",
            long.as_str(),
        ] {
            assert_eq!(safe_redirect_path(path), None, "{path:?}");
        }
    }
}
