struct User { email: String, #[auth(regster)] plan: String }
