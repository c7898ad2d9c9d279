//! The commonest passwords, which nobody may choose.
//!
//! `common.txt` holds 5000 passwords, one a line, in lower case and in the order of their bytes: the commonest of 8 and
//! more characters from the list that Django 5.2 ships (`django/contrib/auth/common-passwords.txt.gz`; list compiled by
//! Royce Williams, distributed under Django's 3-clause BSD licence). The list is part of the program and is read where
//! it lies, so nothing is loaded, allocated or asked of the network.

use super::normalize::fold_identifier;

/// Whether `password` is, but for case and Unicode form, one of the commonest.
#[must_use]
pub fn is_common(password: &str) -> bool {
    contains(&fold_identifier(password))
}

/// Binary search over the lines of the list.
fn contains(word: &str) -> bool {
    let (mut low, mut high) = (0, LIST.len());
    // Both ends always stand at the start of a line; the list is ASCII, so that every offset is a character.
    while low < high {
        let middle = low + (high - low) / 2;
        let start = LIST
            .get(..middle)
            .and_then(|head| head.rfind('\n'))
            .map_or(0, |end| end + 1);
        let line = LIST
            .get(start..)
            .and_then(|tail| tail.split('\n').next())
            .unwrap_or_default();
        match word.cmp(line) {
            std::cmp::Ordering::Equal => return !word.is_empty(),
            std::cmp::Ordering::Less => high = start,
            std::cmp::Ordering::Greater => low = start + line.len() + 1,
        }
    }
    false
}

const LIST: &str = include_str!("common.txt");

#[cfg(test)]
mod tests {
    use super::*;

    /// The first hundred of 8 and more characters, in the order of the original.
    const TOP: &str = "123456789 password 12345678 password1 1234567890 iloveyou 1q2w3e4r5t qwertyuiop 1qaz2wsx myspace1 homelesspa 1q2w3e4r qwerty123 987654321 target123 1g2w3e4r zag12wsx gwerty123 asdfghjkl 123123123 princess computer football 1234qwer sunshine iloveyou1 fuckyou1 789456123 princess1 abcd1234 11111111 passer2009 superman football1 jordan23 12qwaszx baseball 123456789a q1w2e3r4t5y6 88888888 fqrg7cs493 michael1 blink182 qwer1234 linkedin babygirl1 q1w2e3r4 michelle liverpool j38ifubn 0123456789 iloveyou2 jennifer babygirl 147258369 jessica1 0987654321 fuckyou2 anthony1 qazwsxedc trustno1 baseball1 1111111111 basketball passw0rd samantha chocolate asdf1234 qwerty12 charlie1 pakistan superman1 asshole1 butterfly fuk19600 12341234 sunshine1 internet alexander 1qaz2wsx3edc 29rsavoy 3rjs1la7qe 00000000 whatever qweasdzxc 1qazxsw2 hello123 password12 password2 12344321 starwars q1w2e3r4t5 brandon1 vqsablpzla jonathan 1234567891 12345qwert cjmasterinf 12345678910 a123456789";

    #[test]
    fn sec_016_the_list_is_long_sorted_folded_and_found_throughout() {
        let lines: Vec<&str> = LIST.lines().collect();

        assert!(lines.len() >= 3000 && lines.is_sorted_by(|a, b| a < b) && LIST.is_ascii());
        for line in lines {
            assert!(line.len() >= 8 && fold_identifier(line) == line, "{line}");
            assert!(contains(line), "{line}");
        }
    }

    #[test]
    fn sec_016_the_hundred_commonest_are_refused_in_any_case() {
        assert_eq!(TOP.split(' ').count(), 100);
        for word in TOP.split(' ') {
            assert!(is_common(word) && is_common(&word.to_uppercase()), "{word}");
        }
        assert!(is_common("ＰＡＳＳＷＯＲＤ"));
    }

    #[test]
    fn what_is_not_on_the_list_passes() {
        for word in [
            "",
            "\n",
            "a",
            "password\n123456789",
            "0",
            "~~~~~~~~~~~~",
            "correct horse battery staple",
            "пароль-но-редкий",
        ] {
            assert!(!is_common(word), "{word:?}");
        }
    }

    #[test]
    fn sec_016_a_thousand_checks_take_less_than_a_second() {
        let start = tokio::time::Instant::now();

        let found = (0..1000)
            .filter(|n| is_common(&format!("password{n}")))
            .count();

        assert!(found > 0 && start.elapsed().as_secs() < 1);
    }
}
