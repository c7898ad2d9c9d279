//! What a new password must be.

use super::common;
use super::normalize::{Normalized, fold_identifier};
use crate::policy::PasswordPolicy;

/// Which flow asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordSource {
    /// A new account.
    Register,
    /// The first password of an account that has none.
    Set,
    /// A new password in place of the present one.
    Change,
    /// A new password by a mailed link.
    Reset,
}

/// Whose password it will be.
#[derive(Clone, Copy)]
pub struct PasswordContext<'a> {
    /// The user name, as typed or as stored.
    pub username: Option<&'a str>,
    /// The e-mail address, as typed or as stored.
    pub email: Option<&'a str>,
    /// Which flow asks.
    pub source: PasswordSource,
}

impl std::fmt::Debug for PasswordContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordContext")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// One unmet rule. Holds nothing of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// One of the commonest passwords.
    Common,
    /// No digit.
    Digit,
    /// No lower-case letter.
    Lowercase,
    /// Contains a part of the account's names, or a word of the product.
    Personal,
    /// Nothing but letters and digits.
    Special,
    /// Too few code points.
    TooShort {
        /// The fewest.
        min: usize,
    },
    /// No upper-case letter.
    Uppercase,
}

impl Violation {
    /// The `type` of the issue on the wire.
    #[must_use]
    pub const fn issue_type(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "string_too_short",
            _ => "password_policy",
        }
    }

    /// The `msg` of the issue on the wire.
    #[must_use]
    pub fn message(self) -> String {
        match self {
            Self::Common => "Password is one of the most common ones".to_owned(),
            Self::Digit => "Password should contain a digit".to_owned(),
            Self::Lowercase => "Password should contain a lowercase letter".to_owned(),
            Self::Personal => {
                "Password should not contain your name, e-mail address or the name of this service"
                    .to_owned()
            }
            Self::Special => "Password should contain a special character".to_owned(),
            Self::TooShort { min } => format!("String should have at least {}", characters(min)),
            Self::Uppercase => "Password should contain an uppercase letter".to_owned(),
        }
    }

    /// The `requirement` in the issue's `ctx`; none for the length.
    #[must_use]
    pub const fn requirement(self) -> Option<&'static str> {
        match self {
            Self::Common => Some("password_common"),
            Self::Digit => Some("digit"),
            Self::Lowercase => Some("lowercase"),
            Self::Personal => Some("personal"),
            Self::Special => Some("special"),
            Self::TooShort { .. } => None,
            Self::Uppercase => Some("uppercase"),
        }
    }

    /// The `min_length` in the issue's `ctx`; for the length only.
    #[must_use]
    pub const fn min_length(self) -> Option<usize> {
        match self {
            Self::TooShort { min } => Some(min),
            _ => None,
        }
    }
}

/// Every built-in rule that `password` does not meet, in the order in which they are reported. The ceiling is not among
/// them: nothing above it becomes a [`Normalized`].
#[must_use]
pub fn check(
    policy: &PasswordPolicy,
    password: &Normalized,
    context: &PasswordContext<'_>,
) -> Vec<Violation> {
    let text = password.expose();
    let lacks = |demanded: bool, kind: fn(char) -> bool| demanded && !text.chars().any(kind);
    let rules = [
        (
            password.code_points() < policy.min,
            Violation::TooShort { min: policy.min },
        ),
        (
            lacks(policy.uppercase, char::is_uppercase),
            Violation::Uppercase,
        ),
        (
            lacks(policy.lowercase, char::is_lowercase),
            Violation::Lowercase,
        ),
        (lacks(policy.digit, char::is_numeric), Violation::Digit),
        (
            lacks(policy.special, |c| !c.is_alphanumeric()),
            Violation::Special,
        ),
        (
            !policy.danger_common && common::is_common(text),
            Violation::Common,
        ),
        (is_personal(policy, text, context), Violation::Personal),
    ];
    rules
        .into_iter()
        .filter_map(|(unmet, rule)| unmet.then_some(rule))
        .collect()
}

