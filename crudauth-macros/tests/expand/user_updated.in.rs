struct User { id: i64, email: String, password_hash: PasswordHash, #[auth(updated_at)] changed: Option<OffsetDateTime> }
