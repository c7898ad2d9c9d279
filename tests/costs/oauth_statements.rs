//! What a journey to a provider may ask of the database (design §9).

use crate::elsewhere::{App, Web, bring, depart, web_with};
use crate::oidc::sign_in;
use crate::statements::Log;

struct Watched {
    app: App<Web>,
    log: Log,
}

impl Watched {
    async fn during<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        let mark = || async {
            self.app.auth.users().find(&-1).await.unwrap();
        };
        self.log.during(mark, work).await
    }
}

fn is_write(statement: &str) -> bool {
    !statement.starts_with("SELECT") && !statement.starts_with("BEGIN")
}

#[tokio::test]
async fn a_journey_keeps_to_its_statements() {
    let log = Log::open().await;
    let app = web_with(1).await;
    let watched = Watched { app, log };
    let mut client = watched.app.client();
    for first in [true, false] {
        let (url, asked) = watched.during(depart(&mut client, "demo", "")).await;
        // The limit, and the state.
        assert_eq!(asked.len(), 2, "{asked:#?}");
        assert!(asked[0].contains("auth_limits") && asked[1].contains("auth_oauth_states"));

        let callback = sign_in(&url, "ada").await;
        let (answer, asked) = watched.during(bring(&mut client, &callback)).await;
        assert_eq!(answer.header("location"), Some("/landing"));
        let asked: Vec<_> = asked
            .iter()
            .filter(|sql| !sql.starts_with("BEGIN"))
            .collect();
        let written = asked.iter().filter(|sql| is_write(sql)).count();
        // A known identity is used; a new one gets an account, with a name that is free.
        let budget = if first { (9, 6) } else { (5, 4) };
        assert_eq!((asked.len(), written), budget, "{asked:#?}");
        // One statement spends the state, before anything else is asked.
        assert!(asked[0].starts_with("DELETE FROM") && asked[0].contains("auth_oauth_states"));

        // Who comes without the state's cookie costs nothing.
        let mut stranger = watched.app.client();
        let (_, asked) = watched.during(bring(&mut stranger, &callback)).await;
        assert!(asked.is_empty(), "{asked:#?}");
    }
}
