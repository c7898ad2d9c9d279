//! Server-rendered pages: HTML forms in place of scripts.
//!
//! A form cannot send a header, a JSON body or a DELETE. Where the block names a field (`#[session(csrf_field = "…")]`)
//! that field may carry the CSRF token, the JSON routes read forms too, and a browser gets a redirect for an answer: to
//! the form's `redirect_to` after success, to its `error_to` with `?error=<code>` after a refusal. Both are kept only
//! when they are paths of this site.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::HasSession;
use crate::http::Form;
use crate::http::body::{BodyLimit, read};
use crate::http::problem::{Code, Problem};
use crate::http::redirect::safe_redirect_path;

/// The token that stood in the declared form field.
#[derive(Clone)]
pub(super) struct FormToken(pub(super) String);

impl std::fmt::Debug for FormToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormToken([redacted])")
    }
}

/// Routes of ours whose body is JSON and which a page may post a form to.
const JSON_ROUTES: [&str; 3] = ["/register", "/set-password", "/change-password"];

/// Middleware that reads a form ahead of the guards, so that its declared field counts as the CSRF token. Our own
/// routes have it; an application adds it to its own pages with
/// `axum::middleware::from_fn_with_state(auth.clone(), crudauth::session::forms::read_ahead::<Auth>)`.
pub async fn read_ahead<A: HasSession>(
    State(_): State<A>,
    request: Request,
    next: Next,
) -> Response {
    read_form::<A>(request, next, &[]).await
}

/// The same for our own routes, of which some read JSON.
pub(super) async fn read_ours<A: HasSession>(
    State(_): State<A>,
    request: Request,
    next: Next,
) -> Response {
    read_form::<A>(request, next, &JSON_ROUTES).await
}

async fn read_form<A: HasSession>(request: Request, next: Next, json: &[&str]) -> Response {
    let (Some(field), Some(true)) = (A::SESSION.csrf_field, Some(is_form(&request))) else {
        return next.run(request).await;
    };
    match ahead(request, field, json).await {
        Ok((request, answer)) => answer.given(next.run(request).await),
        Err(problem) => problem.into_response(),
    }
}

/// What the form says about the answer.
struct Answers {
    redirect_to: Option<String>,
    error_to: Option<String>,
    html: bool,
}

async fn ahead(
    request: Request,
    field: &str,
    json: &[&str],
) -> Result<(Request, Answers), Problem> {
    let (mut parts, body) = request.into_parts();
    let bytes = read(BodyLimit::DEFAULT, &parts.headers, body).await?;
    let mut form = Form::urlencoded(&bytes)?;
    if let Some(token) = form.optional_text(field) {
        parts.extensions.insert(FormToken(token));
    }
    let mut path = |name| {
        form.optional_text(name)
            .filter(|path| safe_redirect_path(path).is_some())
    };
    let answers = Answers {
        redirect_to: path("redirect_to"),
        error_to: path("error_to"),
        html: wants_html(&parts.headers),
    };
    // Below a prefix the path has been cut to our part of it.
    let body = if json.contains(&parts.uri.path()) {
        let json = form.to_json();
        parts
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        parts.headers.remove(CONTENT_LENGTH);
        Body::from(json)
    } else {
        Body::from(bytes)
    };
    Ok((Request::from_parts(parts, body), answers))
}

impl Answers {
    /// Turns an answer into a redirect for a browser that asked for a page. Cookies stay on it.
    fn given(&self, mut response: Response) -> Response {
        let status = response.status();
        let refused = status.is_client_error() || status.is_server_error();
        // A redirect, of the application or of ours further in, is an answer already.
        let target = match (&self.redirect_to, &self.error_to) {
            (Some(to), _) if status.is_success() => Some(to.clone()),
            (_, Some(to)) if refused => Some(with_error(to, &response)),
            _ => None,
        };
        let Some(location) = target
            .filter(|_| self.html)
            .and_then(|to| HeaderValue::try_from(to).ok())
        else {
            return response;
        };
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(LOCATION, location);
        *response.status_mut() = StatusCode::SEE_OTHER;
        *response.body_mut() = Body::empty();
        response
    }
}

/// The code says what kind of refusal it was; an answer of the application's own has its status only.
fn with_error(path: &str, response: &Response) -> String {
    let code = response.extensions().get::<Code>().map_or_else(
        || response.status().as_u16().to_string(),
        |code| code.0.to_owned(),
    );

    let (page, fragment) = path
        .split_once('#')
        .map_or((path, ""), |(page, fragment)| (page, fragment));
    let joint = if page.contains('?') { '&' } else { '?' };
    let hash = if fragment.is_empty() { "" } else { "#" };
    format!("{page}{joint}error={code}{hash}{fragment}")
}

fn is_form(request: &Request) -> bool {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    request.method() == Method::POST
        && essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
