//! The client side of OAuth 2.0 and OpenID Connect: from a declared provider to a profile that it vouches for. No accounts, no
//! routes, no database.

mod clients;
mod credentials;
mod failure;
mod http;
mod profile;
mod provider;
mod settings;

pub use clients::Clients;
#[expect(unused_imports, reason = "the flows come next")]
pub(crate) use clients::{Answer, Ask, Client, Identified, ProviderTokens};
pub use credentials::{AppleKey, Credentials};
pub use failure::Failure;
pub use futures_util::future::BoxFuture;
pub use http::{HttpClient, HttpError};
pub use profile::Profile;
pub use provider::{Api, Endpoints, OAuthProvider};
pub use settings::Settings;
