//! Accounts over HTTP.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Serialize;

use super::flow::{self, Caller, PasswordOutcome, SignUp, SignUpOutcome};
use crate::account::{AccountKey, AuthUser, NewColumns, Role, Table};
use crate::authority::{Authority, Renewal, client, engine};
use crate::crypto::{Normalized, PasswordSource};
use crate::engine::Client;
use crate::http::issue::Issue;
use crate::http::json::Fields;
use crate::http::origin::check_origin;
use crate::http::problem::Problem;
use crate::http::request::{
    Answer, detail, json, limited, new_password, ok, refusal, set_cookies, uncounted,
};
use crate::identity::check_username;
use crate::judge;
use crate::principal::{Principal, signed_in_recently};
use crate::secret::SecretText;
use crate::store::Unfit;

/// Longest user name, in characters (contract §2.2).
const LONGEST_USERNAME: usize = 64;

/// `POST /register`. Creates an account; signs nobody in.
pub(super) async fn register<A: Authority>(State(auth): State<A>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    foreign_page(&auth, &parts).map_err(|()| Problem::CrossSite)?;
    let client = client::<A>(&parts);
    let limit = ("register", A::POLICY.rate_limit.register);
    match asked_for(&auth, &parts, body).await {
        Ok(sign_up) => {
            let work = create(&auth, sign_up, &client);
            limited(engine(&auth), limit, &client.group, work).await
        }
        Err(problem) => uncounted(engine(&auth), limit, &client.group, problem).await,
    }
}

async fn asked_for<A: Authority>(
    auth: &A,
    parts: &Parts,
    body: Body,
) -> Result<SignUp<A::User>, Problem> {
    let fields = json(parts, body, &["email", "username", "password"]).await?;
    read::<A>(auth, fields).await
}

async fn create<A: Authority>(auth: &A, sign_up: SignUp<A::User>, client: &Client) -> Answer {
    let (email, username) = (sign_up.email.clone(), sign_up.username.clone());
    match flow::sign_up(engine(auth), sign_up, Some(client)).await? {
        // One answer for what is free and what is not: the owner of the mailbox learns the rest.
        SignUpOutcome::Created(_) | SignUpOutcome::EmailTaken | SignUpOutcome::FieldTaken(_)
            if A::POLICY.recovery.delivers() =>
        {
            accepted(&<A::User as AuthUser>::TABLE)
        }
        SignUpOutcome::Created(id) => ok(&Registered {
            id: id.as_inner(),
            email,
            username,
        }),
        SignUpOutcome::EmailTaken => Err(Problem::EmailTaken),
        SignUpOutcome::UsernameTaken => Err(Problem::UsernameTaken),
        SignUpOutcome::FieldTaken(field) => Err(Problem::FieldTaken(field)),
        SignUpOutcome::Exists => Err(Problem::AccountExists),
        SignUpOutcome::Unfit(unfit) => Err(Problem::issue(issue(unfit))),
    }
}

fn accepted(table: &Table) -> Answer {
    let mut answer = detail(if table.recovers_by_email() {
        "If the email is available, check your inbox to finish signing up."
    } else {
        "If the account is available, check your messages to finish signing up."
    })?;
    *answer.status_mut() = StatusCode::ACCEPTED;
    Ok(answer)
}

/// A value that the table does not take, as the body names it.
fn issue(unfit: Unfit) -> Issue {
    let field = unfit.column.map(|column| match column.role {
        Role::Email => "email",
        Role::Username => "username",
        _ => column.field,
    });
    match (field, unfit.room) {
        (Some(field), Some(room)) => Issue::string_too_long(field, room),
        (Some(field), None) => Issue::invalid_value(field),
        (None, _) => Issue::whole("value_error", "Input should have valid values"),
    }
}

/// Everything that can be wrong with the body is said at once; the password's rules come when its shape is right.
async fn read<A: Authority>(auth: &A, mut fields: Fields) -> Result<SignUp<A::User>, Problem> {
    let table = <A::User as AuthUser>::TABLE;
    let email = asked(&table, Role::Email, "email", &mut fields, email);
    let username = asked(&table, Role::Username, "username", &mut fields, username);
    let text = fields.secret("password");
    let columns = <A::User as AuthUser>::Columns::from_body(&mut fields);
    let password = text.and_then(|text| {
        new_password(&text, "password", A::POLICY.password.max)
            .map_err(|issue| fields.push(issue))
            .ok()
    });
    fields.finish()?;
    // `finish` has answered every `None`; this is for the compiler, and fails closed.
    let (Some(password), Some(columns)) = (password, columns) else {
        return Err(Problem::Internal);
    };
    let context = judge::context(
        email.as_deref(),
        username.as_deref(),
        PasswordSource::Register,
    );
    judge::judge_password(engine(auth), &password, &context)
        .await
        .map_err(|bad| refusal("password", bad))?;
    Ok(SignUp {
        email,
        username,
        password,
        columns,
        source: crate::hooks::SignUpSource::Register,
        email_verified: false,
        is_superuser: false,
    })
}

/// Reads a login field that the account has. A nullable one may be left out where there is another to sign in with.
fn asked(
    table: &Table,
    role: Role,
    name: &str,
    fields: &mut Fields,
    read: fn(&mut Fields) -> Option<String>,
) -> Option<String> {
    if !table.has(role) || (table.may_lack(role) && fields.is_absent(name)) {
        return None;
    }
    read(fields)
}

fn email(fields: &mut Fields) -> Option<String> {
    fields.email("email")
}

