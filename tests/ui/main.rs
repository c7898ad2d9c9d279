//! What the compiler says: one mistake per file, its message beside it, reviewed as prose. The compiler is the pinned one.
//! `TRYBUILD=overwrite cargo ui` writes the messages anew. Shapes that must compile are modules of this very binary: where
//! nothing has to run, trybuild has all mistakes checked at once.
//!
//! Runs once: the compiler is what is tested.

mod pass;

#[test]
fn mistakes_are_answered() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/everything_at_once.rs");
    for folder in std::fs::read_dir("tests/ui").unwrap() {
        let folder = folder.unwrap().path();
        if folder.is_dir() && !folder.ends_with("pass") {
            cases.compile_fail(folder.join("*.rs"));
        }
    }
}
