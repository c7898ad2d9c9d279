//! What does not go together: cookies that browsers would drop, lifetimes that never end.

use darling::util::SpannedValue;

use super::Session;
use crate::diag::Cx;
use crate::read::value::Lifetime;

impl Session {
    pub(super) fn judge(&self, cx: &Cx) {
        self.check_names(cx);
        self.check_host_prefix(cx);
        self.check_lifetimes(cx);
        if let (Some(_), Some(field)) = (self.no_csrf, &self.args.csrf_field) {
            cx.error(
                field.span(),
                "`csrf_field` names the field of a token that `danger_no_csrf` switches off",
                "remove one of them",
            );
        }
    }

    fn check_names(&self, cx: &Cx) {
        let mut seen: Vec<String> = Vec::new();
        let path = self.args.path.as_ref().map_or("/", |path| path.0.as_str());
        for (key, default, written) in self.cookies() {
            let name = written.map_or(default, |name| name.0.as_str());
            let span = written.map_or(self.span, SpannedValue::span);
            if seen.iter().any(|other| other == name) {
                cx.error(
                    span,
                    format!("two cookies are called `{name}`, so one would overwrite the other"),
                    format!("write another name, such as `{key} = \"{default}\"`"),
                );
            }
            seen.push(name.to_owned());
            // RFC 6265bis §4.1.3: browsers drop a prefixed cookie that does not keep its promise, and sign-in fails.
            let lower = name.to_ascii_lowercase();
            if self.insecure.is_some()
                && (lower.starts_with("__host-") || lower.starts_with("__secure-"))
            {
                cx.error(
                    span,
                    format!("browsers drop the cookie `{name}` unless it is `Secure`"),
                    "remove `danger_insecure_cookies`, or the prefix",
                );
            }
            if path != "/" && lower.starts_with("__host-") {
                cx.error(
                    span,
                    format!("browsers drop the cookie `{name}` unless its path is \"/\""),
                    "remove `path`, or the prefix",
                );
            }
        }
    }

    fn check_host_prefix(&self, cx: &Cx) {
        let Some(span) = self.host_prefix else { return };
        if let Some(at) = self.insecure {
            cx.error(
                at,
                "`host_prefix` needs `Secure`: browsers drop a `__Host-` cookie otherwise",
                "remove one of `host_prefix` and `danger_insecure_cookies`",
            );
        }
        if let Some(path) = self.args.path.as_ref().filter(|path| path.0 != "/") {
            cx.error(
                path.span(),
                "`host_prefix` needs the path \"/\": browsers drop a `__Host-` cookie otherwise",
                "remove one of `host_prefix` and `path`",
            );
        }
        for (key, _, written) in self.cookies() {
            if written.is_some() {
                cx.error(
                    span,
                    format!("`host_prefix` names the cookies, and so does `{key}`"),
                    format!(
                        "remove `host_prefix` and write `{key} = \"__Host-…\"`, or remove `{key}`"
                    ),
                );
            }
        }
    }

    fn check_lifetimes(&self, cx: &Cx) {
        let secs = |value: Option<&SpannedValue<Lifetime>>, default| {
            value.map_or(default, |lifetime| lifetime.secs)
        };
        let absolute = secs(self.args.absolute.as_ref(), 12 * 3600);
        let idle = secs(self.args.idle.as_ref(), 30 * 60);
        if idle > absolute {
            let span = self
                .args
                .idle
                .as_ref()
                .or(self.args.absolute.as_ref())
                .map_or(self.span, SpannedValue::span);
            cx.error(
                span,
                "`idle` is longer than `absolute`, so it would never end a session",
                "write a shorter `idle`, or a longer `absolute`",
            );
        }
        // RFC 6265bis §5.5: a browser caps the lifetime of a cookie at 400 days.
        if let Some(value) = self
            .args
            .remember_me
            .as_ref()
            .filter(|lifetime| lifetime.secs > 400 * 86_400)
        {
            cx.error(value.span(), "`remember_me` is longer than browsers keep cookies (400 days at most, RFC 6265bis)", "write \"365d\" or less");
        }
        if let Some(value) = self
            .args
            .absolute
            .as_ref()
            .filter(|lifetime| lifetime.secs > 400 * 86_400)
        {
            cx.error(
                value.span(),
                "`absolute` is longer than browsers keep cookies (400 days at most, RFC 6265bis)",
                "write \"30d\" or less",
            );
        }
    }
}
