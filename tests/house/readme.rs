//! The README's code is code: its main example is a doctest, and the block that needs types around it is a compiled case.

#[test]
fn the_block_with_everything_switched_on_is_one_that_compiles() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let compiled = std::fs::read_to_string("tests/ui/pass/everything_on.rs").unwrap();
    let (_, section) = readme.split_once("\n## Everything switched on\n").unwrap();
    let block = section
        .split("```rust,ignore\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert!(block.starts_with("auth! {"));
    assert!(
        compiled.contains(block),
        "tests/ui/pass/everything_on.rs does not hold the README's block"
    );
}

#[test]
fn the_quickstart_is_forty_lines_of_user_code() {
    let example = std::fs::read_to_string("examples/quickstart.rs").unwrap();
    let recipe = example.split("/// Not part of the recipe").next().unwrap();
    let code = recipe
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
    assert!(code.count() <= 40);
}

#[test]
fn the_readme_prints_the_lines_that_the_quickstart_prints() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let example = std::fs::read_to_string("examples/quickstart.rs").unwrap();
    for path in [
        "/register --json",
        "/login -c jar.txt",
        "/me -b jar.txt",
        "/dashboard -b jar.txt",
        "/logout -X POST",
    ] {
        assert!(
            readme.contains(&format!("curl http://127.0.0.1:3000{path}")),
            "{path}"
        );
        assert!(example.contains(&format!("curl {{url}}{path}")), "{path}");
    }
}

#[test]
fn the_block_with_tokens_is_the_example_s() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let example = std::fs::read_to_string("examples/web_and_api.rs").unwrap();
    let (_, section) = readme.split_once("\n## Tokens beside cookies\n").unwrap();
    let (_, code) = section.split_once("```rust,ignore\n").unwrap();
    let (block, _) = code.split_once("\n}\n").unwrap();
    assert!(block.starts_with("auth! {"));
    assert!(example.contains(block), "{block}");
}
