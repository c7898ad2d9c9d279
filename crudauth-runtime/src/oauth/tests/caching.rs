use std::time::Duration;

use futures_util::future::{FutureExt, join_all};
use tokio::sync::Semaphore;

use super::*;

/// A world that answers nobody until it is opened.
#[derive(Clone)]
struct Gate(World, Arc<Semaphore>);

impl HttpClient for Gate {
    fn call(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>> {
        let answer = self.0.call(request);
        Box::pin(async move {
            let _pass = self.1.acquire().await;
            answer.await
        })
    }
}

fn gated(world: &World) -> (Clients, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let mut settings = Settings::default();
    settings.public_url("https://app.example.com");
    settings.http_client(Gate(world.clone(), Arc::clone(&gate)));
    settings.register(
        ProviderKind::Oidc,
        "sso",
        Credentials::new("app", "s").issuer(IDP),
    );
    (Clients::new(&policy(SSO), settings).unwrap(), gate)
}

const DISCOVERY: &str = "https://idp.example.com/.well-known/openid-configuration";
const KEYS: &str = "https://idp.example.com/keys";

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

#[tokio::test]
async fn metadata_is_fetched_once_an_hour() {
    let (world, _) = idp();
    let clients = sso(&world);
    let client = clients.find("sso").unwrap();
    for (at, fetched) in [(0, 1), (3599, 1), (3600, 2), (3601, 2), (7200, 3)] {
        client.authorize(later(at), &ask()).await.unwrap();
        assert_eq!(world.asked(DISCOVERY).len(), fetched, "{at}");
    }
}

#[tokio::test]
async fn a_failure_is_shared_for_seconds_and_forgotten() {
    let (world, _) = idp();
    world.answer_with(DISCOVERY, 503, "");
    let clients = sso(&world);
    let client = clients.find("sso").unwrap();
    assert!(client.authorize(NOW, &ask()).await.is_err());
    world.answer(DISCOVERY, &metadata(IDP));
    assert!(client.authorize(later(4), &ask()).await.is_err());
    assert_eq!(world.asked(DISCOVERY).len(), 1);
    client.authorize(later(5), &ask()).await.unwrap();
}

#[tokio::test]
async fn many_who_come_at_once_fetch_once() {
    let (world, _) = idp();
    let (clients, gate) = gated(&world);
    let client = clients.find("sso").unwrap();
    let (now, ask) = (NOW, ask());
    let all = join_all((0..20).map(|_| client.authorize(now, &ask)));
    let open = async {
        tokio::task::yield_now().await;
        gate.add_permits(1);
    };
    let (all, ()) = tokio::join!(all, open);
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(world.asked(DISCOVERY).len(), 1);
}

#[tokio::test]
async fn a_fetch_that_is_cut_off_leaves_nothing_behind() {
    let (world, _) = idp();
    let (clients, gate) = gated(&world);
    let client = clients.find("sso").unwrap();
    let ask = ask();
    {
        let mut cut = Box::pin(client.authorize(NOW, &ask));
        assert!(cut.as_mut().now_or_never().is_none());
    }
    gate.add_permits(1);
    client.authorize(NOW, &ask).await.unwrap();
    assert_eq!(world.asked(DISCOVERY).len(), 2);
}

#[tokio::test]
async fn sec_108_an_unknown_kid_asks_for_keys_at_most_twice_a_minute() {
    let (world, key) = idp();
    let clients = sso(&world);
    let client = clients.find("sso").unwrap();
    let sign_in = async |key: &Key, kid: &str, at: u64| {
        let claims = with(&claims(), &json!({"exp": NOW.as_secs() + 100_000}));
        world.answer(&format!("{IDP}/token"), &tokens(&key.sign(kid, &claims)));
        client.identify(later(at), &answer()).await.is_ok()
    };
    let next = Key::new();

    assert!(sign_in(&key, "1", 0).await);
    for at in [1, 10, 29] {
        assert!(!sign_in(&next, "2", at).await);
    }
    assert_eq!(world.asked(KEYS).len(), 1);

    // The provider turns to its next key.
    world.answer(KEYS, &json!({"keys": [key.jwk("1"), next.jwk("2")]}));
    assert!(sign_in(&next, "2", 30).await);
    assert!(sign_in(&key, "1", 31).await);
    assert_eq!(world.asked(KEYS).len(), 2);

    // A known name with another signature asks for nothing; a failed renewal costs no key, and counts.
    assert!(!sign_in(&next, "1", 100).await);
    assert_eq!(world.asked(KEYS).len(), 2);
    world.answer_with(KEYS, 500, "");
    assert!(!sign_in(&Key::new(), "3", 100).await);
    assert!(!sign_in(&Key::new(), "3", 129).await);
    assert_eq!(world.asked(KEYS).len(), 3);
    assert!(sign_in(&next, "2", 129).await);

    // A key that was taken back is good for an hour at most.
    world.answer(KEYS, &json!({"keys": [next.jwk("2")]}));
    assert!(!sign_in(&key, "1", 30 + 3600).await);
}
