// An identity is a provider's subject, NULL for whoever has none there, and nobody's to choose.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(identity)]
    facebook_id: Option<String>,
    #[auth(identity = 7)]
    gitlab_id: Option<String>,
    #[auth(identity = "Git Hub")]
    github_id: Option<String>,
    #[auth(identity = "google")]
    google_id: Option<String>,
    #[auth(identity = "google")]
    google_too: Option<String>,
    #[auth(identity = "apple", register)]
    apple_id: Option<String>,
    #[auth(identity = "discord")]
    discord_id: String,
    #[auth(identty = "sso")]
    sso_id: Option<String>,
}

fn main() {}
