struct Member { id: MemberId, username: String, #[auth(password)] secret: PasswordHash }
