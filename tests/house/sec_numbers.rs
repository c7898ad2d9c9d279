//! Every rule SEC-001 … SEC-160 has a test named after it, or a line in `tests/sec_missing.txt` that says why not. The
//! list only shrinks: a rule that has a test may not stay in it. `BLESS=1 cargo sec` rewrites it and keeps the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const LAST: u16 = 160;
const LIST: &str = "tests/sec_missing.txt";
const PLACES: &[&str] = &[
    "benches",
    "crudauth-macros",
    "crudauth-runtime",
    "examples",
    "src",
    "tests",
];
/// Given to a rule that was not in the list before. It is no reason: the test fails as long as it stands there.
const UNEXPLAINED: &str = "why?";

#[test]
fn the_list_of_rules_without_a_test_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tested = BTreeSet::new();
    for place in PLACES {
        collect(&root.join(place), &mut tested);
    }
    let list = fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let mut listed = read(&list).unwrap_or_else(|wrong| panic!("{LIST}: {wrong}"));
    if std::env::var_os("BLESS").is_some() {
        listed = bless(&listed, &tested);
        fs::write(root.join(LIST), render(&listed)).unwrap();
    }
    print!("{}", render(&listed));
    println!(
        "{} of {LAST} rules have a test, {} have none",
        tested.len(),
        usize::from(LAST) - tested.len()
    );
    let wrong = problems(&listed, &tested);
    assert!(
        wrong.is_empty(),
        "{LIST} is not true:\n  {}\n`BLESS=1 cargo sec` rewrites it",
        wrong.join("\n  ")
    );
}

#[test]
fn every_test_that_the_attack_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for place in PLACES {
        each_source(&root.join(place), &mut |text| sources.push_str(text));
    }
    let table = fs::read_to_string(root.join("src/guide/attacks.md")).unwrap();
    // The last cell of each row, where every name in backticks is a test's.
    let cells = table
        .lines()
        .filter_map(|row| row.strip_suffix(" |")?.rsplit(" | ").next());
    let named = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let gone: Vec<_> = named
        .filter(|name| !sources.contains(&format!("fn {name}(")))
        .collect();
    assert!(
        gone.is_empty(),
        "src/guide/attacks.md names tests that do not exist: {gone:?}"
    );
}

#[test]
fn a_rule_without_test_and_without_line_is_reported() {
    let tested = (2..=LAST).collect();
    assert_eq!(
        problems(&BTreeMap::new(), &tested),
        ["SEC-001 has no test: write `sec_001_…`, or give a reason here"]
    );
}

#[test]
fn a_rule_that_has_a_test_now_is_reported() {
    let listed = read("007 later\n").unwrap();
    let tested = (1..=LAST).collect();
    assert_eq!(
        problems(&listed, &tested),
        ["SEC-007 has a test now: take it off the list"]
    );
}

#[test]
fn a_blessed_line_needs_a_reason() {
    let listed = bless(
        &read("003-005 later issue: bearer\n").unwrap(),
        &(5..=LAST).collect(),
    );
    assert_eq!(
        render(&listed),
        format!("{HEAD}001-002 {UNEXPLAINED}\n003-004 later issue: bearer\n")
    );
    let wrong = problems(&listed, &(5..=LAST).collect());
    assert_eq!(
        wrong,
        [
            "SEC-001 is listed without a reason",
            "SEC-002 is listed without a reason"
        ]
    );
}

#[test]
fn only_functions_that_are_run_count() {
    let text = "#[test]\nfn sec_001_a() {}\n    async fn sec_002_b() {}\n// fn sec_003_c\nlet x = \"fn sec_004_d\";\n\
                #[test]\n#[ignore = \"slow\"]\nfn sec_005_e() {}\nfn sec_161_f() {}\nfn sec_06_g() {}\npub fn sec_008() {}\n";
    assert_eq!(numbers(text), [1, 2, 8]);
}

#[test]
fn a_line_of_another_form_is_reported() {
    assert_eq!(
        read("# fine\n\n001\n").unwrap_err(),
        "line 3: a number or a range, a space, and the reason"
    );
    assert_eq!(
        read("005-003 x\n").unwrap_err(),
        "line 1: `005-003` is no range within 001-160"
    );
    assert_eq!(
        read("001 x\n001-002 y\n").unwrap_err(),
        "line 2: SEC-001 is listed twice"
    );
}