/// The policy in a sentence, for people: "At least 12 characters, including an uppercase letter and a digit."
#[must_use]
pub fn describe(policy: &PasswordPolicy) -> String {
    let demands = [
        (policy.uppercase, "an uppercase letter"),
        (policy.lowercase, "a lowercase letter"),
        (policy.digit, "a digit"),
        (policy.special, "a special character"),
    ];
    let demands: Vec<&str> = demands
        .into_iter()
        .filter_map(|(on, what)| on.then_some(what))
        .collect();
    let length = characters(policy.min);
    match demands.as_slice() {
        [] => format!("At least {length}."),
        [only] => format!("At least {length}, including {only}."),
        [first @ .., last] => format!(
            "At least {length}, including {} and {last}.",
            first.join(", ")
        ),
    }
}

fn characters(count: usize) -> String {
    format!("{count} character{}", if count == 1 { "" } else { "s" })
}

/// Whether the password contains a name of 4 or more characters, or a part of that length of one, in any case.
fn is_personal(policy: &PasswordPolicy, password: &str, context: &PasswordContext<'_>) -> bool {
    let password = fold_identifier(password);
    let local = context
        .email
        .map(|email| email.rsplit_once('@').map_or(email, |(local, _)| local));
    let names = context
        .username
        .into_iter()
        .chain(local)
        .chain(policy.words.iter().copied())
        .map(fold_identifier);
    names.into_iter().any(|name| {
        let parts = name
            .split(|c: char| !c.is_alphanumeric())
            .chain([name.as_str()]);
        parts
            .filter(|part| part.chars().count() >= SHORTEST_PART)
            .any(|part| password.contains(part))
    })
}

