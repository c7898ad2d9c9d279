//! The macros of crudauth.
