//! Discord.

use serde_json::Value;

use super::{Api, BoxFuture, Endpoints, Failure, OAuthProvider, Profile};

pub(super) struct Discord {
    base: String,
}

pub(super) const ORIGIN: &str = "https://discord.com";

impl Discord {
    /// At `base`, without a slash at the end.
    pub(super) fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
        }
    }
}

impl OAuthProvider for Discord {
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorize: format!("{}/oauth2/authorize", self.base),
            token: format!("{}/api/v10/oauth2/token", self.base),
            userinfo: format!("{}/api/v10/users/@me", self.base),
        }
    }

    fn scopes(&self) -> &[&str] {
        &["identify", "email"]
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
            let Value::Object(mut user) = userinfo else {
                return Err(Failure::new("its answer is no object"));
            };
            let text = |name| user.get(name).and_then(Value::as_str);
            let id = text("id").ok_or(Failure::new("its answer has no `id`"))?;
            let mut profile = api.profile(id);
            profile.email = text("email").map(str::to_owned);
            profile.email_verified = user.get("verified") == Some(&Value::Bool(true));
            profile.username = text("username").map(str::to_owned);
            profile.name = text("global_name").map(str::to_owned);
            user.remove("id");
            profile.claims = user;
            Ok(profile)
        })
    }
}
