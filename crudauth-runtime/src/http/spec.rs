//! What a route is, said once: the router, the printed table and the contract test are derived from it.

use axum::http::Method;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nobody in particular.
    Open,
    /// Whoever is signed in, by any transport.
    SignedIn,
    /// Whoever is signed in by this transport.
    Via(&'static str),
}

/// One answer of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerSpec {
    /// Status.
    pub status: u16,
    /// The stable code; empty for success.
    pub code: &'static str,
}

/// One route.
#[derive(Debug, Clone)]
pub struct RouteSpec {
    /// Method.
    pub method: Method,
    /// Path, in the router's syntax.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Whether a session caller must send the CSRF token.
    pub csrf: bool,
    /// Name of the limit that counts it.
    pub limit: Option<&'static str>,
    /// The key of the section without which it is not mounted.
    pub only_with: Option<&'static str>,
    /// First line of its documentation.
    pub summary: &'static str,
    /// Its answers, but for those every route has (CSRF, 404, 405, 413, 415, 5xx).
    pub answers: &'static [AnswerSpec],
}

/// An answer, as specs write it.
#[must_use]
pub const fn answer(status: u16, code: &'static str) -> AnswerSpec {
    AnswerSpec { status, code }
}

impl RouteSpec {
    /// An open route.
    #[must_use]
    pub const fn new(method: Method, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            access: Access::Open,
            csrf: false,
            limit: None,
            only_with: None,
            summary,
            answers: &[],
        }
    }

    /// Says who may call it.
    #[must_use]
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// A session caller must send the CSRF token.
    #[must_use]
    pub const fn csrf(mut self) -> Self {
        self.csrf = true;
        self
    }

    /// Counted by this limit.
    #[must_use]
    pub const fn limit(mut self, name: &'static str) -> Self {
        self.limit = Some(name);
        self
    }

    /// Mounted only where the section has `key`.
    #[must_use]
    pub const fn only_with(mut self, key: &'static str) -> Self {
        self.only_with = Some(key);
        self
    }

    /// Its answers.
    #[must_use]
    pub const fn answers(mut self, answers: &'static [AnswerSpec]) -> Self {
        self.answers = answers;
        self
    }
}

/// One feature.
#[derive(Debug)]
pub struct FeatureSpec {
    /// As the macros name it.
    pub name: &'static str,
    /// Its routes.
    pub routes: &'static [RouteSpec],
}
