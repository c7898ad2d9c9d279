//! What `#[require(…)]` declares: proofs, in canonical order.

use proc_macro2::Span;
use syn::{Ident, LitStr, Path, Type};

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
    /// Most seconds since the proof.
    pub(crate) within: Option<u64>,
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
    /// `transport(path::ApiKeys)`
    OwnTransport(Path),
    Superuser(Span),
    Verified(Span),
    /// `scope("reports:read")`
    Scope(LitStr),
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
            Self::Transport(_) | Self::OwnTransport(_) => 0,
            Self::Superuser(_) => 1,
            Self::Verified(_) => 2,
            Self::Scope(_) => 3,
            Self::Sudo(_) => 4,
            Self::Check(_) => 5,
            Self::Gate(_) => 6,
        }
    }

    /// By rank, and scopes by their names.
    pub(crate) fn order(&self) -> (u8, String) {
        let name = match self {
            Self::Scope(scope) => scope.value(),
            _ => String::new(),
        };
        (self.rank(), name)
    }
}
