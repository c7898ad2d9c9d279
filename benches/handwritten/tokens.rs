//! Access tokens and refresh families. HS256 is the `hmac` crate under a key that is prepared once; the library of RFC 7519
//! would prepare it for every token. A refresh token names its family and its generation and proves both by a MAC, so that one
//! that was sent twice gets the same successor and an older one is known for what it is.

use std::borrow::Cow;

use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::request::Parts;
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, Row as _};

use super::{App, BEGIN, CLEAR_ATTEMPTS, Failure, Id, Row, UNAUTHORIZED, User};
use super::{buckets, now, random, token};

const ACCESS: i64 = 15 * 60;
const LEEWAY: i64 = 30;
const SECOND: i64 = 1_000_000;
const GRACE: i64 = 10 * SECOND;
const FAMILY: i64 = 30 * 24 * 60 * 60 * SECOND;
const LONGEST: usize = 8192;
/// `{"alg":"HS256","typ":"JWT"}`: no other header is taken.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

/// The keys, each prepared once.
pub struct Keys {
    access: Hmac<Sha256>,
    refresh: Hmac<Sha256>,
}

impl Keys {
    pub fn random() -> Self {
        let key = || Hmac::new_from_slice(&random::<32>()).unwrap();
        Self {
            access: key(),
            refresh: key(),
        }
    }

    fn sign(&self, claims: &Claims) -> Result<String, Failure> {
        let payload = serde_json::to_vec(claims).map_err(|_| super::INTERNAL)?;
        let mut token = String::with_capacity(2 * payload.len());
        token.push_str(HEADER);
        URL_SAFE_NO_PAD.encode_string(&payload, &mut token);
        let mut mac = self.access.clone();
        mac.update(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
        Ok(token)
    }

    fn read(&self, token: &str) -> Option<Claims> {
        let (input, signature) = token.rsplit_once('.')?;
        let payload = input.strip_prefix(HEADER)?;
        if token.len() > LONGEST {
            return None;
        }
        let mut mac = self.access.clone();
        mac.update(input.as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?)
            .ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let now = now() / SECOND;
        let good = claims.token_type == "access"
            && claims.iat <= now + LEEWAY
            && claims.exp > now - LEEWAY
            && (1..=ACCESS + LEEWAY).contains(&(claims.exp - claims.iat));
        good.then_some(claims)
    }

    fn refresh(&self, family: [u8; 16], generation: u64) -> Refresh {
        let mut mac = self.refresh.clone();
        mac.update(&family);
        mac.update(&generation.to_be_bytes());
        Refresh {
            family,
            generation,
            mac: mac.finalize().into_bytes().into(),
        }
    }

    fn parse(&self, text: &str) -> Option<Refresh> {
        let bytes: [u8; 56] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (family, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, sent) = rest.split_first_chunk::<8>()?;
        let token = self.refresh(*family, u64::from_be_bytes(*generation));
        equal(&token.mac, sent).then_some(token)
    }
}

fn equal(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    sub: String,
    ver: i64,
    exp: i64,
    token_type: Cow<'static, str>,
    scopes: Vec<String>,
    iat: i64,
    jti: String,
    sid: String,
}

struct Refresh {
    family: [u8; 16],
    generation: u64,
    mac: [u8; 32],
}

impl Refresh {
    fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.family)
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.mac).into()
    }

    fn write(&self) -> String {
        let generation = self.generation.to_be_bytes();
        URL_SAFE_NO_PAD.encode([&self.family[..], &generation, &self.mac].concat())
    }
}

/// What a token says, and nobody else.
pub struct Token(Claims);

impl FromRequestParts<App> for Token {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let mut sent = parts.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else {
            return Err(UNAUTHORIZED);
        };
        let text = value.to_str().map_err(|_| UNAUTHORIZED)?;
        let (scheme, token) = text.split_once(' ').ok_or(UNAUTHORIZED)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(UNAUTHORIZED);
        }
        app.0.tokens.read(token).map(Self).ok_or(UNAUTHORIZED)
    }
}

/// The account of a token whose family lives.
pub struct Bearer(User);

impl FromRequestParts<App> for Bearer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Token(claims) = Token::from_request_parts(parts, app).await?;
        let found: Option<User> = sqlx::query_as(
            "SELECT u.* FROM families f JOIN users u ON u.id = f.user_id WHERE f.id = $1",
        )
        .bind(&claims.sid)
        .fetch_optional(&app.0.pool)
        .await?;
        let id: i64 = claims.sub.parse().map_err(|_| UNAUTHORIZED)?;
        let found = found
            .filter(|user| user.id == id && user.token_version == claims.ver && user.is_active);
        found.map(Self).ok_or(UNAUTHORIZED)
    }
}

pub async fn claims(Token(claims): Token) -> Result<Json<Id>, Failure> {
    let id = claims.sub.parse().map_err(|_| UNAUTHORIZED)?;
    Ok(Json(Id { id }))
}

pub async fn machine(Bearer(user): Bearer) -> Json<Id> {
    Json(Id { id: user.id })
}

