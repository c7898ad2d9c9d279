//! Shapes that compile, each a small program that runs to its end.
#![allow(
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "programs of an application, which has lints of its own"
)]

macro_rules! shapes {
    ($($shape:ident)*) => {
        $(mod $shape;)*

        $(
            #[test]
            fn $shape() {
                $shape::main();
            }
        )*

        /// A file that is not in this list would be tested by nobody.
        #[test]
        fn every_shape_is_listed() {
            let mut found: Vec<_> = std::fs::read_dir("tests/ui/pass")
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .filter(|name| name != "mod.rs")
                .collect();
            found.sort();
            assert_eq!(found, [$(concat!(stringify!($shape), ".rs")),*]);
        }
    };
}

shapes! {
    all_sections
    by_reference
    channel
    email
    email_and_channel
    email_and_username
    email_only
    everything_on
    hooks
    identity_columns
    newtype_key
    oauth
    parentheses
    public
    recovery_marked
    renamed_columns
    renamed_crate
    require_in_impl
    string_key
    sudo
    tokens
    username_only
    uuid_forms
    uuid_key
    without_struct
}
