//! Malformed requests, the same in every run.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Method, Request};
use crudauth::testing::SignedIn;

use crate::support::{Answer, FORM, JSON, encode};

const SEED: u64 = 0x00C0_FFEE_D00D;
/// A generator that gives the same requests in every run (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        Self(SEED)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % sides
    }

    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.roll(of.len())]
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.roll(most);
        (0..length)
            .map(|_| u8::try_from(self.roll(256)).unwrap())
            .collect()
    }
}

/// Texts that have broken somebody's parser, as they stand between JSON quotes.
pub const TEXTS: &[&str] = &[
    "",
    " ",
    "ada",
    "ada@example.com",
    "a@b",
    "\\u0000",
    "\\ud800",
    "\\udc00\\ud800",
    "\\uD83D\\uDE00",
    "\u{202e}evil",
    "\u{feff}",
    "\u{fdfa}",
    "é",
    "e\u{301}",
    "İ",
    "ß",
    "\u{1F468}\u{200D}\u{1F469}",
    "' OR 1=1 --",
    "\\\"; DROP TABLE users; --",
    "%00",
    "%ff",
    "${jndi:ldap://x}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\\r\\nSet-Cookie: a=b",
    "null",
    "true",
    "NaN",
    "-0",
    "1e999",
    "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA",
    "!",
    "correct horse battery",
    "\\u0007",
    "\\/",
    "\\x",
    "\u{85}",
    "\u{10FFFF}",
    "a@\u{e9}xample.com",
    "\\ud83d",
];

/// Other values of JSON, and what only looks like one.
pub const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e400",
    "-1e-400",
    "9223372036854775808",
    "123456789012345678901234567890",
    "[]",
    "{}",
    "[[[[[[]]]]]]",
    "{\"a\":{\"a\":{}}}",
    "[null]",
    "[\"x\"]",
    "\"\\ud800\"",
    "NaN",
    "Infinity",
    "'x'",
    "",
    "\"",
    "01",
    "+1",
    "/**/1",
    "\"\u{1}\"",
    "{\"$ne\":1}",
    "\"\u{7f}\"",
];

const FIELDS: &[&str] = &[
    "email",
    "username",
    "password",
    "new_password",
    "current_password",
    "full_name",
    "remember_me",
    "grant_type",
    "is_superuser",
    "id",
    "csrf_token",
    "keep_current",
    "Email",
    "user.name",
    "__proto__",
    "",
    "\u{e9}",
    "a\\u0000b",
    "plan",
    "hashed_password",
    "token",
    "new_email",
    "redirect_to",
    "refresh_token",
    "scope",
];

/// Bodies that some route reads to the end.
const FITTING: &[&str] = &[
    r#"{"email":"ada@example.com"}"#,
    r#"{"email":"ADA@example.com","redirect_to":"//evil.example"}"#,
    r#"{"token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
    r#"{"token":"-_","new_password":"another fine passphrase"}"#,
    r#"{"new_email":"eve@example.com","password":"correct horse battery"}"#,
];

fn json_body(dice: &mut Dice) -> Vec<u8> {
    if dice.chance(50) {
        return dice.one(FITTING).as_bytes().to_vec();
    }
    let members: Vec<String> = (0..dice.roll(7))
        .map(|_| {
            let value = if dice.chance(70) {
                let text = dice
                    .one(TEXTS)
                    .repeat(if dice.chance(5) { 3000 } else { 1 });
                format!("\"{text}\"")
            } else {
                dice.one(VALUES).to_owned()
            };
            format!("\"{}\":{value}", dice.one(FIELDS))
        })
        .collect();
    let open = dice.one(&["{", "{", "{", "{", "[", "", "\u{feff}{", " {", "{{"]);
    let close = dice.one(&["}", "}", "}", "}", "]", "", "}}", "},", "}\u{0}"]);
    format!(
        "{open}{}{close}",
        members.join(dice.one(&[",", ",", ",", ",,", ";"]))
    )
    .into_bytes()
}

fn form_body(dice: &mut Dice) -> Vec<u8> {
    let pairs: Vec<String> = (0..dice.roll(8))
        .map(|_| {
            let value = dice.one(TEXTS);
            let value = if dice.chance(60) {
                encode(value)
            } else {
                value.to_owned()
            };
            format!(
                "{}{}{value}",
                dice.one(FIELDS),
                dice.one(&["=", "=", "=", "", "==", "%3D"])
            )
        })
        .collect();
    pairs
        .join(dice.one(&["&", "&", "&", ";", "&&", "\r\n"]))
        .into_bytes()
}

