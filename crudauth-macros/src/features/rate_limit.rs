//! `#[rate_limit(…)]`: limits of the mounted routes.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Cx;
use crate::features::Section;
use crate::model::{App, Feature, Parts};
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
];

/// The section.
#[derive(FromMeta, Default)]
#[darling(default)]
pub(crate) struct RateLimit {
    register: Option<Rate>,
    change_password: Option<Rate>,
    logout_all: Option<Rate>,
    csrf_refresh: Option<Rate>,
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
        Parts {
            policy,
            ..Parts::default()
        }
    }
}
