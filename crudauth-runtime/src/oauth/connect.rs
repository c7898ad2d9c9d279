//! The client that is built in: hyper over rustls, to addresses that a provider may have.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use tower::Service;

use super::BoxFuture;
use super::addresses::Reach;
use super::http::{HttpClient, HttpError, MAX_BODY};

/// Takes no proxy from the environment, keeps no connection, follows no redirect.
pub(super) struct Hyper {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    reach: Reach,
}

impl Hyper {
    pub(super) fn new(reach: Reach) -> Result<Self, String> {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(reach));
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let tls = match reach {
            Reach::Public => tls.https_only(),
            Reach::Loopback => tls.https_or_http(),
        };
        // A connection that was kept may be closed by its other end just as a code goes out, and a code is good for one try.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(tls.enable_http1().wrap_connector(tcp));
        Ok(Self { client, reach })
    }
}

impl HttpClient for Hyper {
    fn call(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>> {
        Box::pin(async move {
            // The resolver is not asked about an address.
            let host = request.uri().host().unwrap_or_default();
            let literal = host.trim_start_matches('[').trim_end_matches(']');
            if literal
                .parse()
                .is_ok_and(|address: IpAddr| !self.reach.admits(address))
            {
                return Err(HttpError::new(NOT_PUBLIC));
            }
            let request = request.map(|body| Full::new(Bytes::from(body)));
            let answer = self.client.request(request).await.map_err(HttpError::new)?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MAX_BODY).collect().await;
            let body = body.map_err(HttpError::new)?.to_bytes();
            Ok(Response::from_parts(parts, body.into()))
        })
    }
}

/// The system's resolver, less the addresses that a provider may not have.
#[derive(Clone)]
struct Resolver(Reach);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0;
        Box::pin(async move {
            let mut found = tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .collect::<Vec<_>>();
            found.retain(|address| reach.admits(address.ip()));
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, NOT_PUBLIC));
            }
            Ok(found.into_iter())
        })
    }
}

const NOT_PUBLIC: &str = "the provider has no public address";
