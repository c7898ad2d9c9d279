//! The client side of OAuth 2.0 and OpenID Connect: from a declared provider to a profile that it vouches for. No accounts, no
//! routes, no database.

mod addresses;
mod apple;
mod cache;
mod check;
mod claims;
mod clients;
mod connect;
mod credentials;
mod discord;
mod discovery;
mod exchange;
mod failure;
mod github;
mod http;
mod id_token;
mod issuer;
mod kept;
mod openid;
mod plain;
mod profile;
mod provider;
mod secret;
mod settings;
#[cfg(test)]
mod tests;

pub use clients::Clients;
pub(crate) use clients::{Answer, Ask, Client, Identified, ProviderTokens};
pub use credentials::{AppleKey, Credentials};
pub use failure::Failure;
pub use futures_util::future::BoxFuture;
pub use http::{HttpClient, HttpError};
pub use kept::KeptTokens;
pub use profile::Profile;
pub use provider::{Api, Endpoints, OAuthProvider};
pub use settings::Settings;
