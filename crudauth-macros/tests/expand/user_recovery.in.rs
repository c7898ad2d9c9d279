/// An account that is recovered by phone.
#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register, max_length = 20)]
    pub phone: Option<String>,
    pub phone_verified: bool,
}
