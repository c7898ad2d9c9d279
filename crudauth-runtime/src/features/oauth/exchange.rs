//! Signing in to an app, or to a page of another site, that keeps tokens: the browser hands it a one-time code, which it redeems
//! itself (RFC 8252, RFC 7636). No session is opened in the browser.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::HasOAuth;
use super::answers::{problem, redirect, refuse};
use super::flow::{self, Departure, Resolution};
use super::target::is_listed;
use crate::authority::{Entry, client, engine};
use crate::crypto::journey::{Code, is_digest};
use crate::http::issue::Issue;
use crate::http::problem::Problem;
use crate::http::request::{Answer, json_or_form, limited, oauth};
use crate::oauth::{Client, Identified};
use crate::store::journeys::{Journey, StateRow, Wish};
use crate::toolbox::refuse_cross_site;

/// An app that sends a browser.
pub(super) struct App<'t> {
    target: &'t str,
    challenge: String,
    scopes: Option<String>,
}

impl App<'_> {
    pub(super) fn departure<'a, K>(&'a self, redirect_uri: &'a str) -> Departure<'a, K> {
        Departure {
            journey: Journey::Exchange,
            owner: None,
            redirect_to: Some(self.target),
            remember: false,
            wish: Some(Wish {
                challenge: &self.challenge,
                scopes: self.scopes.as_deref(),
            }),
            redirect_uri,
        }
    }
}

/// The app whose wish this is, if it is one's: it names a target of the list, or brings a challenge. Then it does both, or is told
/// so: left out, a challenge would leave the code to whoever reads it on its way (RFC 9700 §2.1.1).
pub(super) fn asked<A: HasOAuth>(
    target: Option<&str>,
    [challenge, method, scopes]: [Option<String>; 3],
) -> Result<Option<App<'_>>, Problem> {
    let listed = target.filter(|target| is_listed(A::OAUTH.exchange, target));
    if challenge.is_none() && method.is_none() && listed.is_none() {
        return Ok(None);
    }
    let mut issues = Vec::new();
    match &challenge {
        None => issues.push(Issue::missing("code_challenge")),
        Some(text) if is_digest(text) => {}
        Some(_) => issues.push(Issue::pattern_mismatch("code_challenge", CHALLENGE)),
    }
    match method.as_deref() {
        None => issues.push(Issue::missing("code_challenge_method")),
        Some("S256") => {}
        Some(_) => issues.push(Issue::pattern_mismatch("code_challenge_method", "^S256$")),
    }
    match (target, listed) {
        (_, Some(_)) => {}
        (None, None) => issues.push(Issue::missing("redirect_to")),
        (Some(_), None) => issues.push(Issue::new(
            "redirect_not_listed",
            "redirect_to",
            "No app is expected there",
        )),
    }
    if scopes.as_deref().is_some_and(|text| !is_scope(text)) {
        issues.push(Issue::pattern_mismatch("scope", SCOPE));
    }
    match (challenge, listed) {
        (Some(challenge), Some(target)) if issues.is_empty() => Ok(Some(App {
            target,
            challenge,
            scopes,
        })),
        _ => Err(Problem::Validation(
            issues.into_iter().map(Issue::in_query).collect(),
        )),
    }
}

/// 32 bytes in base64url.
const CHALLENGE: &str = "^[A-Za-z0-9_-]{43}$";
/// What RFC 6749 §3.3 lets a list of scopes be, and no more than a row is to keep.
const SCOPE: &str = "^[\\x20-\\x7E]{0,1024}$";

fn is_scope(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// The app that sent this browser, looked for once more on the way out. `None` where it was none.
pub(super) fn target<A: HasOAuth>(row: &StateRow) -> Option<&str> {
    let target = row.redirect_to.as_deref()?;
    (row.journey == Journey::Exchange && is_listed(A::OAUTH.exchange, target)).then_some(target)
}

/// Sends the browser back to the app, in either response mode: nobody's page is on the screen that a script could read.
pub(super) fn send_back(target: &str, name: &str, value: &str) -> Answer {
    let join = if target.contains('?') { '&' } else { '?' };
    redirect(
        StatusCode::TEMPORARY_REDIRECT,
        &format!("{target}{join}{name}={value}"),
    )
}

/// The end of the journey: a code for the account, and neither a session nor its cookie.
pub(super) async fn arrive<A: HasOAuth>(
    auth: &A,
    provider: &Client,
    parts: &Parts,
    row: StateRow,
    identified: Identified,
) -> Answer {
    let (Some(target), Some(challenge)) = (target::<A>(&row), &row.challenge) else {
        return refuse::<A>(Problem::InvalidState, A::OAUTH.json);
    };
    let (engine, from) = (engine(auth), client::<A>(parts));
    let identified = (identified, A::OAUTH.keep_tokens);
    let proof = match flow::resolve(engine, provider.policy(), identified, from).await? {
        Resolution::Account(proof) => proof,
        Resolution::Refused(refusal) => {
            return send_back(target, "error", problem(refusal).code());
        }
    };
    let wish = Wish {
        challenge,
        scopes: row.scopes.as_deref(),
    };
    let code = flow::hand_over(engine, provider, proof, wish).await?;
    send_back(target, "code", code.expose())
}

/// `POST /oauth/token`. Redeems a one-time code for tokens: what `/token` answers.
pub(super) async fn token<A: HasOAuth>(State(auth): State<A>, request: Request) -> Response {
    oauth(answer(&auth, request).await)
}

async fn answer<A: HasOAuth>(auth: &A, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let limit = ("oauth_authorize", A::POLICY.rate_limit.oauth_authorize);
    let who = client::<A>(&parts).group;
    // Told as OAuth tells it before the limit adds its headers.
    let work = async { Ok(oauth(redeem(auth, &parts, body).await)) };
    limited(engine(auth), limit, &who, work).await
}

async fn redeem<A: HasOAuth>(auth: &A, parts: &Parts, body: Body) -> Answer {
    let grant = A::TRANSPORTS.iter().find_map(|it| it.grant.as_ref());
    let grant = grant.ok_or(Problem::Internal)?; // the block does not compile without tokens
    if grant.sets_cookies {
        // Login CSRF: a foreign page would sign its visitor in as whoever it has a code of.
        refuse_cross_site(auth, parts)?;
    }
    let mut fields = json_or_form(parts, body, &["code", "code_verifier"]).await?;
    let (code, verifier) = (fields.secret("code"), fields.secret("code_verifier"));
    if fields
        .optional_text("grant_type")
        .is_some_and(|grant| grant != "authorization_code")
    {
        fields.push(Issue::pattern_mismatch(
            "grant_type",
            "^authorization_code$",
        ));
    }
    fields.finish()?;
    let (Some(code), Some(verifier)) = (code, verifier) else {
        return Err(Problem::Internal);
    };
    let code = Code::parse(code.expose()).ok_or(Problem::InvalidGrant)?;
    let (engine, verifier) = (engine(auth), verifier.expose());
    if let Some(good) = flow::redeem(engine, &code, verifier).await? {
        let entry = Entry {
            proof: good.proof,
            remember: false,
            scopes: good.scopes,
            redemption: Some(good.redemption),
        };
        if let Some(granted) = (grant.answer)(auth, parts, entry).await? {
            return Ok(granted);
        }
        flow::void(engine, &good.redemption).await?;
    }
    // Whoever has both has what only the app that was given tokens for them can have (RFC 6749 §4.1.2, §10.5).
    for redemption in code.redemptions(&engine.keys, verifier) {
        (grant.replayed)(auth, parts, redemption).await?;
    }
    Err(Problem::InvalidGrant)
}
