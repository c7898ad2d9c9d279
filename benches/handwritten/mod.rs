//! The application without a library: axum, sqlx and the usual crates, for the routes that `ratios` measures.
//!
//! It does what the declared one does on them (a keyed digest in place of the session id, a CSRF and a device token,
//! lockout counters in the database, a cap on sessions, a limit on sign-up) and leaves out what those routes do not
//! use. Each product has its own schema, pool and the statements that it spells in its own way; the rest is `app.rs`. The
//! pools have the same settings as those that `Auth::connect` opens, so that no default of sqlx decides a comparison.

mod postgres;
mod sqlite;

/// The application, on a database that is empty so far.
pub async fn app(url: &str) -> axum::Router {
    if url.starts_with("sqlite:") {
        sqlite::app(url).await
    } else {
        postgres::app(url).await
    }
}
