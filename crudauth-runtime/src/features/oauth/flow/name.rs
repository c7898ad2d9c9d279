//! User names for people who bring none of ours (contract §3.9).

use crate::account::{AuthUser, Role};
use crate::crypto::{Random, fold_identifier};
use crate::engine::Engine;
use crate::error::Result;
use crate::identity::check_username;
use crate::oauth::Profile;

/// Most characters, where the column says nothing shorter.
const LONGEST: usize = 32;
/// Fewest characters.
const SHORTEST: usize = 2;
/// Numbers that are tried before chance decides.
const NUMBERS: u32 = 99;

/// A name that was free when it was looked for. With `random` none is looked for: others are taking the near ones.
pub(super) async fn free<U: AuthUser>(
    engine: &Engine<U>,
    profile: &Profile,
    random: bool,
) -> Result<String> {
    let longest = U::TABLE
        .column(Role::Username)
        .and_then(|column| column.max_length)
        .map_or(LONGEST, |max| max.clamp(8, LONGEST));
    let base = base(profile, longest);
    if !random {
        let numbered = (1..=NUMBERS).map(|number| with(&base, &number.to_string(), longest));
        for name in std::iter::once(base.clone()).chain(numbered) {
            let taken = engine
                .store
                .taken(None, Some(&name), Some(&fold_identifier(&name)))
                .await?;
            if !taken.username {
                return Ok(name);
            }
        }
    }
    Ok(with(
        &base,
        &format!("_{}", suffix(engine.random)?),
        longest,
    ))
}

/// The best that the provider knows them by, in the alphabet that every name field takes.
fn base(profile: &Profile, longest: usize) -> String {
    let local = profile
        .email
        .as_deref()
        .and_then(|email| email.split('@').next());
    let known = [
        profile.username.as_deref(),
        profile.given_name.as_deref(),
        profile.name.as_deref(),
        local,
    ];
    let best = known
        .into_iter()
        .flatten()
        .map(plain)
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    let name = if best.chars().count() < SHORTEST {
        format!("user_{best}")
    } else {
        best
    };
    let cut: String = name.chars().take(longest).collect();
    let cut = cut.trim_end_matches('_').to_owned();
    // What is plain is a name already; should the rules of names grow, this is one by them.
    if check_username(&cut).is_ok() {
        cut
    } else {
        "user".to_owned()
    }
}

/// Lower case; every run of other characters than letters and digits is one `_`, and none at the ends.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().flat_map(char::to_lowercase).take(4 * LONGEST) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_end_matches('_').to_owned()
}

fn with(base: &str, suffix: &str, longest: usize) -> String {
    let room = longest.saturating_sub(suffix.len());
    base.chars().take(room).chain(suffix.chars()).collect()
}

/// 40 bits, in lower case.
fn suffix(random: Random) -> Result<String> {
    let bytes = random.bytes::<5>()?;
    Ok(crate::engine::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(username: Option<&str>, given: Option<&str>, email: Option<&str>) -> String {
        let mut profile = Profile::new("https://issuer.example", "1");
        profile.username = username.map(str::to_owned);
        profile.given_name = given.map(str::to_owned);
        profile.email = email.map(str::to_owned);
        base(&profile, LONGEST)
    }

    #[test]
    fn the_best_known_name_is_taken_and_made_plain() {
        let cases = [
            (Some("Olga"), Some("O"), None, "olga"),
            (Some("olga.maria--k"), None, None, "olga_maria_k"),
            (None, Some("Olga Maria"), None, "olga_maria"),
            (None, None, Some("olga+x@example.com"), "olga_x"),
            (Some("x"), None, None, "user_x"),
            (Some("..."), None, Some("ok@example.com"), "ok"),
            (Some("Ольга"), None, None, "user"),
            (None, None, None, "user"),
            (Some("__a b__"), None, None, "a_b"),
        ];
        for (username, given, email, name) in cases {
            assert_eq!(named(username, given, email), name);
        }
        let long = "a".repeat(80);
        assert_eq!(named(Some(&long), None, None).len(), LONGEST);
        assert_eq!(with(&"a".repeat(LONGEST), "17", LONGEST).len(), LONGEST);
    }
}
