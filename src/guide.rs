//! The book: one page per topic, each as true as the tests it names.

#[doc = include_str!("guide/attacks.md")]
pub mod attacks {}

#[doc = include_str!("guide/guards.md")]
pub mod guards {}

#[doc = include_str!("guide/hooks.md")]
pub mod hooks {}

#[doc = include_str!("guide/lockout.md")]
pub mod lockout {}

#[doc = include_str!("guide/passwords.md")]
pub mod passwords {}

#[doc = include_str!("guide/production.md")]
pub mod production {}

#[doc = include_str!("guide/sessions.md")]
pub mod sessions {}

#[doc = include_str!("guide/tables.md")]
pub mod tables {}
