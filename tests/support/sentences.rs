//! What the contract says in each refusal.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by test binaries that each use a part"
)]

/// The sentence of the wire contract for each code; lists of issues are compared where they are produced.
pub fn sentence(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_authenticated" => "Not authenticated",
        "invalid_token" => "Invalid token",
        "insufficient_scope" => "Insufficient scope",
        "refresh_token_missing" => "Refresh token missing",
        "refresh_token_invalid" => "Invalid or expired refresh token",
        "incorrect_credentials" => "Incorrect username or password",
        "current_password_incorrect" => "Current password is incorrect.",
        "csrf_missing" => "Missing CSRF token",
        "csrf_invalid" => "Invalid CSRF token",
        "recent_sign_in_required" => "Sign in again to continue: this needs a recent sign-in.",
        "cross_site_login" => "Cross-site login requests are not allowed.",
        "cross_site" => "Cross-site requests are not allowed.",
        "rate_limited" => "Too many requests. Try again later.",
        "locked_out" => "Too many login attempts. Try again later.",
        "already_has_password" => {
            "Account already has a password; use the password reset flow to change it."
        }
        "no_password" => "Account has no password; use /set-password to create one.",
        "csrf_disabled" => "CSRF is disabled.",
        "email_taken" => "Email already registered",
        "username_taken" => "Username already taken",
        "field_taken" => "Phone already taken",
        "account_exists" => "Account already exists",
        "session_not_found" => "Session not found.",
        "link_dead" => "Invalid or expired token",
        "link_used" => "Token already used",
        "password_incorrect" | "sudo_password_incorrect" => "Incorrect password",
        "same_email" => "New email matches current email",
        "email_in_use" => "Email already in use",
        "invalid_code" => "Invalid code",
        "invalid_grant" => "Invalid or expired code",
        "session_gone" => "Session no longer exists.",
        "session_required" => "Sudo requires a session-backed login.",
        "unknown_provider" => "Unknown or unconfigured OAuth provider: 'nope'",
        "invalid_state" => "Invalid or expired OAuth state",
        "identity_not_found" => "Identity not found.",
        "last_way_in" => {
            "This is the only way to sign in to the account. Set a password or link another account first."
        }
        "sudo_required" => "Re-authentication required.",
        // Pages are told by these, and show what they like.
        "account_inactive" => "account_inactive",
        "email_missing" => "email_missing",
        "email_too_long" => "email_too_long",
        "email_unverified" => "email_unverified",
        "identity_taken" => "identity_taken",
        "link_required" => "link_required",
        "oauth_failed" => "oauth_failed",
        "provider_already_linked" => "provider_already_linked",
        "sudo_locked" => "Too many attempts. Try again later.",
        _ => return None,
    })
}

/// What RFC 6749 §5.2 calls it, on the routes that standard clients talk to.
pub fn oauth_error(code: &str) -> &'static str {
    match code {
        "incorrect_credentials" | "refresh_token_invalid" | "invalid_grant" => "invalid_grant",
        "not_authenticated" | "invalid_token" => "invalid_client",
        "locked_out" | "rate_limited" => "temporarily_unavailable",
        _ => "invalid_request",
    }
}

/// Whether standard clients talk to it.
pub fn speaks_oauth(path: &str) -> bool {
    matches!(path, "/refresh" | "/oauth/token") || path.starts_with("/token")
}

/// The body of a refusal.
pub fn refusal(path: &str, code: &str) -> Option<String> {
    let sentence = sentence(code)?;
    let oauth = if speaks_oauth(path) {
        let error = oauth_error(code);
        format!(r#","error":"{error}","error_description":"{sentence}""#)
    } else {
        String::new()
    };
    Some(format!(
        r#"{{"detail":"{sentence}","code":"{code}"{oauth}}}"#
    ))
}
