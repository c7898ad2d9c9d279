//! Opening, using and ending cookie sessions.

mod live;
mod open;
mod sign_in;

pub use live::{Live, Refreshed, csrf_matches, is_stale, look_up, refresh_csrf, sign_out, touch};
pub use open::Opened;
pub(crate) use open::{Opening, open};
pub(crate) use sign_in::open_and_tell;
pub use sign_in::{SignIn, SignInOutcome, sign_in};
