//! What the repository promises about its own code and its dependencies.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn sec_145_unsafe_code_is_forbidden_and_panics_are_linted_in_every_crate() {
    let workspace = read("Cargo.toml");

    assert!(workspace.contains(r#"unsafe_code = "forbid""#));
    for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing"] {
        assert!(workspace.contains(&format!("{lint} = \"warn\"")), "{lint}");
    }
    for manifest in [
        "Cargo.toml",
        "crudauth-macros/Cargo.toml",
        "crudauth-runtime/Cargo.toml",
    ] {
        assert!(
            read(manifest).contains("[lints]\nworkspace = true"),
            "{manifest}"
        );
    }
    assert!(
        read(".ci/run")
            .contains("cargo clippy --workspace --all-targets --all-features -- -D warnings")
    );
}

#[test]
fn sec_145_no_source_file_lifts_the_lints_without_a_reason() {
    let mut files = Vec::new();
    for folder in ["src", "crudauth-macros/src", "crudauth-runtime/src"] {
        sources(Path::new(folder), &mut files);
    }

    for file in files {
        let text = read(&file);
        let lifted = [
            "unwrap_used",
            "expect_used",
            "clippy::panic",
            "indexing_slicing",
        ];
        for (at, _) in text
            .match_indices("#[allow(")
            .chain(text.match_indices("#[expect("))
        {
            let attribute = text[at..].split(']').next().unwrap();
            let lifts = lifted.iter().any(|lint| attribute.contains(lint));
            assert!(
                !lifts || attribute.contains("reason ="),
                "{file}: {attribute}"
            );
        }
        assert!(!text.contains("#![allow(clippy::all"), "{file}");
    }
}

#[test]
fn sec_146_dependencies_are_locked_licensed_and_of_one_known_source() {
    let deny = read("deny.toml");

    assert!(Path::new("Cargo.lock").exists());
    assert!(!read(".gitignore").contains("Cargo.lock"));
    for rule in [
        "unknown-registry = \"deny\"",
        "unknown-git = \"deny\"",
        "yanked = \"deny\"",
    ] {
        assert!(deny.contains(rule), "{rule}");
    }
    for banned in ["openssl-sys", "native-tls", "aws-lc"] {
        assert!(deny.contains(banned), "{banned}");
        assert!(
            !read("Cargo.lock").contains(&format!("name = \"{banned}\"")),
            "{banned}"
        );
    }
    assert!(read(".ci/run").contains(".ci/deny"));
    assert!(read(".github/workflows/ci.yml").contains("deny"));
}

/// The crates that an application gets with these features of ours.
fn crates(features: &str) -> String {
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            "crudauth",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .args(["--no-default-features", "--features", features])
        .output()
        .unwrap();
    assert!(tree.status.success(), "{tree:?}");
    String::from_utf8(tree.stdout).unwrap()
}

#[test]
fn a_product_that_is_not_asked_for_is_not_compiled() {
    let (sqlite, postgres) = (crates("sqlite"), crates("postgres"));

    assert!(sqlite.contains("sqlx-sqlite") && postgres.contains("sqlx-postgres"));
    assert!(
        !sqlite.contains("sqlx-postgres") && !sqlite.contains("rustls"),
        "{sqlite}"
    );
    assert!(!postgres.contains("sqlite"), "{postgres}");
}

#[test]
fn mail_by_smtp_is_not_compiled_unless_it_is_asked_for() {
    assert!(!crates("sqlite,postgres").contains("lettre"));
    assert!(crates("sqlite,smtp").contains("lettre"));
}

#[test]
fn tokens_with_a_pair_of_keys_are_not_compiled_unless_they_are_asked_for() {
    let (without, with) = (crates("sqlite"), crates("sqlite,asymmetric"));

    for name in ["ring v", "jsonwebtoken v", "rustls-pki-types v"] {
        assert!(!without.contains(name) && with.contains(name), "{name}");
    }
    // Only its types are used: what signs there asks for one provider per process, and panics without one.
    for provider in ["rsa v", "aws-lc-rs v", "ed25519-dalek v"] {
        assert!(!with.contains(provider), "{provider}");
    }
}
