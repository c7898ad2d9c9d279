//! Everybody at once: one account for one identity, one name for one account, and one who comes last.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use crudauth::__private::IntoStore;
use crudauth::Authority;
use crudauth_runtime::store::identities::{Attached, Ground, NewIdentity};
use serde_json::json;
use tokio::task::JoinSet;

use crate::elsewhere::{App, Web, bring, by, depart, error, me, web, web_with};
use crate::linked::{ask_to_link, identities, link, read_csrf, script, unlink};
use crate::oidc::provider::{Person, Provider};
use crate::oidc::sign_in;
use crate::support::{Answer, Client, PASSWORD};
use crate::tokens;

const CROWD: usize = 50;

/// Browsers that have been to the provider, each with a journey of its own.
async fn ready<A: Authority>(app: &App<A>, subs: &[String]) -> Vec<(Client, String)> {
    let mut ready = Vec::new();
    for sub in subs {
        let mut client = app.client();
        let url = depart(&mut client, "demo", "").await;
        ready.push((client, sign_in(&url, sub).await));
    }
    ready
}

/// They come home all at once.
async fn home(ready: Vec<(Client, String)>) -> Vec<(Client, Answer)> {
    let mut crowd = JoinSet::new();
    for (mut client, callback) in ready {
        crowd.spawn(async move {
            let answer = bring(&mut client, &callback).await;
            (client, answer)
        });
    }
    crowd.join_all().await
}

fn landed(answers: &[(Client, Answer)]) {
    for (_, answer) in answers {
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::TEMPORARY_REDIRECT, Some("/landing")),
            "{}",
            answer.text
        );
    }
}

