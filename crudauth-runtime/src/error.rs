//! What can go wrong below HTTP.

use std::fmt;
use std::time::Duration;

/// The result of everything below HTTP.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation could not be carried out. None of these is an answer to the question asked: a wrong password or
/// a taken name is part of a flow's outcome, never an `Error`.
#[non_exhaustive]
pub enum Error {
    /// Every place in a bounded queue is taken; the caller may try again after this long (503).
    Busy(Duration),
    /// The settings are wrong; every problem found, one line each (the start is refused).
    Config(Vec<String>),
    /// The operating system gave no random bytes (503). There is no fall-back.
    Random,
    /// The database refused what we sent: a defect of ours, or a schema that has drifted (500).
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// The database cannot be reached, is exhausted or shutting down (503).
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// One wrong setting.
    pub fn config(problem: impl Into<String>) -> Self {
        Self::Config(vec![problem.into()])
    }
}

impl fmt::Debug for Error {
    /// Wrong settings as they are displayed: this is what a `main` that returns the error prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(wait) => f.debug_tuple("Busy").field(wait).finish(),
            Self::Config(_) => fmt::Display::fmt(self, f),
            Self::Random => f.write_str("Random"),
            Self::Store(source) => f.debug_tuple("Store").field(source).finish(),
            Self::Unavailable(source) => f.debug_tuple("Unavailable").field(source).finish(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(_) => f.write_str("too many operations are waiting; try again shortly"),
            Self::Config(problems) => match problems.as_slice() {
                [only] => f.write_str(only),
                many => {
                    write!(f, "{} problems stop the start:", many.len())?;
                    many.iter()
                        .try_for_each(|problem| write!(f, "\n  - {problem}"))
                }
            },
            Self::Random => f.write_str("the operating system gave no random bytes"),
            Self::Store(source) => write!(f, "the database refused a statement: {source}"),
            Self::Unavailable(source) => write!(f, "the database cannot be reached: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(source) | Self::Unavailable(source) => Some(&**source),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let unavailable = match &error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => true,
            // Product-specific codes are told apart in the dialect's file, which wraps them as `Io` beforehand.
            _ => false,
        };
        if unavailable {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Store(Box::new(error))
        }
    }
}
