//! What a `User-Agent` tells people about a session.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use serde::Serialize;

use crate::identity::invisible::is_invisible;

/// Longest `User-Agent` that is kept, in characters.
pub const MAX_USER_AGENT: usize = 512;

/// A browser and its machine, for display only: anybody can send any `User-Agent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// The browser's name, or `Other`.
    pub browser: String,
    /// Up to three numbers, or `Unknown`.
    pub browser_version: String,
    /// The operating system's name, or `Other`.
    pub os: String,
    /// The kind or model of the device, or `Other`.
    pub device: String,
    /// A telephone.
    pub is_mobile: bool,
    /// A tablet.
    pub is_tablet: bool,
    /// A computer on or under a desk.
    pub is_pc: bool,
}

/// The request's `User-Agent`, fit to be stored and shown.
#[must_use]
pub fn of_request(headers: &HeaderMap) -> Option<String> {
    let raw = headers.get(USER_AGENT)?;
    let clean = sanitize_user_agent(&String::from_utf8_lossy(raw.as_bytes()));
    (!clean.is_empty()).then_some(clean)
}

/// The text without control and invisible characters, cut at [`MAX_USER_AGENT`].
#[must_use]
pub fn sanitize_user_agent(raw: &str) -> String {
    let seen: String = raw
        .chars()
        .filter(|c| !is_invisible(*c))
        .take(MAX_USER_AGENT)
        .collect();
    seen.trim().to_owned()
}

/// Reads the tokens that common browsers send.
#[must_use]
pub fn parse(user_agent: Option<&str>) -> Device {
    let text = sanitize_user_agent(user_agent.unwrap_or_default());
    let (browser, browser_version) = browser(&text).unwrap_or(("Other", None));
    let os = OSES
        .iter()
        .find(|(token, _)| text.contains(token))
        .map_or("Other", |(_, name)| name);
    let is_tablet = text.contains("iPad")
        || text.contains("Tablet")
        || os == "Android" && !text.contains("Mobile");
    let is_mobile = !is_tablet
        && (matches!(os, "iOS" | "Android" | "Windows Phone") || text.contains("Mobile"));
    Device {
        browser: browser.to_owned(),
        browser_version: browser_version.unwrap_or_else(|| "Unknown".to_owned()),
        os: os.to_owned(),
        device: device(&text, os),
        is_mobile,
        is_tablet,
        is_pc: !is_mobile
            && !is_tablet
            && matches!(os, "Windows" | "Mac OS X" | "Linux" | "Chrome OS"),
    }
}

fn browser(text: &str) -> Option<(&'static str, Option<String>)> {
    BROWSERS.iter().find_map(|(token, name)| {
        let at = text.find(token)?;
        // Safari's own number is WebKit's; its version stands behind `Version/`, without which it is another browser.
        let from = if *name == "Safari" {
            text.find("Version/")? + "Version/".len()
        } else {
            at + token.len()
        };
        Some((*name, version(text.get(from..)?)))
    })
}

/// Up to three numbers with dots between them.
fn version(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let parts: Vec<&str> = text
        .get(..end)?
        .split('.')
        .filter(|part| !part.is_empty())
        .take(3)
        .collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

fn device(text: &str, os: &str) -> String {
    if let Some(name) = ["iPhone", "iPad", "iPod"]
        .iter()
        .find(|name| text.contains(*name))
    {
        return (*name).to_owned();
    }
    match os {
        "Mac OS X" => "Mac".to_owned(),
        "Android" => android_model(text).unwrap_or("Other").to_owned(),
        _ => "Other".to_owned(),
    }
}

/// `(Linux; Android 14; Pixel 8 Build/…)` names a model; Chrome writes `K` for all of them, and Firefox a form factor.
fn android_model(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("Android")?;
    let (inside, _) = rest.split_once(')')?;
    let model = inside.split(';').nth(1)?.split(" Build/").next()?.trim();
    let known =
        !matches!(model, "" | "K" | "Mobile" | "Tablet" | "wv") && !model.starts_with("rv:");
    (known && model.len() <= MAX_MODEL).then_some(model)
}

const MAX_MODEL: usize = 64;

/// First match wins: most browsers also name those which they descend from.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("Opera/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Trident/", "Internet Explorer"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("PostmanRuntime/", "Postman"),
    ("python-requests/", "Python Requests"),
    ("okhttp/", "okhttp"),
];

const OSES: &[(&str, &str)] = &[
    ("Windows Phone", "Windows Phone"),
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("Mac OS X", "Mac OS X"),
    ("Macintosh", "Mac OS X"),
    ("Android", "Android"),
    ("CrOS", "Chrome OS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &str) -> String {
        let d = parse(Some(text));
        let kind = match (d.is_mobile, d.is_tablet, d.is_pc) {
            (true, false, false) => "mobile",
            (false, true, false) => "tablet",
            (false, false, true) => "pc",
            (false, false, false) => "none",
            other => panic!("{other:?}"),
        };
        format!(
            "{} {} | {} | {} | {kind}",
            d.browser, d.browser_version, d.os, d.device
        )
    }

    #[test]
    fn common_browsers_are_known() {
        for (text, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                "Chrome 120.0.0 | Windows | Other | pc",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91",
                "Edge 120.0.2210 | Windows | Other | pc",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
                "Safari 17.2 | Mac OS X | Mac | pc",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
                "Chrome 120.0.6099 | iOS | iPhone | mobile",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
                "Safari 17.2 | iOS | iPad | tablet",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
                "Chrome 120.0.0 | Android | Pixel 8 | mobile",
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Safari/537.36",
                "Samsung Internet 23.0 | Android | SM-X700 | tablet",
            ),
            (
                "Mozilla/5.0 (Android 14; Mobile; rv:121.0) Gecko/121.0 Firefox/121.0",
                "Firefox 121.0 | Android | Other | mobile",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
                "Firefox 121.0 | Linux | Other | pc",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                "Chrome 120.0.0 | Chrome OS | Other | pc",
            ),
            ("curl/8.5.0", "curl 8.5.0 | Other | Other | none"),
            ("", "Other Unknown | Other | Other | none"),
            ("Chrome/", "Chrome Unknown | Other | Other | none"),
            ("Android ) ; (", "Other Unknown | Android | Other | tablet"),
        ] {
            assert_eq!(summary(text), expected, "{text}");
        }
        assert_eq!(parse(None), parse(Some("?")));
    }

    #[test]
    fn sec_144_control_characters_are_dropped_and_length_is_bounded() {
        assert_eq!(
            sanitize_user_agent(" a\r\nlevel=error\u{1b}[31m\u{202e} "),
            "alevel=error[31m"
        );
        assert_eq!(
            sanitize_user_agent(&"é".repeat(100_000)).chars().count(),
            512
        );
    }
}
