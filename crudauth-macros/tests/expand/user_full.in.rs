/// An account.
#[derive(AuthUser)]
#[auth(table = "users", schema = "app")]
pub struct User {
    pub id: Uuid,
    #[auth(column = "mail")]
    pub email: String,
    pub username: Option<String>,
    password_hash: PasswordHash,
    pub email_verified: bool,
    pub is_active: bool,
    pub is_superuser: bool,
    token_version: i64,
    pub created_at: OffsetDateTime,
    /// As it is shown to others.
    #[auth(register, max_length = 100)]
    pub full_name: Option<String>,
    #[auth(register, default = 3)]
    pub seats: i64,
    #[auth(default = "free")]
    pub plan: String,
    #[auth(default(crate::region))]
    pub region: Region,
    #[auth(new_user)]
    pub team: Option<i64>,
    #[auth(skip)]
    pub cache: Cache,
    pub note: Option<String>,
}
