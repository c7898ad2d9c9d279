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

/// `sudo`, and what is asked of it.
pub(crate) struct Sudo {
    /// The word.
    pub(crate) span: Span,
    /// Most seconds since the proof, and where that is said.
    pub(crate) within: Option<(u64, Span)>,
    /// Ways to prove it; none says any.
    pub(crate) by: Vec<Ident>,
}

impl Sudo {
    /// Whether it asks for more than the word alone.
    pub(crate) fn is_refined(&self) -> bool {
        self.within.is_some() || !self.by.is_empty()
    }
}

/// One thing a principal must prove.
pub(crate) enum Proof {
    /// `transport(session)`
    Transport(Ident),
    Superuser(Span),
    Verified(Span),
    /// `sudo`, `sudo(within = "2m", by(password))`
    Sudo(Sudo),
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
            // 3 is the scopes'
            Self::Sudo(_) => 4,
            Self::Check(_) => 5,
            Self::Gate(_) => 6,
        }
    }
}