/// Shorter parts occur in too many passwords by chance.
const SHORTEST_PART: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: PasswordContext<'static> = PasswordContext {
        username: None,
        email: None,
        source: PasswordSource::Register,
    };

    fn violations(
        policy: &PasswordPolicy,
        password: &str,
        context: &PasswordContext<'_>,
    ) -> Vec<Violation> {
        check(
            policy,
            &Normalized::new(password, policy.max).unwrap(),
            context,
        )
    }

    #[test]
    fn sec_014_any_script_will_do() {
        for password in [
            "correct horse",
            "ντομάτα και τυρί",
            "картошка-фри",
            "תפוחי אדמה",
            "بطاطا مقلية",
            "आलू के पराठे",
            "আলুর চপ খাই",
            "ఆలూ పరాఠా",
            "உருளைக்கிழங்கு",
            "മരച്ചീനി കറി",
            "ආලූ කරි ටික",
            "มันฝรั่งทอด",
            "ມັນຝຣັ່ງທອດ",
            "កាហ្វេទឹកដោះ",
            "ကော်ဖီနို့",
            "ყავა რძით",
            "սուրճ կաթով",
            "ቡና ከወተት ጋር",
            "뜨거운 커피 한 잔",
            "熱い珈琲を一杯飲む",
            "😀😁😂🤣😃😄😅😆",
            "        \u{7f}\t\n",
        ] {
            assert_eq!(
                violations(&PasswordPolicy::DEFAULT, password, &NOBODY),
                [],
                "{password}"
            );
        }
    }

    #[test]
    fn sec_011_the_minimum_counts_code_points() {
        let short = violations(&PasswordPolicy::DEFAULT, "zq7-xw2", &NOBODY);

        assert_eq!(short, [Violation::TooShort { min: 8 }]);
        assert_eq!(short[0].issue_type(), "string_too_short");
        assert_eq!(
            short[0].message(),
            "String should have at least 8 characters"
        );
        assert_eq!(
            (short[0].min_length(), short[0].requirement()),
            (Some(8), None)
        );
        assert_eq!(
            violations(&PasswordPolicy::DEFAULT, "zq7-xw2k", &NOBODY),
            []
        );
        // NFKC makes three letters of one ligature before counting.
        assert_eq!(violations(&PasswordPolicy::DEFAULT, "zq7-xﬃ", &NOBODY), []);
    }

    #[test]
    fn all_unmet_rules_are_reported_at_once() {
        let strict = PasswordPolicy {
            min: 12,
            uppercase: true,
            lowercase: true,
            digit: true,
            special: true,
            ..PasswordPolicy::DEFAULT
        };

        let unmet = violations(&strict, "", &NOBODY);

        let requirements: Vec<_> = unmet.iter().filter_map(|rule| rule.requirement()).collect();
        assert_eq!(unmet[0], Violation::TooShort { min: 12 });
        assert_eq!(requirements, ["uppercase", "lowercase", "digit", "special"]);
        assert_eq!(unmet[1].issue_type(), "password_policy");
        assert_eq!(
            unmet[1].message(),
            "Password should contain an uppercase letter"
        );
        assert_eq!(violations(&strict, "Ünïcode 2 go", &NOBODY), []);
    }

    #[test]
    fn sec_016_a_common_password_is_refused_unless_allowed() {
        let unmet = violations(&PasswordPolicy::DEFAULT, "Password1", &NOBODY);
        let danger = PasswordPolicy {
            danger_common: true,
            ..PasswordPolicy::DEFAULT
        };

        assert_eq!(unmet, [Violation::Common]);
        assert_eq!(unmet[0].requirement(), Some("password_common"));
        assert_eq!(violations(&danger, "Password1", &NOBODY), []);
    }

    #[test]
    fn sec_018_names_and_product_words_are_refused() {
        let policy = PasswordPolicy {
            words: &["Acme Rockets"],
            ..PasswordPolicy::DEFAULT
        };
        let alice = PasswordContext {
            username: Some("alice"),
            email: Some("Bob.Smithers+x@example.com"),
            ..NOBODY
        };

        for password in [
            "alice-2024-x",
            "xx-ＡＬＩＣＥ-99",
            "smithers!77",
            "rockets-go-up",
            "ACME is great",
            "--bob.smithers+x--",
        ] {
            assert_eq!(
                violations(&policy, password, &alice),
                [Violation::Personal],
                "{password}"
            );
        }
        // A part of fewer than four characters and the domain say nothing about the person.
        for password in ["bob-2024-xyz", "example.com-zz"] {
            assert_eq!(violations(&policy, password, &alice), [], "{password}");
        }
        // A name whose parts are all short counts as a whole.
        let dotted = PasswordContext {
            username: Some("b.o.b"),
            ..NOBODY
        };
        assert_eq!(
            violations(&policy, "zz b.o.b 99", &dotted),
            [Violation::Personal]
        );
        let short = PasswordContext {
            username: Some("al"),
            email: None,
            ..NOBODY
        };
        assert_eq!(violations(&policy, "al-2024-xyz", &short), []);
    }

    #[test]
    fn the_policy_is_told_in_a_sentence() {
        let policy = PasswordPolicy {
            min: 12,
            uppercase: true,
            digit: true,
            ..PasswordPolicy::DEFAULT
        };

        assert_eq!(
            describe(&policy),
            "At least 12 characters, including an uppercase letter and a digit."
        );
        assert_eq!(describe(&PasswordPolicy::DEFAULT), "At least 8 characters.");
        let all = PasswordPolicy {
            lowercase: true,
            special: true,
            ..policy
        };
        assert_eq!(
            describe(&all),
            "At least 12 characters, including an uppercase letter, a lowercase letter, a digit and a special character."
        );
    }

    #[test]
    fn debug_of_a_context_names_nobody() {
        let context = PasswordContext {
            username: Some("MARKER"),
            ..NOBODY
        };

        assert!(!format!("{context:?}").contains("MARKER"));
    }
}
