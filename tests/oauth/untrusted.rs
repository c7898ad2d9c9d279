//! Whom the client that is built in takes for a provider: who has a certificate of an authority that everybody trusts.

use std::sync::Arc;
use std::time::Duration;

use crudauth::oauth::Credentials;
use crudauth::testing::{Clock, TestBuilder};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::elsewhere::{PUBLIC, Web, credentials, provider};
use crate::support::{Client, SECRET, database};
use crate::wrong::assert_refused;

const PATIENCE: Duration = Duration::from_secs(20);

/// What a connection came to: what was said over TLS, or why there was none.
type Seen = Result<Vec<u8>, String>;

/// A server over TLS whose certificate is right in all but that nobody trusts the authority that gave it.
struct Private {
    authority: CertificateDer<'static>,
    port: u16,
    seen: UnboundedReceiver<Seen>,
}

async fn private() -> Private {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().der().clone();
    let own = KeyPair::generate().unwrap();
    let names = ["127.0.0.1", "localhost"].map(str::to_owned).to_vec();
    let issuer = Issuer::from_params(&params, &key);
    let leaf = CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&own, &issuer).unwrap().der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf, authority.clone()],
            PrivateKeyDer::try_from(own.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, seen) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let what = match acceptor.accept(stream).await {
                Ok(mut stream) => {
                    let mut said = vec![0; 1024];
                    let read = stream.read(&mut said).await.unwrap_or(0);
                    said.truncate(read);
                    Ok(said)
                }
                Err(error) => Err(error.to_string()),
            };
            if tell.send(what).is_err() {
                return;
            }
        }
    });
    Private {
        authority,
        port,
        seen,
    }
}

impl Private {
    async fn seen(&mut self) -> Seen {
        let seen = timeout(PATIENCE, self.seen.recv()).await;
        seen.expect("nobody came").unwrap()
    }
}

#[tokio::test]
async fn sec_108_a_certificate_that_nobody_trusts_is_refused_before_anything_is_said() {
    let mut private = private().await;
    let (_file, pool) = database(2).await;
    let clock = Clock::manual();
    let other = provider(&clock).await;
    let issuer = format!("https://127.0.0.1:{}", private.port);
    let auth = Web::builder(pool)
        .secret(SECRET)
        .clock(clock)
        .cheap_hashing()
        .manual_workers()
        .public_url(PUBLIC)
        .oidc("demo", Credentials::new("app", "s3cr3t").issuer(issuer))
        .oidc("other", credentials(&other))
        .oidc("loose", credentials(&other))
        .await
        .unwrap();
    let client = Client::new(auth.router());
    let answer = client.get("/oauth/demo/authorize").await;
    assert_refused("untrusted", &answer, "oauth_failed");
    let why = private
        .seen()
        .await
        .expect_err("the handshake was finished");
    assert!(why.contains("UnknownCA"), "{why}");
    assert!(private.seen.try_recv().is_err(), "nobody tried again");

    // Nothing else is wrong with it: who trusts the authority gets through.
    let mut roots = RootCertStore::empty();
    roots.add(private.authority.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(("127.0.0.1", private.port))
        .await
        .unwrap();
    let name = "127.0.0.1".try_into().unwrap();
    let tls = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await;
    tls.unwrap().write_all(b"hello").await.unwrap();
    assert_eq!(private.seen().await, Ok(b"hello".to_vec()));
}