fn body(dice: &mut Dice) -> Vec<u8> {
    let mut body = match dice.roll(10) {
        0..=4 => json_body(dice),
        5..=7 => form_body(dice),
        8 => {
            let (name, text) = (dice.one(FIELDS), dice.one(TEXTS));
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n--b{}",
                dice.one(&["--\r\n", "", "\r\n"])
            )
            .into_bytes()
        }
        _ => dice.bytes(200),
    };
    for _ in 0..dice.roll(3) * usize::from(dice.chance(40)) {
        let at = dice.roll(body.len().max(1));
        match dice.roll(3) {
            0 => body.truncate(at),
            1 => body.splice(at..at, [0xff, 0xc0, 0x00]).for_each(drop),
            _ => body
                .get_mut(at)
                .into_iter()
                .for_each(|byte| *byte ^= 1 << 5),
        }
    }
    body
}

/// The routes of every block, and the application's own.
pub const PATHS: &[&str] = &[
    "/register",
    "/login",
    "/logout",
    "/me",
    "/set-password",
    "/change-password",
    "/sessions",
    "/logout-all",
    "/csrf/refresh",
    "/dashboard",
    "/billing",
    "/admin",
    "/maybe",
    "/upload",
];

/// The routes of a block that mails.
pub const RECOVERY: &[&str] = &[
    "/register",
    "/login",
    "/email/verify-request",
    "/email/verify-confirm",
    "/password/reset-request",
    "/password/reset-confirm",
    "/email/change-request",
    "/email/change-confirm",
    "/email/change-undo",
];

fn target(dice: &mut Dice, paths: &[&str]) -> String {
    let mut path = if dice.chance(20) {
        let id: String = dice
            .bytes(70)
            .iter()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        format!("/sessions/{id}")
    } else {
        dice.one(paths).to_owned()
    };
    if dice.chance(25) {
        let query = dice.one(&[
            "keep_current=1",
            "keep_current=%ff",
            "password=x",
            "=&&=",
            "a=1&a=2",
            "%",
            "username=ada&username=bob",
            "keep_current=maybe",
            "x[]=1",
            "token=AAAA",
        ]);
        path = format!("{path}?{query}");
    }
    path
}

const HEADERS: &[&str] = &[
    "cookie",
    "x-csrf-token",
    "content-type",
    "origin",
    "referer",
    "sec-fetch-site",
    "host",
    "authorization",
    "user-agent",
    "x-forwarded-for",
    "accept",
    "content-length",
    "x-request-id",
    "x-http-method-override",
    "transfer-encoding",
    "range",
    "if-none-match",
    "accept-language",
];

pub fn request(dice: &mut Dice, signed_in: &SignedIn, paths: &[&str]) -> Request<Body> {
    let method = dice.one(&[
        "GET", "POST", "POST", "POST", "POST", "DELETE", "DELETE", "PUT", "HEAD", "OPTIONS", "FOO",
    ]);
    let address: SocketAddr = format!(
        "10.{}.{}.{}:1",
        dice.roll(256),
        dice.roll(256),
        dice.roll(256)
    )
    .parse()
    .unwrap();
    let kind = dice.one(&[
        JSON,
        JSON,
        JSON,
        JSON,
        JSON,
        FORM,
        FORM,
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "text/plain",
        "application/json; charset=utf-16",
        "\u{e9}",
    ]);
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(target(dice, paths))
        .extension(ConnectInfo(address))
        .header(
            "content-type",
            HeaderValue::from_bytes(kind.as_bytes()).unwrap(),
        );
    if dice.chance(60) {
        request = request.header("cookie", &signed_in.cookie);
    }
    if dice.chance(55) {
        request = request.header("x-csrf-token", &signed_in.csrf_token);
    }
    for _ in 0..dice.roll(4) {
        let value = match dice.roll(4) {
            0 => dice.bytes(300),
            1 => dice.one(TEXTS).as_bytes().to_vec(),
            2 => format!(
                "session_id={}; csrf_token=\u{e9}; session_id",
                dice.one(TEXTS)
            )
            .into_bytes(),
            _ => signed_in.cookie.clone().into_bytes(),
        };
        let value: Vec<u8> = value
            .into_iter()
            .filter(|byte| *byte >= 32 && *byte != 127)
            .collect();
        request = request.header(dice.one(HEADERS), HeaderValue::from_bytes(&value).unwrap());
    }
    request.body(Body::from(body(dice))).unwrap()
}

/// No error of ours, and nothing told that the contract does not tell.
pub fn assert_sound(answer: &Answer, asked: &str) {
    let (status, text) = (answer.status, &answer.text);
    let told = format!("{asked}: {status} {text}");
    assert!(status.as_u16() < 500, "{told}");
    assert!(!text.contains("argon2"), "{told}");
    let kept = answer.headers.get("cache-control").is_none();
    assert!(!kept || status.is_success(), "{told}");
    if status.is_client_error() && !text.is_empty() {
        let body = answer.json();
        let detail = &body["detail"];
        assert!(detail.is_string() || detail.is_array(), "{told}");
        assert!(body["code"].is_string(), "{told}");
        assert!(!text.contains("\"input\""), "{told}");
    }
}
