//! TLS to PostgreSQL: what the URL asks for is what happens, or the start is refused.

use std::path::{Path, PathBuf};

use crudauth::testing::TestBuilder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sqlx::PgPool;

use crate::server::{Server, Stop};
use crate::support::{Auth, Client, PASSWORD, SECRET};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The certificates of authorities, in files that are removed at the end.
#[derive(Debug)]
struct Roots(PathBuf);

impl Roots {
    fn new() -> Self {
        let id = uuid::Uuid::new_v4().simple();
        let home = std::env::temp_dir().join(format!("crudauth-roots-{id}"));
        std::fs::create_dir(&home).unwrap();
        Self(home)
    }

    fn file(&self, name: &str, authority: &Authority) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        path
    }
}

impl Drop for Roots {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn url(server: &Server, host: &str, mode: &str, root: Option<&Path>) -> String {
    let place = server.url().replace("127.0.0.1", host);
    let root = root.map_or(String::new(), |root| {
        format!("&sslrootcert={}", root.display())
    });
    format!("{place}?sslmode={mode}{root}")
}

async fn start(url: &str) -> crudauth::Result<Auth> {
    let builder = Auth::connect(url).create_users_table(true).secret(SECRET);
    builder.cheap_hashing().manual_workers().await
}

/// It serves, and every connection of its own is encrypted.
async fn is_served_over_tls(server: &Server, url: &str, name: &str) {
    let auth = start(url).await.unwrap();
    let body = serde_json::json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    let answer = Client::new(auth.router())
        .post_json("/register", &body)
        .await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.text);

    let direct = PgPool::connect(&server.url()).await.unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'crudauth'";
    let encrypted: Vec<bool> = sqlx::query_scalar(encrypted)
        .fetch_all(&direct)
        .await
        .unwrap();
    assert!(!encrypted.is_empty(), "{name}");
    assert!(
        encrypted.iter().all(|encrypted| *encrypted),
        "{name}: {encrypted:?}"
    );
    auth.shutdown().await;
}

/// One line that says where and why, and not with which password.
async fn is_refused(server: &Server, url: &str, host: &str, why: &str) {
    let told = start(url).await.unwrap_err();
    let text = told.to_string();
    assert!(
        text.contains(&format!("{host}:{}", server.port())) && text.contains(why),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
    for text in [text, format!("{told:?}")] {
        assert!(!text.contains(server.password()), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_what_the_url_asks_for_or_the_start_is_refused() {
    let server = tokio::task::spawn_blocking(Server::start_new);
    let server = server.await.unwrap();
    let (ours, other, roots) = (authority(), authority(), Roots::new());
    let (right, wrong) = (roots.file("right", &ours), roots.file("wrong", &other));

    // A server without TLS: nobody falls back to plain text.
    let plain = url(&server, "localhost", "require", None);
    is_refused(&server, &plain, "localhost", "TLS").await;

    let key = KeyPair::generate().unwrap();
    let named = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = named.signed_by(&key, &ours).unwrap();
    server.speak_tls(&certificate.pem(), &key.serialize_pem());
    let server = tokio::task::spawn_blocking(move || {
        server.stop(Stop::Fast);
        server.start();
        server
    });
    let server = server.await.unwrap();

    let require = url(&server, "127.0.0.1", "require", None);
    is_served_over_tls(&server, &require, "require").await;
    let full = |host, root| url(&server, host, "verify-full", root);
    let verified = full("localhost", Some(&*right));
    is_served_over_tls(&server, &verified, "verified").await;

    for (host, root, why) in [
        ("localhost", Some(&*wrong), "certificate"), // of another authority
        ("localhost", None, "certificate"),          // of none that the world knows
        ("127.0.0.1", Some(&*right), "not valid for name"), // of another server
        (
            "localhost",
            Some(Path::new("/no/such/file")),
            "No such file",
        ),
    ] {
        is_refused(&server, &full(host, root), host, why).await;
    }
}
