//! From a request's bytes to its fields: media types, sizes and times.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use bytes::Bytes;
use http_body_util::BodyExt;

use super::form;
pub use super::form::Form;
use super::issue::Issue;
use super::json::Fields;
use super::problem::Problem;

/// How much of a body is read, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit {
    /// Most bytes. 64 KiB.
    pub bytes: usize,
    /// Longest time for the whole of it; a trickle does not extend it. 10 s.
    pub time: Duration,
}

impl BodyLimit {
    /// 64 KiB within 10 s: the longest honest body of these routes is a few kilobytes.
    pub const DEFAULT: Self = Self {
        bytes: 64 * 1024,
        time: Duration::from_secs(10),
    };
}

/// Reads the body of a JSON route; no body counts as an empty object.
///
/// # Errors
/// 413 and 408 beyond [`BodyLimit::DEFAULT`], 400 if it breaks off, 422 for another media type or what
/// [`Fields::parse`] refuses.
pub async fn json(headers: &HeaderMap, body: Body) -> Result<Fields, Problem> {
    json_within(BodyLimit::DEFAULT, headers, body).await
}

/// As [`json`], with another limit.
///
/// # Errors
/// As [`json`].
pub async fn json_within(
    limit: BodyLimit,
    headers: &HeaderMap,
    body: Body,
) -> Result<Fields, Problem> {
    let bytes = read(limit, headers, body).await?;
    if bytes.is_empty() {
        return Ok(Fields::default());
    }
    // A page elsewhere can send any text as `text/plain` without a preflight; only this type needs one.
    if media_type(headers).is_none_or(|(essence, _)| !is(essence, "application/json")) {
        return Err(Problem::issue(Issue::model_attributes_type()));
    }
    Fields::parse(&bytes)
}

/// Reads the body of a form route, `application/x-www-form-urlencoded` or `multipart/form-data`. No body, and a body
/// of any other type, count as a form without fields.
///
/// # Errors
/// 413 and 408 beyond [`BodyLimit::DEFAULT`], 400 if it breaks off, 422 for repeated fields, files and what cannot
/// be read.
pub async fn form(headers: &HeaderMap, body: Body) -> Result<Form, Problem> {
    form_within(BodyLimit::DEFAULT, headers, body).await
}

/// As [`form`], with another limit.
///
/// # Errors
/// As [`form`].
pub async fn form_within(
    limit: BodyLimit,
    headers: &HeaderMap,
    body: Body,
) -> Result<Form, Problem> {
    let bytes = read(limit, headers, body).await?;
    match media_type(headers) {
        _ if bytes.is_empty() => Ok(Form::default()),
        Some((essence, _)) if is(essence, "application/x-www-form-urlencoded") => {
            Form::urlencoded(&bytes)
        }
        Some((essence, whole)) if is(essence, "multipart/form-data") => {
            match multer::parse_boundary(whole) {
                Ok(boundary) => Form::multipart(bytes, boundary).await,
                Err(_) => Ok(Form::default()),
            }
        }
        _ => Ok(Form::default()),
    }
}

/// Reads JSON where the request says so, and a form otherwise.
///
/// # Errors
/// As [`json`] and [`form`].
#[cfg(feature = "oauth")]
pub(crate) async fn json_or_form(headers: &HeaderMap, body: Body) -> Result<Fields, Problem> {
    match media_type(headers) {
        Some((essence, _)) if is(essence, "application/json") => json(headers, body).await,
        _ => form(headers, body).await.map(Form::into_fields),
    }
}

/// Reads a whole body.
///
/// # Errors
/// 413 as soon as `limit` is passed, at once if the length is announced; 408 if it takes too long; 400 if it breaks
/// off.
pub async fn read(limit: BodyLimit, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let allowed = u64::try_from(limit.bytes).unwrap_or(u64::MAX);
    if announced.is_some_and(|length| length > allowed) || body.size_hint().lower() > allowed {
        return Err(Problem::PayloadTooLarge);
    }
    tokio::time::timeout(limit.time, collect(limit.bytes, body))
        .await
        .unwrap_or(Err(Problem::RequestTimeout))
}

