//! Which mail server, and how it is spoken to.

use std::fmt;
use std::net::IpAddr;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use url::Url;

pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) tls: TlsParameters,
    pub(super) hello: ClientId,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// What the URL says.
pub(super) struct Settings {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<Credentials>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// From the first byte.
    Implicit,
    /// By STARTTLS, or not at all.
    Required,
    /// By STARTTLS where it is offered.
    Opportunistic,
    None,
}

impl Settings {
    /// # Errors
    /// What is wrong, without any of the URL: it holds a password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url)
            .map_err(|why| format!("the mail server's URL cannot be read: {why}"))?;
        let host = host(&url)?;
        let encryption = encryption(&url, is_this_machine(&host))?;
        let standard = if encryption == Encryption::Implicit {
            465
        } else {
            587
        };
        let credentials = credentials(&url)?;
        let clear = matches!(encryption, Encryption::None | Encryption::Opportunistic);
        if credentials.is_some() && clear && !is_this_machine(&host) {
            return Err(
                "a password is sent to a mail server over TLS only: leave `tls=…` out of its URL"
                    .to_owned(),
            );
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err("the mail server's URL ends after host and port; a `/`, `?` or `#` in a password is \
                        percent-encoded"
                .to_owned());
        }
        Ok(Self {
            port: url.port().unwrap_or(standard),
            host,
            encryption,
            credentials,
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .field(
                "credentials",
                &self.credentials.as_ref().map(|_| "[redacted]"),
            )
            .finish()
    }
}

/// A name, or an address without its brackets.
fn host(url: &Url) -> Result<String, String> {
    let host = url.host_str().unwrap_or_default();
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if bare.is_empty() || !bare.bytes().all(fits) {
        return Err(
            "the mail server's URL names no host; an internationalised name is written as `xn--…`"
                .to_owned(),
        );
    }
    Ok(bare.to_ascii_lowercase())
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn encryption(url: &Url, here: bool) -> Result<Encryption, String> {
    let mut tls = None;
    for (key, value) in url.query_pairs() {
        if key != "tls" || tls.replace(value).is_some() {
            return Err("the mail server's URL takes one setting, `tls`".to_owned());
        }
    }
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None | Some("required")) => Ok(Encryption::Implicit),
        ("smtp", None | Some("required")) => Ok(Encryption::Required),
        ("smtp", Some("danger_opportunistic")) => Ok(Encryption::Opportunistic),
        ("smtp", Some("none")) if here => Ok(Encryption::None),
        ("smtp", Some("danger_none")) => Ok(Encryption::None),
        ("smtp", Some("none")) => Err("`tls=none` is for a mail server on this machine; `tls=danger_none` sends links \
                                       in the clear"
            .to_owned()),
        ("smtp" | "smtps", Some(_)) => {
            Err("`tls` is `required`, `none`, `danger_none` or `danger_opportunistic`, the last three for smtp:// only".to_owned())
        }
        _ => Err("a mail server's URL begins with `smtps://` or `smtp://`".to_owned()),
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, String> {
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| "user name or password in the mail server's URL is not UTF-8".to_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None | Some("")) => {
            Err("the mail server's URL has a user name without a password, or a password without a user name".to_owned())
        }
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Settings {
        Settings::parse(url).unwrap_or_else(|why| panic!("{url}: {why}"))
    }

    #[test]
    fn tls_is_what_a_url_means_that_does_not_mention_it() {
        for (url, encryption, port) in [
            ("smtps://u:p@smtp.example.com", Encryption::Implicit, 465),
            ("smtps://smtp.example.com:2465/", Encryption::Implicit, 2465),
            ("smtp://u:p@smtp.example.com", Encryption::Required, 587),
            (
                "smtp://smtp.example.com:25?tls=required",
                Encryption::Required,
                25,
            ),
            ("smtp://[2001:db8::1]", Encryption::Required, 587),
        ] {
            let settings = parsed(url);
            assert_eq!(
                (settings.encryption, settings.port),
                (encryption, port),
                "{url}"
            );
        }
    }

    #[test]
    fn without_tls_is_for_this_machine_or_spelled_danger() {
        for here in ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "LOCALHOST"] {
            let settings = parsed(&format!("smtp://u:p@{here}:1025?tls=none"));
            assert_eq!(settings.encryption, Encryption::None, "{here}");
        }
        assert!(Settings::parse("smtp://smtp.example.com?tls=none").is_err());
        assert!(Settings::parse("smtp://10.0.0.1?tls=none").is_err());
        assert_eq!(
            parsed("smtp://smtp.example.com?tls=danger_none").encryption,
            Encryption::None
        );
        let opportunistic = parsed("smtp://smtp.example.com?tls=danger_opportunistic");
        assert_eq!(opportunistic.encryption, Encryption::Opportunistic);
    }

    #[test]
    fn a_password_never_goes_to_another_machine_in_the_clear() {
        for tls in ["danger_none", "danger_opportunistic"] {
            assert!(
                Settings::parse(&format!("smtp://u:p@smtp.example.com?tls={tls}")).is_err(),
                "{tls}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_repeated() {
        for url in [
            "",
            "smtp.example.com",
            "https://u:MARKER@example.com",
            "smtps://u:MARKER@",
            "smtps://u:MARKER@example.com:99999",
            "smtps://u@example.com",
            "smtps://:MARKER@example.com",
            "smtps://u:@example.com",
            "smtps://u:%ff@example.com",
            "smtps://u:MARKER@example.com/path",
            "smtps://u:MARKER@example.com?tls=none",
            "smtp://u:MARKER@example.com?tls=maybe",
            "smtp://u:MARKER@example.com?tls=required&tls=danger_none",
            "smtp://u:MARKER@example.com?tlS=required",
            "smtps://u:MAR/KER@example.com",
            "smtps://u:MARKER@b%C3%BCcher.example",
            "smtps://u:MARKER@exa mple.com",
        ] {
            let why = Settings::parse(url).unwrap_err();
            assert!(!why.contains("MARKER"), "{why}");
        }
    }

    #[test]
    fn sec_139_debug_shows_no_credentials() {
        let shown = format!("{:?}", parsed("smtps://u%40x:p%40ss%2F@smtp.example.com"));

        assert!(
            shown.contains("smtp.example.com") && shown.contains("[redacted]"),
            "{shown}"
        );
        assert!(!shown.contains("u@x") && !shown.contains("p@ss"), "{shown}");
    }
}
