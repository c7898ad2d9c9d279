//! Signing in by somebody else's word: the journey to the provider and back, and whose account that opens.

mod code;
mod identities;
mod journey;
mod name;
mod resolve;
mod tokens;

pub(crate) use code::{hand_over, redeem, void};
pub(crate) use identities::{Linked, link};
pub(crate) use journey::{Arrival, Arrived, Departure, abandon, amend, arrive, depart};
pub(crate) use resolve::{Refusal, Resolution, missing_columns, resolve};
pub(crate) use tokens::kept;