async fn collect(limit: usize, mut body: Body) -> Result<Bytes, Problem> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        // Trailers are passed over.
        let Ok(chunk) = frame.map_err(|_| Problem::BadRequest)?.into_data() else {
            continue;
        };
        if chunk.len() > limit.saturating_sub(whole.len()) {
            return Err(Problem::PayloadTooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.into())
}

/// Whether a media type is `wanted`, in whatever case.
const fn is(essence: &str, wanted: &str) -> bool {
    essence.eq_ignore_ascii_case(wanted)
}

/// The media type, and the header it stands in. `None` for none, several, or another charset than UTF-8.
fn media_type(headers: &HeaderMap) -> Option<(&str, &str)> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let whole = lines.next()?.to_str().ok()?;
    if lines.next().is_some() {
        return None;
    }
    let mut parts = whole.split(';');
    let essence = parts.next()?.trim();
    let foreign_charset = parts
        .filter_map(|part| part.split_once('='))
        .any(|(name, value)| {
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("charset")
                && !["utf-8", "utf8", "us-ascii"]
                    .iter()
                    .any(|known| value.eq_ignore_ascii_case(known))
        });
    if foreign_charset {
        None
    } else {
        Some((essence, whole))
    }
}

/// A truth value of the query string, `default` if absent.
///
/// # Errors
/// 422 if it is no truth value, or if the query string repeats a parameter or cannot be read.
pub fn query_flag(uri: &Uri, name: &str, default: bool) -> Result<bool, Problem> {
    let found = query(uri)?.into_iter().find(|(key, _)| key == name);
    match found.as_ref().map(|(_, value)| value.as_str()) {
        None => Ok(default),
        Some(text) => {
            form::truth(text).ok_or_else(|| Problem::issue(Issue::bool_parsing(name).in_query()))
        }
    }
}

/// Texts of the query string.
///
/// # Errors
/// 422 if the query string repeats a parameter or cannot be read.
pub fn query_texts<const N: usize>(
    uri: &Uri,
    names: [&str; N],
) -> Result<[Option<String>; N], Problem> {
    let pairs = query(uri)?;
    let value = |name| pairs.iter().find(|(key, _)| key == name);
    Ok(names.map(|name| value(name).map(|(_, value)| value.clone())))
}

/// Refuses fields of the body that are also in the query string (SEC-137), and query strings that cannot be read.
///
/// # Errors
/// 422 naming the first of `names` that the query string has.
pub fn refuse_in_query(uri: &Uri, names: &[&str]) -> Result<(), Problem> {
    let pairs = query(uri)?;
    match names
        .iter()
        .find(|name| pairs.iter().any(|(key, _)| key == *name))
    {
        None => Ok(()),
        Some(name) => {
            let issue = Issue::new(
                "unexpected_parameter",
                name,
                "This field belongs in the body",
            );
            Err(Problem::issue(issue.in_query()))
        }
    }
}