#[derive(Deserialize)]
pub struct Credentials {
    username: String,
    password: String,
}

#[derive(Serialize)]
pub struct Issued {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
    refresh_token: String,
}

type Answer = Result<([(axum::http::HeaderName, &'static str); 1], Json<Issued>), Failure>;

pub async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Answer {
    super::same_site(&headers)?;
    let found: Option<User> = sqlx::query_as("SELECT * FROM users WHERE username = $1")
        .bind(&form.username)
        .fetch_optional(&app.0.pool)
        .await?;
    let buckets = buckets(&app, found.as_ref(), &form.username);
    app.count_attempt(&buckets).await?;
    let hash = found.as_ref().map(|user| user.password_hash.clone());
    let right = app.verify(form.password, hash).await?;
    let user = found.filter(|user| right && user.is_active);
    let user = user.ok_or(UNAUTHORIZED)?;
    let first = app.0.tokens.refresh(random(), 0);
    let now = now();
    let mut tx = app.0.pool.begin_with(BEGIN).await?;
    sqlx::query(CLEAR_ATTEMPTS)
        .bind(&buckets[0][..])
        .bind(&buckets[1][..])
        .bind(&buckets[2][..])
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO families (id, user_id, generation, secret, token_version, scopes, created_at, rotated_at, expires_at) \
         VALUES ($1, $2, 0, $3, $4, '', $5, $5, $6)",
    )
    .bind(first.name())
    .bind(user.id)
    .bind(&first.digest()[..])
    .bind(user.token_version)
    .bind(now)
    .bind(now + FAMILY)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    answer(&app, &user, &first, String::new(), now + FAMILY)
}

/// A family and its account.
struct Family {
    generation: i64,
    secret: Vec<u8>,
    bound_to: i64,
    scopes: String,
    rotated_at: i64,
    expires_at: i64,
    user: User,
}

impl<'r> FromRow<'r, Row> for Family {
    fn from_row(row: &'r Row) -> sqlx::Result<Self> {
        Ok(Self {
            generation: row.try_get("generation")?,
            secret: row.try_get("secret")?,
            bound_to: row.try_get("bound_to")?,
            scopes: row.try_get("scopes")?,
            rotated_at: row.try_get("rotated_at")?,
            expires_at: row.try_get("expires_at")?,
            user: User::from_row(row)?,
        })
    }
}

#[derive(Deserialize)]
pub struct Renewal {
    refresh_token: String,
}

pub async fn refresh(State(app): State<App>, Json(body): Json<Renewal>) -> Answer {
    let sent = app.0.tokens.parse(&body.refresh_token);
    let (sent, now) = (sent.ok_or(UNAUTHORIZED)?, now());
    let found: Option<Family> = sqlx::query_as(
        "SELECT f.generation, f.secret, f.token_version AS bound_to, f.scopes, f.rotated_at, f.expires_at, u.* \
         FROM families f JOIN users u ON u.id = f.user_id WHERE f.id = $1",
    )
    .bind(sent.name())
    .fetch_optional(&app.0.pool)
    .await?;
    let found = found.ok_or(UNAUTHORIZED)?;
    let user = &found.user;
    if found.expires_at <= now || found.bound_to != user.token_version || !user.is_active {
        return Err(UNAUTHORIZED);
    }
    let next = app.0.tokens.refresh(sent.family, sent.generation + 1);
    match found.generation - i64::try_from(sent.generation).map_err(|_| UNAUTHORIZED)? {
        0 if equal(&sent.digest(), &found.secret) => {
            let rotated = sqlx::query(
                "UPDATE families SET generation = generation + 1, secret = $3, rotated_at = $4 \
                 WHERE id = $1 AND generation = $2 AND expires_at > $4",
            )
            .bind(sent.name())
            .bind(found.generation)
            .bind(&next.digest()[..])
            .bind(now)
            .execute(&app.0.pool)
            .await?;
            if rotated.rows_affected() == 0 {
                return Err(UNAUTHORIZED);
            }
        }
        1 if now - found.rotated_at <= GRACE && equal(&next.digest(), &found.secret) => {}
        ..=0 => return Err(UNAUTHORIZED),
        _ => {
            sqlx::query("DELETE FROM families WHERE id = $1")
                .bind(sent.name())
                .execute(&app.0.pool)
                .await?;
            return Err(UNAUTHORIZED);
        }
    }
    answer(&app, user, &next, found.scopes, found.expires_at)
}

fn answer(app: &App, user: &User, refresh: &Refresh, scope: String, ends: i64) -> Answer {
    let iat = now() / SECOND;
    let exp = (iat + ACCESS).min(ends / SECOND);
    let access_token = app.0.tokens.sign(&Claims {
        sub: user.id.to_string(),
        ver: user.token_version,
        exp,
        token_type: Cow::Borrowed("access"),
        scopes: scope.split_whitespace().map(str::to_owned).collect(),
        iat,
        jti: token(),
        sid: refresh.name(),
    })?;
    let issued = Issued {
        access_token,
        token_type: "bearer",
        expires_in: exp - iat,
        scope,
        refresh_token: refresh.write(),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(issued)))
}