fn collect(dir: &Path, out: &mut BTreeSet<u16>) {
    each_source(dir, &mut |text| out.extend(numbers(text)));
}

/// Every Rust file below `dir`, but this one: its texts look like tests.
fn each_source(dir: &Path, f: &mut impl FnMut(&str)) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "target" {
                each_source(&path, f);
            }
        } else if path.extension().is_some_and(|ext| ext == "rs") && name != "sec_numbers.rs" {
            f(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Numbers of the functions named `sec_NNN` or `sec_NNN_…` that are not ignored.
fn numbers(text: &str) -> Vec<u16> {
    let mut ignored = false;
    let mut out = Vec::new();
    for line in text.lines().map(str::trim) {
        ignored |= line.starts_with("#[ignore");
        let words = ["pub ", "async ", "fn "]
            .iter()
            .fold(line, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
        if words.len() < line.len() && line.contains("fn ") {
            let number = words.strip_prefix("sec_").and_then(|rest| {
                let (digits, rest) = rest.split_at_checked(3)?;
                rest.starts_with(['_', '('])
                    .then(|| digits.parse::<u16>().ok())?
            });
            out.extend(number.filter(|number| (1..=LAST).contains(number) && !ignored));
            ignored = false;
        }
    }
    out
}

fn read(text: &str) -> Result<BTreeMap<u16, String>, String> {
    let mut out = BTreeMap::new();
    for (at, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    {
        let at = at + 1;
        let (range, reason) = line
            .split_once(' ')
            .ok_or_else(|| format!("line {at}: a number or a range, a space, and the reason"))?;
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (
            first.parse::<u16>().unwrap_or(0),
            last.parse::<u16>().unwrap_or(0),
        );
        if first < 1 || last > LAST || first > last {
            return Err(format!(
                "line {at}: `{range}` is no range within 001-{LAST}"
            ));
        }
        for number in first..=last {
            if out.insert(number, reason.trim().to_owned()).is_some() {
                return Err(format!("line {at}: SEC-{number:03} is listed twice"));
            }
        }
    }
    Ok(out)
}

fn bless(listed: &BTreeMap<u16, String>, tested: &BTreeSet<u16>) -> BTreeMap<u16, String> {
    let reason = |number| {
        listed
            .get(&number)
            .map_or(UNEXPLAINED, String::as_str)
            .to_owned()
    };
    (1..=LAST)
        .filter(|number| !tested.contains(number))
        .map(|number| (number, reason(number)))
        .collect()
}

fn problems(listed: &BTreeMap<u16, String>, tested: &BTreeSet<u16>) -> Vec<String> {
    (1..=LAST)
        .filter_map(
            |number| match (listed.get(&number), tested.contains(&number)) {
                (None, false) => Some(format!(
                    "SEC-{number:03} has no test: write `sec_{number:03}_…`, or give a reason here"
                )),
                (Some(_), true) => Some(format!(
                    "SEC-{number:03} has a test now: take it off the list"
                )),
                (Some(reason), false) if reason == UNEXPLAINED => {
                    Some(format!("SEC-{number:03} is listed without a reason"))
                }
                _ => None,
            },
        )
        .collect()
}

fn render(listed: &BTreeMap<u16, String>) -> String {
    let mut out = HEAD.to_owned();
    let mut rows = listed.iter().peekable();
    while let Some((first, reason)) = rows.next() {
        let mut last = first;
        while let Some((next, _)) =
            rows.next_if(|(next, other)| **next == last + 1 && *other == reason)
        {
            last = next;
        }
        let range = if first == last {
            format!("{first:03}")
        } else {
            format!("{first:03}-{last:03}")
        };
        writeln!(out, "{range} {reason}").unwrap();
    }
    out
}

const HEAD: &str = "\
# Security rules (SEC-NNN) that have no test yet, and why. This list only shrinks: tests/house/sec_numbers.rs compares it with
# the functions named sec_NNN_… and fails on any difference. BLESS=1 cargo sec rewrites it and keeps the reasons.
";
