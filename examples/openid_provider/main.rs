//! The OpenID provider of the tests and examples, alone: `cargo run --example openid_provider`. Whoever opens its page chooses
//! whom to be, so it is good for nothing but trying things out.
//!
//! | variable | default |
//! |---|---|
//! | `OIDC_BIND` | `127.0.0.1:9400` |
//!
//! Its metadata is at `/.well-known/openid-configuration`; what an application needs to know of it is printed.

#![allow(missing_docs, reason = "an application has no readers of its API")]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the tests use the provider's switches, which nobody turns here"
)]

#[path = "provider.rs"]
mod provider;

use std::env;

use provider::Provider;

#[tokio::main]
async fn main() -> Result<(), provider::Broken> {
    let bind = env::var("OIDC_BIND").unwrap_or_else(|_| "127.0.0.1:9400".to_owned());
    let provider = Provider::listen(&bind).await?;
    println!("issuer         {}", provider.issuer());
    println!("client id      {}", provider.client_id());
    println!("client secret  {}", provider.client_secret());
    println!("public client  {}", provider.public_client_id());
    println!("Any redirect URI will do.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
