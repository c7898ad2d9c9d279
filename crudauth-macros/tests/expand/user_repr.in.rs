struct Person {
    #[auth(repr = "hyphenated")]
    id: PersonId,
    username: String,
    password_hash: PasswordHash,
    #[auth(register, repr = "simple")]
    ticket: Option<Uuid>,
    #[auth(repr = "blob")]
    badge: Uuid,
    plain: Uuid,
}
