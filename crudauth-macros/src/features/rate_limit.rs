//! `#[rate_limit(…)]`: limits of the mounted routes.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Facts, Feature, Parts};
use crate::read::section::{Input, Key, section};
use crate::read::value::Rate;
use crate::tokens::{assign, duration};

const KEYS: &[Key] = &[
    Key::new(
        "register",
        "limit",
        "\"5/h\"",
        "`POST /register`, per address.",
    ),
    Key::new(
        "change_password",
        "limit",
        "\"5/h\"",
        "`POST /change-password`, per user.",
    ),
    Key::new(
        "logout_all",
        "limit",
        "\"10/h\"",
        "`POST /logout-all`, per user.",
    ),
    Key::new(
        "csrf_refresh",
        "limit",
        "\"30/h\"",
        "`POST /csrf/refresh`, per address.",
    ),
    Key::new(
        "oauth_authorize",
        "limit",
        "\"30/h\"",
        "`GET /oauth/{provider}/authorize`, per address.",
    ),
    Key::new(
        "email_verify_request",
        "limit",
        "\"5/h\"",
        "`POST /email/verify-request`, per address; as many messages go to one account.",
    ),
    Key::new(
        "password_reset_request",
        "limit",
        "\"5/h\"",
        "`POST /password/reset-request`, per address; as many messages go to one account.",
    ),
    Key::new(
        "email_change_request",
        "limit",
        "\"3/h\"",
        "`POST /email/change-request`, per user; as many messages go to one new address.",
    ),
    Key::new(
        "existing_account_notice",
        "limit",
        "\"5/h\"",
        "Notices to the owner of an address that somebody tried to register; what is above is not sent.",
    ),
];

/// The section.
#[derive(FromMeta, Default)]
#[darling(default)]
pub(crate) struct RateLimit {
    register: Option<Rate>,
    change_password: Option<Rate>,
    logout_all: Option<Rate>,
    csrf_refresh: Option<Rate>,
    oauth_authorize: Option<Rate>,
    email_verify_request: Option<SpannedValue<Rate>>,
    password_reset_request: Option<SpannedValue<Rate>>,
    email_change_request: Option<SpannedValue<Rate>>,
    existing_account_notice: Option<SpannedValue<Rate>>,
}

impl RateLimit {
    /// Limits of what goes to one mailbox.
    fn messages(&self) -> [Option<&SpannedValue<Rate>>; 4] {
        [
            self.email_verify_request.as_ref(),
            self.password_reset_request.as_ref(),
            self.email_change_request.as_ref(),
            self.existing_account_notice.as_ref(),
        ]
    }
}

impl Section for RateLimit {
    const NAME: &'static str = "rate_limit";
    const DOC: &'static str =
        "Limits of the mounted routes: `\"5/h\"` with one of s, m, h, d, or `\"off\"`.";
    const KEYS: &'static [Key] = KEYS;

    fn read(cx: &Cx, input: &Input) -> Option<Self> {
        section(cx, Self::NAME, KEYS, input)
    }
}

impl Feature for RateLimit {
    fn tell(&self, facts: &mut Facts) {
        let off = self
            .messages()
            .into_iter()
            .flatten()
            .find(|rate| rate.times == 0);
        facts.unlimited_messages = off.map(SpannedValue::span);
    }

    fn expand(&self, _: &App) -> Parts {
        let mut policy = TokenStream::new();
        let limit = |rate: Option<Rate>| {
            let rate = rate?;
            let (times, per) = (rate.times, duration(rate.per_secs));
            Some(quote!(__p::Limit::new(#times, #per)))
        };
        assign!(policy, rate_limit.register = limit(self.register));
        assign!(
            policy,
            rate_limit.change_password = limit(self.change_password)
        );
        assign!(policy, rate_limit.logout_all = limit(self.logout_all));
        assign!(policy, rate_limit.csrf_refresh = limit(self.csrf_refresh));
        assign!(
            policy,
            rate_limit.oauth_authorize = limit(self.oauth_authorize)
        );
        let [verify, reset, change, notice] =
            self.messages().map(|rate| limit(rate.map(|rate| **rate)));
        assign!(policy, rate_limit.email_verify_request = verify);
        assign!(policy, rate_limit.password_reset_request = reset);
        assign!(policy, rate_limit.email_change_request = change);
        assign!(policy, rate_limit.existing_account_notice = notice);
        Parts {
            policy,
            ..Parts::default()
        }
    }
}
