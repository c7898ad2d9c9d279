//! HTTP: bodies, cookies, problems, the peer, the server.

pub mod body;
pub mod client;
mod columns;
pub mod cookie;
mod form;
mod framing;
pub mod issue;
pub mod json;
pub mod origin;
pub mod problem;
pub mod rate_headers;
pub mod redirect;
pub(crate) mod request;
pub mod serve;
pub mod spec;
pub mod user_agent;

pub use form::Form;