fn olga(provider: &Provider, number: usize) -> String {
    let sub = format!("olga-{number}");
    let email = format!("olga.{number}@example.com");
    provider.person(Person::new(&sub, Some(&email), true).named("Olga", "olga"));
    sub
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_first_sign_ins_of_one_identity_make_one_account() {
    let app = web().await;
    let subs = vec!["ada".to_owned(); CROWD];
    let answers = home(ready(&app, &subs).await).await;
    landed(&answers);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_identities").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_usernames").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_oauth_states").await, 0);
    // As many live on as an account may have.
    let mut alive = 0;
    for (client, _) in &answers {
        alive += usize::from(me(client).await == "ada");
    }
    assert_eq!(alive, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_of_one_name_get_fifty_accounts() {
    let app = web().await;
    let subs: Vec<_> = (0..CROWD).map(|number| olga(&app.demo, number)).collect();
    let answers = home(ready(&app, &subs).await).await;
    landed(&answers);
    let mut names = BTreeSet::new();
    for (client, _) in &answers {
        let name = me(client).await;
        assert!(name.starts_with("olga") && name.len() <= 32, "{name}");
        names.insert(name);
    }
    assert_eq!(names.len(), CROWD, "{names:?}");
    assert!(names.contains("olga"), "{names:?}");
    let own = "SELECT count(DISTINCT user_id) FROM auth_identities";
    assert_eq!(app.count(own).await, 50);
}

/// One who brings another address each time is one account all the same: the identity decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_identity_under_many_addresses_makes_one_account() {
    let app = web().await;
    let mut crowd = Vec::new();
    for number in 0..12 {
        let email = format!("ada.{number}@example.com");
        let person = Person::new("ada", Some(&email), true).named("Ada", "ada");
        let mut client = app.client();
        let url = depart(&mut client, "demo", "").await;
        crowd.push((client, sign_in(&url, "ada").await));
        app.demo.person(person);
    }
    let answers = home(crowd).await;
    landed(&answers);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
}

/// As one of them sees it who has found the account, but not yet the identity, in the moment in which another makes both.
#[tokio::test]
async fn an_identity_is_not_in_its_own_way() {
    let app = web().await;
    by(&mut app.client(), "demo", "ada").await;
    let id = app.db.query("SELECT id FROM auth_identities");
    let id: Vec<u8> = id.scalar().await;
    let identity = NewIdentity {
        id: id.as_slice().try_into().unwrap(),
        provider: "demo",
        issuer: &app.demo.issuer(),
        subject: "ada",
        email: None,
        tokens: None,
        now: app.clock.now(),
    };
    let user = app.db.query("SELECT id FROM users").scalar().await;
    let email = "ada@example.com";
    let store = IntoStore::<Web>::into_store(app.db.clone());
    let attached = store.attach(&user, identity, Ground::Proven { email });
    assert_eq!(attached.await.unwrap(), Attached::Taken);
    let other = NewIdentity {
        id: &[7; 32],
        subject: "other",
        ..identity
    };
    let attached = store.attach(&user, other, Ground::Proven { email });
    assert_eq!(attached.await.unwrap(), Attached::Occupied);
    let email = "former@example.com";
    let attached = store.attach(&user, other, Ground::Proven { email });
    assert_eq!(attached.await.unwrap(), Attached::Stale);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_107_two_unlinks_of_the_last_two_leave_one() {
    let app = web().await;
    for round in 0..10 {
        let sub = olga(&app.demo, round);
        let mut first = app.client();
        by(&mut first, "demo", &sub).await;
        read_csrf(&mut first);
        app.other.person(Person::new(&sub, None, false));
        link(&mut first, "other", &sub).await;
        let second = first.clone();
        let ids = identities(&first).await;
        let (one, other) = tokio::join!(unlink(&first, &ids[0]), unlink(&second, &ids[1]));
        let mut answers = [one.status.as_u16(), other.status.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers, [200, 409], "{} {}", one.text, other.text);
        assert_eq!(identities(&first).await.len(), 1);
    }
}

/// The owner of an address claims the account that a squatter has made with it, while the squatter does all there is to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_106_a_squatter_who_is_quick_keeps_nothing() {
    const OTHER: &str = "another good password";
    let town = script().await;
    for round in 0..12 {
        let name = format!("victim{round}");
        let email = format!("{name}@example.com");
        town.demo.person(Person::new(&name, Some(&email), true));
        let foe = format!("foe{round}");
        town.other.person(Person::new(&foe, None, false));
        town.sign_up(&name).await;
        let id = town.id(&name).await;

        let mut linking = town.enters(&name).await;
        let url = ask_to_link(&mut linking, "other").await;
        let linked = sign_in(&url, &foe).await;
        let changing = town.enters(&name).await;
        let pair = town.pair(&name).await;
        let mut victim = town.browser();
        let url = depart(&mut victim, "demo", "").await;
        let callback = sign_in(&url, &name).await;

        let entering = async {
            let mut client = town.browser();
            client.login(&name, PASSWORD).await;
            client
        };
        let programming = async {
            let answer = tokens::token(&town.browser(), &name, PASSWORD, "").await;
            tokens::Pair::of(&answer)
        };
        let refreshing = async {
            let answer = tokens::refresh(&town.browser(), &pair.refresh).await;
            tokens::Pair::of(&answer)
        };
        let body = json!({ "current_password": PASSWORD, "new_password": OTHER });
        let mut proving = changing.clone();
        let (answer, _, entered, program, refreshed, changed, _) = tokio::join!(
            bring(&mut victim, &callback),
            bring(&mut linking, &linked),
            entering,
            programming,
            refreshing,
            changing.post_json("/change-password", &body),
            proving.login(&name, PASSWORD),
        );
        assert_eq!(error(&answer), "", "{}", answer.text);
        assert_eq!(me(&victim).await, name, "round {round}: {}", changed.text);
        for client in [&linking, &changing, &entered, &proving] {
            assert_eq!(me(client).await, "", "round {round}");
        }
        for pair in [&pair, &program, &refreshed] {
            let client = town.browser();
            assert_eq!(tokens::refresh(&client, &pair.refresh).await.status, 401);
            if !pair.access.is_empty() {
                assert_eq!(tokens::me(&client, &pair.access).await.status, 401);
            }
        }
        for password in [PASSWORD, OTHER] {
            let status = town.browser().login(&name, password).await.status;
            assert_eq!(status, 401, "round {round}");
        }
        assert_eq!(town.owner("other", &foe).await, "", "round {round}");
        assert_eq!(town.of("auth_sessions", id).await, 1, "round {round}");
        for table in [
            "auth_refresh_tokens",
            "auth_elevations",
            "auth_oauth_states",
        ] {
            assert_eq!(town.of(table, id).await, 0, "{table}, round {round}");
        }
        assert_eq!(identities(&victim).await.len(), 1, "round {round}");
    }
}

/// The owner links an identity while its holder signs in by it for the first time: it ends up in one place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_that_is_linked_and_signed_in_by_at_once_opens_one_account() {
    let town = script().await;
    for round in 0..10 {
        let name = format!("ada{round}");
        let sub = olga(&town.demo, round);
        town.verified(&name).await;
        let mut owner = town.enters(&name).await;
        let url = ask_to_link(&mut owner, "demo").await;
        let home = sign_in(&url, &sub).await;
        let mut visitor = town.browser();
        let url = depart(&mut visitor, "demo", "").await;
        let callback = sign_in(&url, &sub).await;
        let (linked, entered) =
            tokio::join!(bring(&mut owner, &home), bring(&mut visitor, &callback));
        let opened = me(&visitor).await;
        assert_eq!(entered.status, 200, "{}", entered.text);
        assert_eq!(town.owner("demo", &sub).await, opened);
        if linked.status == 200 {
            assert_eq!(opened, name);
        } else {
            assert_eq!(error(&linked), "identity_taken");
            assert!(opened.starts_with("olga"), "{opened}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_is_enough() {
    let app = web_with(1).await;
    app.register("grace").await;
    let subs: Vec<_> = (0..8).map(|number| olga(&app.demo, number)).collect();
    let twice = [subs.clone(), subs, vec!["grace".to_owned(); 2]].concat();
    let answers = home(ready(&app, &twice).await).await;
    landed(&answers);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 9);

    let mut crowd = JoinSet::new();
    for (number, (mut client, _)) in answers.into_iter().enumerate() {
        let sub = format!("second-{number}");
        app.other.person(Person::new(&sub, None, false));
        crowd.spawn(async move {
            read_csrf(&mut client);
            let answer = link(&mut client, "other", &sub).await;
            assert_eq!(answer.header("location"), Some("/landing"));
            let ids = identities(&client).await;
            let status = unlink(&client, ids.last().unwrap()).await.status;
            (ids.len(), status)
        });
    }
    for (listed, status) in crowd.join_all().await {
        assert!(listed >= 2, "{listed}");
        // Of two browsers of one account, both may have taken the same one.
        assert!(status == 200 || status == 404, "{status}");
    }
}
