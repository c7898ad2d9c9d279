//! Step 1, parse: tokens become arguments, and arguments the model. Nothing is judged here but the form of one value.

pub(crate) mod items;
pub(crate) mod krate;
pub(crate) mod link;
pub(crate) mod name;
pub(crate) mod require;
pub(crate) mod roles;
pub(crate) mod section;
pub(crate) mod sudo;
pub(crate) mod user;
pub(crate) mod value;
