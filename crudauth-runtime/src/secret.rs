//! Values that must not be printed, compared byte by byte, or left in memory.

use std::fmt;

use zeroize::Zeroize;

/// A secret: redacted in `Debug`, wiped from memory when dropped, without `PartialEq`, `Display`, `Serialize` or `Clone`.
///
/// # Security
/// Compare secrets through `crypto::compare`, which takes the same time wherever the first difference lies.
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes `value` into keeping.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, named so that every use stands out in review.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A secret text, such as a password as it was typed.
pub type SecretText = Secret<String>;

impl From<String> for Secret<String> {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret<String> {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_139_debug_shows_nothing_of_the_secret() {
        let secret = SecretText::from("MARKER");
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(format!("{:?}", Some(&secret)), "Some([redacted])");
    }
}
