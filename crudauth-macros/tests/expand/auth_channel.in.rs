#[channel(frontend_url = "http://localhost:3000", reset_ttl = "10m", require_verified = false)]
pub struct Auth<User>;
