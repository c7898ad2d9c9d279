//! What `#[require(…)]` declares: proofs, in canonical order.

use proc_macro2::Span;
use syn::{Ident, Path, Type};

/// One `#[require(…)]`.
pub(crate) struct Guard {
    pub(crate) krate: Path,
    /// `auth(Auth)`
    pub(crate) authority: Option<Type>,
    /// In canonical order.
    pub(crate) proofs: Vec<Proof>,
}

/// One thing a principal must prove.
pub(crate) enum Proof {
    /// `transport(session)`
    Transport(Ident),
    Superuser(Span),
    Verified(Span),
    /// `check(path)`
    Check(Path),
    /// A user-defined gate.
    Gate(Path),
}

impl Proof {
    /// Canonical order: the same words in another order are the same type.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Transport(_) => 0,
            Self::Superuser(_) => 1,
            Self::Verified(_) => 2,
            Self::Check(_) => 3,
            Self::Gate(_) => 4,
        }
    }
}
