//! Where apps take up their codes.

/// Whether `target` is one of the block's: to the letter. One on this machine that is written without a port takes any, for an app
/// listens where the system lets it (RFC 8252 §7.3); that is the one exception which RFC 9700 §2.1 makes.
pub(super) fn is_listed(listed: &[&str], target: &str) -> bool {
    listed
        .iter()
        .any(|one| *one == target || is_at_some_port(one, target))
}

/// What a block may write with `http`.
const LOOPBACK: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

fn is_at_some_port(listed: &str, target: &str) -> bool {
    LOOPBACK.iter().any(|host| {
        let rest = listed.strip_prefix(host);
        let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) else {
            return false; // another host, or a port of its own
        };
        let behind = target
            .strip_prefix(host)
            .and_then(|it| it.strip_prefix(':'));
        let port = behind.and_then(|it| it.strip_suffix(rest));
        port.is_some_and(is_port)
    })
}

/// 1 to 65535, in its one spelling.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0')
        && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use url::{Position, Url};

    use super::*;

    const LISTED: [&str; 6] = [
        "http://127.0.0.1/callback?from=auth",
        "http://[::1]/callback",
        "http://localhost",
        "http://localhost:3000/callback",
        "https://spa.example.com/callback",
        "com.example.app:/callback",
    ];

    #[test]
    fn sec_109_a_target_on_this_machine_without_a_port_takes_any() {
        for port in 1..=u16::MAX {
            for target in [
                format!("http://127.0.0.1:{port}/callback?from=auth"),
                format!("http://[::1]:{port}/callback"),
                format!("http://localhost:{port}"),
            ] {
                assert!(is_listed(&LISTED, &target), "{target}");
            }
            for host in ["spa.example.com", "localhost"] {
                let target = format!("https://{host}:{port}/callback");
                assert!(!is_listed(&LISTED, &target), "{target}");
            }
            let target = format!("http://localhost:{port}/callback");
            assert_eq!(is_listed(&LISTED, &target), port == 3000, "{target}");
        }
        for own in LISTED {
            assert!(is_listed(&LISTED, own), "{own}");
        }
    }

    #[test]
    fn sec_109_what_only_looks_like_this_machine_is_refused() {
        let hosts = ["127.0.0.1", "[::1]", "localhost"];
        let ports = [
            "",
            "0",
            "00",
            "080",
            "65536",
            "99999",
            "4294967376",
            "+80",
            "-80",
            " 80",
            "80 ",
            "8 0",
            "0x50",
            "8e1",
            "80.0",
            "٨٠",
            "80:80",
            "80@evil.example",
            "@evil.example",
            "80.evil.example",
            "80/",
            "80\\@evil.example",
            "80#",
            "80?",
            "80;",
            "80%",
            "http",
        ];
        for (host, rest) in hosts
            .into_iter()
            .zip(["/callback?from=auth", "/callback", ""])
        {
            for port in ports {
                let target = format!("http://{host}:{port}{rest}");
                assert!(!is_listed(&LISTED, &target), "{target}");
            }
            for odd in [
                format!("http://{host}.evil:80{rest}"),
                format!("http://{host}.:80{rest}"),
                format!("http://{host}@evil.example:80{rest}"),
                format!("http://{host}:80@evil.example{rest}"),
                format!("http://evil.example@{host}:80{rest}"),
                format!("http://:80@{host}:80{rest}"),
                format!("http://{host}\\@evil.example:80{rest}"),
                format!("http:/{host}:80{rest}"),
                format!("http:///{host}:80{rest}"),
                format!("http:\\\\{host}:80{rest}"),
                format!("//{host}:80{rest}"),
                format!("HTTP://{host}:80{rest}"),
                format!("https://{host}:80{rest}"),
                format!("ftp://{host}:80{rest}"),
                format!(" http://{host}:80{rest}"),
                format!("http://{host}:80{rest} "),
                format!("http://{host}:80{rest}x"),
                format!("http://{host}:80{rest}#"),
                format!("http://{host}:80/..{rest}x"),
                format!("http://{host}:80//evil.example{rest}"),
                format!("https://evil.example/?http://{host}:80{rest}"),
            ] {
                assert!(!is_listed(&LISTED, &odd), "{odd}");
            }
        }
        for odd in [
            "http://LOCALHOST:80",
            "http://127.1:80/callback?from=auth",
            "http://127.0.0.2:80/callback?from=auth",
            "http://0.0.0.0:80/callback?from=auth",
            "http://2130706433:80/callback?from=auth",
            "http://0x7f.0.0.1:80/callback?from=auth",
            "http://127.0.0.1:80/callback",
            "http://127.0.0.1:80",
            "http://[::1]:80/callback?from=auth",
            "http://[0:0:0:0:0:0:0:1]:80/callback",
            "http://[::ffff:127.0.0.1]:80/callback",
            "http://::1:80/callback",
            "http://[::1:80]/callback",
            "http://localhost:80/",
            "http://spa.example.com:80/callback",
        ] {
            assert!(!is_listed(&LISTED, odd), "{odd}");
        }
    }

    /// Of all that is a keystroke away from a target, or has one in place of one or two others, what is let through leads every
    /// browser where the block says, but for the port.
    #[test]
    fn sec_109_whatever_is_let_through_leads_where_the_block_says() {
        let strokes: Vec<char> = (' '..='~')
            .chain("\0\t\n\r\u{7f}é．。＠／٨\u{200b}".chars())
            .collect();
        let place = |url: &str| {
            let url = Url::parse(url).unwrap();
            let text = |text: &str| text.to_owned();
            let user = (text(url.username()), url.password().map(text));
            let host = (text(url.scheme()), user, url.host_str().map(text));
            (host, text(&url[Position::AfterPort..]))
        };
        let mut admitted = 0;
        for listed in LISTED {
            let at = LOOPBACK.iter().find_map(|host| listed.strip_prefix(host));
            let good = match at {
                // Of the one with a port of its own no port is asked.
                Some(rest) if !rest.starts_with(':') => {
                    let (host, _) = listed.split_at(listed.len() - rest.len());
                    format!("{host}:49152{rest}")
                }
                _ => listed.to_owned(),
            };
            let good: Vec<char> = good.chars().collect();
            for at in 0..=good.len() {
                let (before, behind) = good.split_at(at);
                for (stroke, taken) in strokes.iter().flat_map(|it| [(it, 0), (it, 1), (it, 2)]) {
                    let behind = behind.get(taken..).unwrap_or_default();
                    let target: String = before.iter().chain([stroke]).chain(behind).collect();
                    if is_listed(&[listed], &target) {
                        admitted += 1;
                        assert_eq!(place(&target), place(listed), "{target}");
                    }
                }
            }
        }
        assert!(admitted > 100, "{admitted}");
    }
}
