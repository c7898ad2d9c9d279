//! HTTP: bodies, cookies, problems, the peer, the server.

pub mod body;
pub mod client;
pub mod cookie;
pub mod email;
mod form;
mod framing;
mod invisible;
pub mod issue;
pub mod json;
pub mod origin;
pub mod problem;
pub mod rate_headers;
pub mod serve;
pub mod user_agent;

pub use form::Form;
