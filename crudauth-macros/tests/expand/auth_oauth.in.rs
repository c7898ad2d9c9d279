#[oauth(
    google,
    github(trusted = false),
    oidc("sso"),
    oidc("corp"),
    provider("linkedin"),
    response = "json",
    default_redirect = "/welcome",
    state_ttl = "5m"
)]
#[rate_limit(oauth_authorize = "10/m")]
pub struct Auth<User>;
