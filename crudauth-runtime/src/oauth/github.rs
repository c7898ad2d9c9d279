//! GitHub, and GitHub Enterprise Server.

use serde_json::{Map, Value};

use super::{Api, BoxFuture, Endpoints, Failure, OAuthProvider, Profile};

pub(super) struct GitHub {
    /// Where people are.
    base: String,
    /// Where programs are.
    api: String,
    /// Whether the scopes show the addresses.
    emails: bool,
}

pub(super) const ORIGIN: &str = "https://github.com";

impl GitHub {
    /// At `base`, without a slash at the end. `scopes` are those asked for, if they are not the usual ones.
    pub(super) fn new(base: &str, scopes: Option<&[String]>) -> Self {
        let api = if base == ORIGIN {
            "https://api.github.com".to_owned()
        } else {
            format!("{base}/api/v3")
        };
        let shows = |scope: &String| matches!(scope.as_str(), "user" | "user:email");
        Self {
            base: base.to_owned(),
            api,
            emails: scopes.is_none_or(|scopes| scopes.iter().any(shows)),
        }
    }
}

impl OAuthProvider for GitHub {
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorize: format!("{}/login/oauth/authorize", self.base),
            token: format!("{}/login/oauth/access_token", self.base),
            userinfo: format!("{}/user", self.api),
        }
    }

    fn scopes(&self) -> &[&str] {
        &["read:user", "user:email"]
    }

    fn issuer(&self) -> Option<String> {
        Some(self.base.clone())
    }

    fn profile<'a>(
        &'a self,
        userinfo: Value,
        api: &'a Api<'a>,
    ) -> BoxFuture<'a, Result<Profile, Failure>> {
        Box::pin(async move {
            let emails = if self.emails {
                Some(api.get(&format!("{}/user/emails", self.api)).await?)
            } else {
                None
            };
            profile(userinfo, emails.as_ref(), api)
        })
    }
}

fn profile(userinfo: Value, emails: Option<&Value>, api: &Api<'_>) -> Result<Profile, Failure> {
    let Value::Object(mut user) = userinfo else {
        return Err(Failure::new("its answer is no object"));
    };
    // A login name is free for others once it is given up.
    let id = user.get("id").and_then(Value::as_u64);
    let id = id.ok_or(Failure::new("its answer has no numeric `id`"))?;
    let mut profile = api.profile(id.to_string());
    if let Some((address, verified)) = emails.and_then(Value::as_array).and_then(|all| best(all)) {
        profile.email = Some(address.to_owned());
        profile.email_verified = verified;
    } else {
        profile.email = text(&user, "email"); // what they show to everybody
    }
    profile.username = text(&user, "login");
    profile.name = text(&user, "name");
    user.remove("id");
    profile.claims = user;
    Ok(profile)
}

/// The primary address if it is verified, else any that is, else the primary, else the first.
fn best(all: &[Value]) -> Option<(&str, bool)> {
    let says = |one: &Value, what| one.get(what) == Some(&Value::Bool(true));
    all.iter()
        .filter_map(|one| {
            let address = one.get("email")?.as_str()?;
            let (primary, verified) = (says(one, "primary"), says(one, "verified"));
            Some((address, verified, (verified, primary)))
        })
        .rev() // of equals, `max_by_key` takes the last
        .max_by_key(|(.., rank)| *rank)
        .map(|(address, verified, _)| (address, verified))
}

fn text(user: &Map<String, Value>, name: &str) -> Option<String> {
    user.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_address_is_primary_and_verified_where_there_is_one() {
        let one = |email: &str, primary: bool, verified: bool| json!({"email": email, "primary": primary, "verified": verified, "visibility": null});
        for (all, expected) in [
            (
                vec![one("a", false, true), one("b", true, true)],
                Some(("b", true)),
            ),
            (
                vec![one("a", true, false), one("b", false, true)],
                Some(("b", true)),
            ),
            (
                vec![one("a", false, true), one("b", false, true)],
                Some(("a", true)),
            ),
            (
                vec![one("a", false, false), one("b", true, false)],
                Some(("b", false)),
            ),
            (
                vec![one("a", false, false), one("b", false, false)],
                Some(("a", false)),
            ),
            (
                vec![json!({"email": "a", "primary": true, "verified": "true"})],
                Some(("a", false)),
            ),
            (
                vec![json!({"email": "a", "primary": 1, "verified": 1})],
                Some(("a", false)),
            ),
            (
                vec![json!({"primary": true, "verified": true}), json!("a")],
                None,
            ),
            (vec![], None),
        ] {
            assert_eq!(best(&all), expected, "{all:?}");
        }
    }
}
