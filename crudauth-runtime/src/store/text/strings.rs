//! What the standard library does with strings, for the compiler.

#[expect(clippy::indexing_slicing, reason = "bounded by the loop's condition")]
pub(crate) const fn eq(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "runs in the compiler"
)]
pub(super) const fn find(bytes: &[u8], mut at: usize, wanted: u8) -> usize {
    while at < bytes.len() {
        if bytes[at] == wanted {
            return at;
        }
        at += 1;
    }
    panic!("a template has an unclosed brace or bracket")
}

#[expect(clippy::panic, reason = "runs in the compiler")]
pub(super) const fn slice(text: &str, from: usize, to: usize) -> &str {
    match std::str::from_utf8(text.as_bytes().split_at(to).0.split_at(from).1) {
        Ok(text) => text,
        Err(_) => panic!("names in templates are ASCII"),
    }
}