fn username(fields: &mut Fields) -> Option<String> {
    let text = fields.text("username")?;
    if text.chars().count() > LONGEST_USERNAME {
        fields.push(Issue::string_too_long("username", LONGEST_USERNAME));
        return None;
    }
    match check_username(&text) {
        Ok(()) => Some(text),
        Err(reason) => {
            fields.push(Issue::value_error("username", reason));
            None
        }
    }
}

/// `GET /me`. Says who is signed in, and how.
pub(super) async fn me<A: Authority>(principal: Principal<A>) -> Answer {
    let account = principal.user().account();
    ok(&Me {
        user_id: principal.user_id().as_inner(),
        username: account.username,
        email: account.email,
        is_superuser: account.is_superuser,
        scopes: principal.scopes(),
        via: principal.transport(),
    })
}

/// `POST /set-password`. Gives a password to an account that has none.
pub(super) async fn set_password<A: Authority>(
    principal: Principal<A>,
    State(auth): State<A>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let mut fields = json(&parts, body, &["new_password"]).await?;
    let text = fields.secret("new_password");
    fields.finish()?;
    if flow::has_password(principal.user()) {
        return Err(Problem::AlreadyHasPassword);
    }
    if !signed_in_recently(&auth, &principal) {
        return Err(Problem::RecentSignInRequired);
    }
    let text = text.ok_or(Problem::Internal)?;
    let password = judged(&auth, &principal, &text, PasswordSource::Set).await?;
    let client = client::<A>(&parts);
    match flow::set_password(
        engine(&auth),
        principal.user(),
        &password,
        caller(&principal, &client, None),
    )
    .await?
    {
        PasswordOutcome::Changed(_) => detail("Password set."),
        _ => Err(Problem::AlreadyHasPassword), // another request was first
    }
}

/// `POST /change-password`. Changes the password, ends every other session and keeps this one.
pub(super) async fn change_password<A: Authority>(
    principal: Principal<A>,
    State(auth): State<A>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let limit = ("change_password", A::POLICY.rate_limit.change_password);
    let who = principal.user_id().as_inner().to_string();
    limited(
        engine(&auth),
        limit,
        &who,
        change(&auth, &principal, parts, body),
    )
    .await
}

async fn change<A: Authority>(
    auth: &A,
    principal: &Principal<A>,
    parts: Parts,
    body: Body,
) -> Answer {
    let mut fields = json(&parts, body, &["current_password", "new_password"]).await?;
    let (current, new) = (
        fields.secret("current_password"),
        fields.secret("new_password"),
    );
    fields.finish()?;
    let (Some(current), Some(new)) = (current, new) else {
        return Err(Problem::Internal);
    };
    if !flow::has_password(principal.user()) {
        return Err(Problem::NoPassword);
    }
    let new = judged(auth, principal, &new, PasswordSource::Change).await?;
    let current = Normalized::new(current.expose(), A::POLICY.password.max).ok();
    let client = client::<A>(&parts);
    let renewal = renewal(principal);
    let caller = caller(principal, &client, renewal.map(|renewal| renewal.csrf));
    let outcome = flow::change_password(
        engine(auth),
        principal.user(),
        current.as_ref(),
        &new,
        caller,
    )
    .await?;
    match outcome {
        PasswordOutcome::Changed(rotated) => {
            let mut response = detail("Password changed.")?;
            if let (Some(rotated), Some(renewal)) = (rotated, renewal) {
                set_cookies(
                    response.headers_mut(),
                    (renewal.cookies)(principal, &rotated),
                );
            }
            Ok(response)
        }
        PasswordOutcome::Incorrect => Err(Problem::CurrentPasswordIncorrect),
        PasswordOutcome::Same => Err(Problem::SamePassword),
        PasswordOutcome::Locked(retry_after) => Err(Problem::LockedOut { retry_after }),
    }
}

/// Whether a page of somebody else's sent the request (login CSRF: it would sign its visitor up as the attacker).
fn foreign_page<A: Authority>(auth: &A, parts: &Parts) -> Result<(), ()> {
    check_origin(
        &parts.method,
        &parts.uri,
        &parts.headers,
        auth.core().origins.as_deref(),
        false,
    )
    .map_err(drop)
}

async fn judged<A: Authority>(
    auth: &A,
    principal: &Principal<A>,
    text: &SecretText,
    source: PasswordSource,
) -> Result<Normalized, Problem> {
    let field = "new_password";
    let password = new_password(text, field, A::POLICY.password.max).map_err(Problem::issue)?;
    let account = principal.user().account();
    let context = judge::context(account.email, account.username, source);
    judge::judge_password(engine(auth), &password, &context)
        .await
        .map_err(|bad| refusal(field, bad))?;
    Ok(password)
}

fn caller<'a, A: Authority>(
    principal: &'a Principal<A>,
    client: &'a Client,
    rotate: Option<bool>,
) -> Caller<'a> {
    let session = principal.session().map(|session| &session.key);
    Caller {
        session,
        transport: principal.transport(),
        rotate,
        client,
    }
}

fn renewal<A: Authority>(principal: &Principal<A>) -> Option<&'static Renewal<A>> {
    let transport = A::TRANSPORTS
        .iter()
        .find(|transport| transport.name == principal.transport())?;
    transport.renewal.as_ref()
}

#[derive(Serialize)]
struct Registered<'a, K> {
    id: &'a K,
    email: Option<String>,
    username: Option<String>,
}

#[derive(Serialize)]
struct Me<'a, K> {
    user_id: &'a K,
    username: Option<&'a str>,
    email: Option<&'a str>,
    is_superuser: bool,
    scopes: &'a [&'static str],
    via: &'static str,
}
