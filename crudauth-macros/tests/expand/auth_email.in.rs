#[email(
    frontend_url = "https://app.example.com/account/",
    verify_ttl = "2d",
    reset_ttl = "30m",
    change_ttl = "12h",
    undo_ttl = "14d",
    verify_path = "/verify",
    reset_path = "/reset",
    change_path = "/change",
    undo_path = "/undo",
    require_verified,
    evict_on_change
)]
#[rate_limit(
    email_verify_request = "1/m",
    password_reset_request = "2/h",
    email_change_request = "3/d",
    existing_account_notice = "4/h"
)]
pub struct Auth<User>;
