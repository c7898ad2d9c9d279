//! What handing over a code and redeeming it asks of the database.

use crate::elsewhere::{App, bring, depart};
use crate::handover::{CHALLENGE, Native, PAGE, VERIFIER, code, code_of, native, redeem, wish};
use crate::oidc::sign_in;
use crate::statements::Log;
use crate::support::Answer;

/// What the database was asked, by the first word of each statement, transactions aside.
async fn asked(
    log: &Log,
    app: &App<Native>,
    work: impl Future<Output = Answer>,
) -> (Answer, Vec<String>) {
    let mark = || async {
        app.auth.users().find(&-1).await.unwrap();
    };
    let (answer, statements) = log.during(mark, work).await;
    let words = statements
        .iter()
        .map(|text| text.split(' ').next().unwrap_or_default().to_owned());
    (answer, words.filter(|word| word != "BEGIN").collect())
}

#[tokio::test]
async fn a_code_is_handed_over_and_redeemed_in_a_handful_of_statements() {
    let log = Log::open().await;
    let app = native(1).await;
    code_of(&app, "ada").await; // from now on the provider and the person are known

    let mut browser = app.client();
    let url = depart(&mut browser, "demo", &wish(PAGE)).await;
    let callback = sign_in(&url, "ada").await;
    let (answer, words) = asked(&log, &app, bring(&mut browser, &callback)).await;
    // The state is taken, the identity looked up and recorded, the code kept.
    assert_eq!(words, ["DELETE", "SELECT", "UPDATE", "INSERT"]);

    let handed = code(&answer, PAGE);
    let (answer, words) = asked(&log, &app, redeem(&app.client(), &handed, VERIFIER)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // The limit, the code and its account, the family, the code's end.
    assert_eq!(words, ["INSERT", "SELECT", "INSERT", "DELETE"]);

    // Who has no verifier may have had a code: whether anything was given for both is asked, and nothing was.
    let (answer, words) = asked(&log, &app, redeem(&app.client(), &handed, CHALLENGE)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(words, ["INSERT", "SELECT", "SELECT"]);
    // Of what was given for both, the family and its end.
    let (answer, words) = asked(&log, &app, redeem(&app.client(), &handed, VERIFIER)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(words, ["INSERT", "SELECT", "SELECT", "DELETE"]);
    let (answer, words) = asked(&log, &app, redeem(&app.client(), "no code", VERIFIER)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(words, ["INSERT"], "nobody looks for what cannot be one");

    // An app that is not expected costs no more than being counted.
    let query = format!(
        "?redirect_to=https://evil.example&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let path = format!("/oauth/demo/authorize{query}");
    let client = app.client();
    let (answer, words) = asked(&log, &app, client.get(&path)).await;
    assert_eq!(answer.status, 422);
    assert_eq!(words, ["INSERT"]);
}
