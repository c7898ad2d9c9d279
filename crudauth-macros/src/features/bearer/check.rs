//! What does not go together: lifetimes that outlive each other, scopes nobody may have, keys nobody may see.

use darling::util::SpannedValue;

use super::args::{Algorithm, RefreshSameSite};
use super::{Bearer, on};
use crate::diag::{Cx, nearest};

impl Bearer {
    pub(super) fn judge(&self, cx: &Cx) {
        self.check_lifetimes(cx);
        self.check_routes(cx);
        self.check_scopes(cx);
        self.check_keys(cx);
        self.check_cookies(cx);
    }

    /// A route that could do nothing.
    fn check_routes(&self, cx: &Cx) {
        if let Some(span) = on(self.args.revocation.as_ref()).filter(|_| !self.has_refresh()) {
            cx.error(
                span,
                "`revocation` ends what a refresh token renews, and `refresh = \"off\"` issues none",
                "remove one of them",
            );
        }
    }

    fn check_lifetimes(&self, cx: &Cx) {
        let access = self.args.access.as_ref();
        if let Some(access) = access.filter(|access| !(60..=86_400).contains(&access.secs)) {
            let why = if access.secs < 60 {
                "would be renewed all the time"
            } else {
                "is a password that travels with every request (token theft)"
            };
            cx.error(
                access.span(),
                format!("an access token of this lifetime {why}"),
                "write a lifetime from \"1m\" to \"24h\", such as \"15m\"",
            );
        }
        let Some(refresh) = self.refresh() else {
            return;
        };
        let access = access.map_or(15 * 60, |access| access.secs);
        if let Some(ttl) = refresh.ttl.as_ref().filter(|ttl| ttl.secs <= access) {
            cx.error(
                ttl.span(),
                "a refresh token that ends before the access token renews nothing",
                "write a longer `ttl`, or `refresh = \"off\"`",
            );
        }
        if let Some(ttl) = refresh.ttl.as_ref().filter(|ttl| ttl.secs > 400 * 86_400) {
            cx.error(
                ttl.span(),
                "a refresh token of more than 400 days never ends for whoever stole it",
                "write `ttl = \"90d\"` or less",
            );
        }
        // A stolen token works beside its owner's for as long as this.
        if let Some(grace) = refresh.grace.as_ref().filter(|grace| grace.secs > 60) {
            cx.error(
                grace.span(),
                "`grace` is for an answer that got lost; for longer than a minute, a stolen token is used beside its owner's (RFC 9700 §4.14)",
                "write `grace = \"10s\"`, or \"60s\" at most",
            );
        }
        if let (Some(grace), Some(switch)) = (&refresh.grace, &refresh.rotate)
            && !switch.0
        {
            cx.error(
                grace.span(),
                "`grace` is about a token that was replaced, and `rotate = false` replaces none",
                "remove one of them",
            );
        }
    }

    fn check_scopes(&self, cx: &Cx) {
        let Some(scopes) = &self.args.scopes else {
            return;
        };
        let Some(grantable) = &scopes.grantable else {
            return;
        };
        let grantable: Vec<_> = grantable.0.iter().map(syn::LitStr::value).collect();
        let grantable: Vec<_> = grantable.iter().map(String::as_str).collect();
        for scope in self.default_scopes() {
            let text = scope.value();
            if !grantable.contains(&text.as_str()) {
                let fix = match nearest(&text, &grantable) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => format!("add {text:?} to `grantable(…)`"),
                };
                cx.error_on(
                    scope,
                    format!("the scope {text:?} is granted by default and not grantable"),
                    fix,
                );
            }
        }
    }

    fn check_keys(&self, cx: &Cx) {
        let algorithm = self.algorithm();
        if let Some(written) = &self.args.algorithm
            && algorithm != Algorithm::Hs256
            && !cfg!(feature = "asymmetric")
        {
            cx.error(
                written.span(),
                "this algorithm needs the cargo feature `asymmetric`, and this build does not have it",
                "write `crudauth = { version = \"…\", features = [\"asymmetric\"] }` in Cargo.toml",
            );
        }
        if let Some(span) = on(self.args.jwks.as_ref())
            && algorithm == Algorithm::Hs256
        {
            cx.error(
                span,
                "`jwks` publishes the keys that verify, and with HS256 whoever verifies can sign (token forgery)",
                "write `algorithm = \"EdDSA\"`, or remove `jwks`",
            );
        }
    }

    fn check_cookies(&self, cx: &Cx) {
        let Some(refresh) = self.refresh() else {
            return;
        };
        if !self.in_cookie() {
            let cookie = refresh.cookie.as_ref().map(|key| ("cookie", key.span()));
            let device = refresh.device_cookie.as_ref();
            let device = device.map(|key| ("device_cookie", key.span()));
            let path = refresh.path.as_ref().map(|key| ("path", key.span()));
            let same_site = refresh.same_site.as_ref();
            let same_site = same_site.map(|key| ("same_site", key.span()));
            let insecure = on(refresh.danger_insecure_cookies.as_ref());
            let insecure = insecure.map(|span| ("danger_insecure_cookies", span));
            for (key, span) in [cookie, device, path, same_site, insecure]
                .into_iter()
                .flatten()
            {
                cx.error(
                    span,
                    format!("`{key}` is about a cookie, and `deliver = \"body\"` sets none"),
                    "remove one of them",
                );
            }
            return;
        }
        let insecure = on(refresh.danger_insecure_cookies.as_ref());
        if let (Some(same_site), Some(_)) = (&refresh.same_site, insecure)
            && **same_site == RefreshSameSite::None
        {
            cx.error(
                same_site.span(),
                "browsers drop a `SameSite=None` cookie that is not `Secure`",
                "remove `danger_insecure_cookies`",
            );
        }
        let path = refresh.path.as_ref().map_or("/", |path| path.0.as_str());
        for name in [&refresh.cookie, &refresh.device_cookie]
            .into_iter()
            .flatten()
        {
            prefixed(cx, name.span(), &name.0, insecure.is_some(), path);
        }
        let (cookie, device) = (refresh.cookie.as_ref(), refresh.device_cookie.as_ref());
        let name = cookie.map_or("refresh_token", |name| name.0.as_str());
        if let Some(later) = device.or(cookie)
            && name == device.map_or("device_id", |name| name.0.as_str())
        {
            cx.error(
                SpannedValue::span(later),
                format!("two cookies are called `{name}`, so one would overwrite the other"),
                "write another name",
            );
        }
    }
}

/// RFC 6265bis §4.1.3: browsers drop a prefixed cookie that does not keep its promise.
fn prefixed(cx: &Cx, span: proc_macro2::Span, name: &str, insecure: bool, path: &str) {
    let lower = name.to_ascii_lowercase();
    let host = lower.starts_with("__host-");
    if insecure && (host || lower.starts_with("__secure-")) {
        cx.error(
            span,
            format!("browsers drop the cookie `{name}` unless it is `Secure`"),
            "remove `danger_insecure_cookies`, or the prefix",
        );
    }
    if host && path != "/" {
        cx.error(
            span,
            format!("browsers drop the cookie `{name}` unless its path is \"/\""),
            "remove `path`, or the prefix",
        );
    }
}