fn query(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    form::pairs(uri.query().unwrap_or_default().as_bytes())
        .map_err(|issue| Problem::issue(issue.in_query()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    fn typed(media_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))])
    }

    fn missing(name: &str) -> Result<(), Problem> {
        Err(Problem::issue(Issue::missing(name)))
    }

    #[tokio::test]
    async fn sec_063_json_routes_read_only_json() {
        let object = || Body::from(r#"{"a":"b"}"#);
        for good in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=\"UTF-8\"",
        ] {
            assert_eq!(
                json(&typed(good), object())
                    .await
                    .unwrap()
                    .text("a")
                    .as_deref(),
                Some("b")
            );
        }
        for bad in [
            "text/plain",
            "application/vnd.api+json",
            "application/json; charset=utf-16",
            "",
            "application/x-www-form-urlencoded",
        ] {
            let refused = json(&typed(bad), object()).await.unwrap_err();
            assert_eq!(
                refused,
                Problem::issue(Issue::model_attributes_type()),
                "{bad}"
            );
        }
        assert!(json(&HeaderMap::new(), object()).await.is_err());
        let mut twice = typed("application/json");
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert!(json(&twice, object()).await.is_err());
    }

    #[tokio::test]
    async fn no_body_needs_no_media_type() {
        let mut fields = json(&HeaderMap::new(), Body::empty()).await.unwrap();
        assert!(fields.text("a").is_none());
        assert_eq!(fields.finish(), missing("a"));
        assert!(
            form(&HeaderMap::new(), Body::empty())
                .await
                .unwrap()
                .finish()
                .is_ok()
        );
    }

    #[tokio::test]
    async fn sec_063_form_routes_read_only_forms() {
        let urlencoded = typed("application/x-www-form-urlencoded");
        let mut read = form(&urlencoded, Body::from("a=b")).await.unwrap();
        assert_eq!(read.text("a").as_deref(), Some("b"));
        for other in ["application/json", "text/plain", "multipart/form-data"] {
            let mut read = form(&typed(other), Body::from("a=b")).await.unwrap();
            assert!(read.text("a").is_none());
            assert_eq!(read.finish(), missing("a"));
        }
    }

    #[tokio::test]
    async fn multipart_forms_are_read_and_files_refused() {
        let headers = typed("multipart/form-data; boundary=XX");
        let part = |disposition: &str, value: &str| {
            format!("--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
        };
        let (name, file) = (
            part("name=\"a\"", "b c"),
            part("name=\"f\"; filename=\"x\"", "y"),
        );
        let mut read = form(&headers, Body::from(format!("{name}--XX--\r\n")))
            .await
            .unwrap();
        assert_eq!(read.text("a").as_deref(), Some("b c"));
        for bad in [
            format!("{file}--XX--\r\n"),
            format!("{name}{name}--XX--\r\n"),
            name.clone(),
            "junk".to_owned(),
        ] {
            let refused = form(&headers, Body::from(bad)).await.unwrap_err();
            assert_eq!(refused.status(), 422);
        }
    }

    #[tokio::test]
    async fn sec_132_bodies_are_limited_with_and_without_length() {
        let limit = BodyLimit {
            bytes: 8,
            ..BodyLimit::DEFAULT
        };
        let chunks = |n: usize| {
            Body::from_stream(stream::iter(
                (0..n).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"1234"))),
            ))
        };
        assert_eq!(
            read(limit, &HeaderMap::new(), chunks(2))
                .await
                .unwrap()
                .len(),
            8
        );
        assert_eq!(
            read(limit, &HeaderMap::new(), chunks(1_000_000)).await,
            Err(Problem::PayloadTooLarge)
        );
        let announced = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("9"))]);
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(
            read(limit, &announced, never).await,
            Err(Problem::PayloadTooLarge)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn sec_133_a_trickle_does_not_extend_the_time() {
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
        });
        let outcome = json(&HeaderMap::new(), Body::from_stream(trickle)).await;
        assert_eq!(outcome.unwrap_err(), Problem::RequestTimeout);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_400() {
        let broken = stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::other("gone")),
        ]);
        assert_eq!(
            json(&HeaderMap::new(), Body::from_stream(broken))
                .await
                .unwrap_err(),
            Problem::BadRequest
        );
    }

    #[test]
    fn sec_137_query_parameters_are_not_repeated_nor_mixed_with_the_body() {
        let uri = |text: &'static str| Uri::from_static(text);
        assert_eq!(
            query_flag(&uri("/x?keep_current=Yes"), "keep_current", false),
            Ok(true)
        );
        assert_eq!(query_flag(&uri("/x"), "keep_current", true), Ok(true));
        assert!(
            query_flag(
                &uri("/x?keep_current=1&keep_current=1"),
                "keep_current",
                false
            )
            .is_err()
        );
        let Err(Problem::Validation(issues)) =
            query_flag(&uri("/x?keep_current=2"), "keep_current", false)
        else {
            panic!()
        };
        assert_eq!(issues, [Issue::bool_parsing("keep_current").in_query()]);
        assert!(refuse_in_query(&uri("/x?password=1"), &["username", "password"]).is_err());
        assert!(refuse_in_query(&uri("/x?other=1"), &["username", "password"]).is_ok());
        assert!(refuse_in_query(&uri("/x?a=%ff"), &[]).is_err());
    }
}
