//! What the builder was given for messages.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::account::AuthUser;
use crate::mail::{Channel, Mailer, Templates};

/// Where messages go, what they say, and where their links lead.
pub(crate) struct Outlets<U> {
    /// There for every block that declares `#[email]`.
    pub(crate) mailer: Option<Arc<dyn Mailer>>,
    /// At least one for every block that declares `#[channel]`.
    pub(crate) channels: Vec<Arc<dyn Channel<U>>>,
    pub(crate) templates: Option<Arc<dyn Templates>>,
    /// Without a slash at its end; checked when the authority starts.
    pub(crate) frontend_url: Option<String>,
    /// Wakes the worker: a row was left.
    pub(crate) due: Arc<Notify>,
}

impl<U> Default for Outlets<U> {
    fn default() -> Self {
        Self {
            mailer: None,
            channels: Vec::new(),
            templates: None,
            frontend_url: None,
            due: Arc::default(),
        }
    }
}

impl<U: AuthUser> fmt::Debug for Outlets<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlets")
            .field("mailer", &self.mailer.is_some())
            .field("channels", &self.channels.len())
            .field("templates", &self.templates.is_some())
            .field("frontend_url", &self.frontend_url)
            .finish_non_exhaustive()
    }
}
