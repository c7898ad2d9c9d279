//! Names people are known by: e-mail addresses and user names, checked and in canonical form.

mod email;
pub(crate) mod invisible;

pub use email::{EMAIL_TOO_LONG, Email, check_username, mask_email, parse_email};
