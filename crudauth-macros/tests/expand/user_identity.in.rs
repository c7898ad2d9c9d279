#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    hashed_password: PasswordHash,
    #[auth(identity = "google")]
    google_id: Option<String>,
    #[auth(identity = "intra-net", column = "subject")]
    r#type: Option<String>,
}
