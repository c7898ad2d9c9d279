//! Comparison of secrets.

use subtle::ConstantTimeEq;

/// Whether `a` and `b` are the same bytes, in a time that depends on their length only.
///
/// # Security
/// Different lengths give `false` at once: compare digests or tokens whose length is public, never a bare password.
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_024_only_the_same_bytes_are_equal() {
        assert!(equal(b"", b""));
        assert!(equal(b"token", b"token"));
        assert!(!equal(b"token", b"tokem"));
        assert!(!equal(b"Token", b"token"));
        assert!(!equal(b"token", b"token\0"));
    }
}
