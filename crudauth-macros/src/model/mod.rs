//! Step 2, the model: what was declared, in plain structs with spans. Nothing here parses, nothing makes tokens.

mod app;
mod guard;
mod user;

pub(crate) use app::{App, Declared, Facts, Feature, Keys, Page, Parts, Providers};
pub(crate) use guard::{Guard, Proof, Sudo};
pub(crate) use user::{
    Column, DefaultValue, Field, Repr, Role, UserModel, last_segment, option_of,
};
