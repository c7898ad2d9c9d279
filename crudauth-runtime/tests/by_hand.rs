//! What the macros write, written by hand: the seam between the two crates compiles and serves without them.

use crudauth_runtime::__private as __p;
use crudauth_runtime::testing::TestBuilder;

struct User {
    id: i64,
    email: String,
    username: String,
    password_hash: __p::PasswordHash,
    full_name: Option<String>,
}

struct UserColumns {
    full_name: Option<String>,
}

impl __p::NewColumns for UserColumns {
    fn from_body<B: __p::Body>(body: &mut B) -> Option<Self> {
        let full_name = body.optional_text("full_name", None);
        Some(Self {
            full_name: full_name?,
        })
    }
}

const fn column(name: &'static str, role: __p::Role, fill: __p::Fill) -> __p::ColumnDef {
    __p::ColumnDef {
        field: name,
        name,
        role,
        fill,
        nullable: matches!(role, __p::Role::Own),
        unique: false,
        max_length: None,
    }
}

impl __p::AuthUser for User {
    type Id = i64;
    type Columns = UserColumns;
    const TABLE: __p::Table = __p::Table {
        schema: None,
        name: "users",
        columns: &[
            column("id", __p::Role::Id, __p::Fill::Database),
            column("email", __p::Role::Email, __p::Fill::Library),
            column("username", __p::Role::Username, __p::Fill::Library),
            column("password_hash", __p::Role::PasswordHash, __p::Fill::Library),
            column("full_name", __p::Role::Own, __p::Fill::Columns),
        ],
    };
    fn id(&self) -> &i64 {
        &self.id
    }
    fn account(&self) -> __p::Account<'_> {
        __p::Account {
            email: Some(&self.email),
            username: Some(&self.username),
            password_hash: Some(&self.password_hash),
            email_verified: None,
            is_active: true,
            is_superuser: false,
            token_version: 0,
        }
    }
}

impl<D: __p::Dialect> __p::UserRow<D> for User
where
    i64: __p::Column<D>,
    String: __p::Column<D>,
    Option<String>: __p::Column<D>,
    __p::PasswordHash: __p::Column<D>,
{
    fn read(row: &D::Row, first: usize) -> __p::Result<Self> {
        Ok(Self {
            id: __p::Column::<D>::read(row, first)?,
            email: __p::Column::<D>::read(row, first + 1)?,
            username: __p::Column::<D>::read(row, first + 2)?,
            password_hash: __p::Column::<D>::read(row, first + 3)?,
            full_name: __p::Column::<D>::read(row, first + 4)?,
        })
    }
    fn bind(new: &__p::NewAccount<Self>, args: &mut __p::Args<D>) -> __p::Result<()> {
        __p::bind_text::<D, String>(new.email.as_deref(), args)?;
        __p::bind_text::<D, String>(new.username.as_deref(), args)?;
        __p::bind_hash::<D, __p::PasswordHash>(&new.password_hash, args)?;
        __p::Column::<D>::add(&new.columns.full_name, args)
    }
    fn types() -> Vec<D::TypeInfo> {
        vec![
            <i64 as __p::Column<D>>::type_info(),
            <String as __p::Column<D>>::type_info(),
            <String as __p::Column<D>>::type_info(),
            <__p::PasswordHash as __p::Column<D>>::type_info(),
            <Option<String> as __p::Column<D>>::type_info(),
        ]
    }
}

#[derive(Clone)]
struct Auth(std::sync::Arc<__p::Core<Auth>>);

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth")
    }
}

impl __p::Schema for Auth {
    type User = User;
    const PREFIX: &'static str = "auth_";
}
impl __p::Declares<__p::Sqlite> for Auth {}
impl __p::session::HasSession for Auth {
    const SESSION: __p::SessionPolicy = {
        let mut policy = __p::SessionPolicy::DEFAULT;
        policy.management = true;
        policy
    };
}
impl __p::Authority for Auth {
    type Hooks = __p::NoHooks;
    const NAME: &'static str = "Auth";
    const POLICY: __p::Policy = __p::Policy::DEFAULT;
    const TRANSPORTS: &'static [__p::Transport<Self>] = &[__p::session::transport::<Self>()];
    const FEATURES: &'static [__p::Feature<Self>] = &[
        __p::account::feature::<Self>(),
        __p::session::feature::<Self>(),
    ];
    const DRIVERS: &'static [__p::Driver<Self>] = &[__p::sqlite::driver::<Self>()];
    fn from_core(core: std::sync::Arc<__p::Core<Self>>) -> Self {
        Self(core)
    }
    fn core(&self) -> &std::sync::Arc<__p::Core<Self>> {
        &self.0
    }
}

#[tokio::test]
async fn a_hand_written_expansion_registers_and_signs_in() {
    let auth: Auth = __p::Builder::<Auth, __p::Wired>::connect("sqlite::memory:")
        .secret("a secret of thirty-two bytes or more, for a test")
        .cheap_hashing()
        .await
        .unwrap();
    let app: __p::axum::Router = __p::router(&auth);
    println!("{}", __p::routes(&auth));
    let send = |method: &str, path: &str, kind: &str, cookie: &str, csrf: &str, body: &str| {
        let request = __p::axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .header("cookie", cookie)
            .header("x-csrf-token", csrf)
            .body(__p::axum::body::Body::from(body.to_owned()))
            .unwrap();
        let app = app.clone();
        async move {
            let response = tower::ServiceExt::oneshot(app, request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = __p::axum::body::to_bytes(body, 1 << 20).await.unwrap();
            (parts, String::from_utf8(body.to_vec()).unwrap())
        }
    };
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    let body = r#"{"email":"Ada@x.com","username":"ada","password":"correct horse battery","full_name":"Ada L"}"#;
    let (parts, body) = send("POST", "/register", json, "", "", body).await;
    assert_eq!(
        (parts.status.as_u16(), body.as_str()),
        (200, r#"{"id":1,"email":"ada@x.com","username":"ada"}"#)
    );
    let login = "username=ada&password=correct+horse+battery";
    let (parts, body) = send("POST", "/login", form, "", "", login).await;
    assert_eq!(parts.status.as_u16(), 200, "{body}");
    let cookies: Vec<_> = parts
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap())
        .collect();
    println!("{:#?}", parts.headers);
    let cookies = cookies.join("; ");
    let (parts, body) = send("GET", "/me", json, &cookies, "", "").await;
    assert_eq!(
        (parts.status.as_u16(), body.as_str()),
        (
            200,
            r#"{"user_id":1,"username":"ada","email":"ada@x.com","is_superuser":false,"scopes":[],"via":"session"}"#
        )
    );
    let (parts, body) = send("GET", "/sessions", json, &cookies, "", "").await;
    assert_eq!(parts.status.as_u16(), 200);
    println!("{body}");
    let (parts, body) = send("POST", "/logout", json, &cookies, "", "").await;
    assert_eq!((parts.status.as_u16(), body.contains("csrf")), (403, true));
    for n in 1..=6 {
        let wrong = "username=ada&password=wrong";
        let (parts, body) = send("POST", "/login", form, "", "", wrong).await;
        assert_eq!(
            parts.status.as_u16(),
            if n <= 5 { 401 } else { 429 },
            "{n}: {body}"
        );
    }
}
