// Paths that nobody could register, that are not read in one way, or that another route has.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, paths(prefix = "", authorize = "/login", callback = "/{id}/done"))]
    pub struct Empty<User>;
}

auth! {
    #[oauth(google, paths(prefix = "/auth/", authorize = "/{provider}/", callback = "{provider}/done"))]
    pub struct Slashes<User>;
}

auth! {
    #[oauth(google, paths(prefix = "/auth/../social", authorize = "/{provider}.html", callback = "/{provider}/a b"))]
    pub struct Segments<User>;
}

auth! {
    #[oauth(google, paths(prefix = "/{provider}", authorize = "/{provider}/{provider}", calback = "/{provider}/done"))]
    pub struct Parameters<User>;
}

auth! {
    #[oauth(google, paths(prefix = "/sessions", authorize = "/identities/{provider}"))]
    pub struct Identities<User>;
}

auth! {
    #[oauth(google, paths(callback = "/{provider}/link"))]
    pub struct Link<User>;
}

auth! {
    #[oauth(google, paths(authorize = "/{provider}/go", callback = "/{provider}/go"))]
    pub struct Alike<User>;
}

auth! {
    #[oauth(google, oidc("token"), paths(authorize = "/{provider}"))]
    pub struct Token<User>;
}

auth! {
    #[oauth(google, paths = "/auth/social")]
    pub struct Value<User>;
}

auth! {
    #[oauth(google, path(prefix = "/auth/social"))]
    pub struct Word<User>;
}

fn main() {}
