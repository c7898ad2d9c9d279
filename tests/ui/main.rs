//! What the compiler says: one mistake per file, its message beside it, reviewed as prose. The compiler is the pinned one.
//! `TRYBUILD=overwrite cargo test --test ui` writes the messages anew.
//!
//! Runs once: the compiler is what is tested.

#[test]
fn mistakes_are_answered_and_shapes_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/everything_at_once.rs");
    for folder in std::fs::read_dir("tests/ui").unwrap() {
        let folder = folder.unwrap().path();
        if folder.is_dir() && !folder.ends_with("pass") {
            cases.compile_fail(folder.join("*.rs"));
        }
    }
}
