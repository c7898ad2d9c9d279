//! The built-in messages as HTML.
//!
//! Tables and styles in the elements, because that is what mail programs agree on. No picture and nothing from elsewhere:
//! opening a message tells nobody. Text and background have no colour of their own, so that a dark mail program shows light
//! text on dark and not what it makes of our colours; the button is readable on both.

use std::fmt::Write as _;

/// What one message shows.
pub(super) struct Page<'a> {
    pub(super) subject: &'a str,
    pub(super) lead: &'a str,
    /// What the link is called, and the link.
    pub(super) button: Option<(&'a str, &'a str)>,
    /// Whole seconds, or 0 where nothing is said of it.
    pub(super) expires_in: u64,
    pub(super) note: &'a str,
    /// Whether the note says when to press the button, and not what the message means for others.
    pub(super) note_first: bool,
    pub(super) site: &'a str,
}

/// The page, or `None` for what cannot be written (which a `String` never refuses).
pub(super) fn page(page: &Page<'_>) -> Option<String> {
    let mut out = String::with_capacity(4096);
    head(&mut out, page).ok()?;
    if page.note_first {
        paragraph(&mut out, page.note).ok()?;
    }
    if let Some((label, link)) = page.button {
        button(&mut out, label, link).ok()?;
        if page.expires_in > 0 {
            let lasting = lasting(page.expires_in);
            paragraph(
                &mut out,
                &format!("The link works once, and for {lasting}."),
            )
            .ok()?;
        }
    }
    if !page.note_first {
        paragraph(&mut out, page.note).ok()?;
    }
    foot(&mut out, page.site).ok()?;
    Some(out)
}

fn head(out: &mut String, page: &Page<'_>) -> std::fmt::Result {
    let (subject, lead) = (escape(page.subject), escape(page.lead));
    write!(
        out,
        r#"<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>{subject}</title>
</head>
<body style="margin:0;padding:0;color-scheme:light dark">
<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all">{lead}</div>
<table role="presentation" width="100%" border="0" cellpadding="0" cellspacing="0">
<tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" border="0" cellpadding="0" cellspacing="0" style="max-width:480px;{FONT}">
<tr><td align="left">
<h1 style="margin:0 0 16px;font-size:22px;line-height:28px;font-weight:600">{subject}</h1>
"#
    )?;
    paragraph(out, page.lead)
}

fn paragraph(out: &mut String, text: &str) -> std::fmt::Result {
    let text = escape(text);
    writeln!(
        out,
        r#"<p style="margin:0 0 16px;font-size:16px;line-height:24px">{text}</p>"#
    )
}

/// The link as a button that is one in every mail program, its padding being the link's own, and as text.
fn button(out: &mut String, label: &str, link: &str) -> std::fmt::Result {
    let (label, text) = (escape(label), escape(link));
    if is_web_address(link) {
        write!(
            out,
            r#"<table role="presentation" border="0" cellpadding="0" cellspacing="0" style="margin:8px 0 24px">
<tr><td align="center" bgcolor="{BLUE}" style="border-radius:6px;background-color:{BLUE}">
<a href="{text}" style="display:inline-block;padding:12px 24px;border:1px solid {BLUE};border-radius:6px;font-size:16px;line-height:24px;font-weight:600;color:#ffffff;text-decoration:none">{label}</a>
</td></tr>
</table>
"#
        )?;
    }
    write!(
        out,
        r#"<p style="margin:0 0 4px;font-size:14px;line-height:20px">If the button does not work, open this address:</p>
<p style="margin:0 0 16px;font-size:14px;line-height:20px;word-break:break-all">{text}</p>
"#
    )
}

fn foot(out: &mut String, site: &str) -> std::fmt::Result {
    let site = escape(site);
    write!(
        out,
        r#"<p style="margin:24px 0 0;padding:16px 0 0;border-top:1px solid #808080;font-size:14px;line-height:20px">Sent by {site}</p>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"#
    )
}

/// Whether a mail program may be told to open `link`: an address of the web, of characters that end neither an attribute
/// nor a line.
fn is_web_address(link: &str) -> bool {
    (link.starts_with("https://") || link.starts_with("http://"))
        && link
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// "24 hours" is said of a day, because "1 day" may end at midnight.
fn lasting(seconds: u64) -> String {
    const UNITS: [(u64, &str, u64); 3] = [(86400, "days", 2), (3600, "hour", 1), (60, "minute", 1)];
    for (unit, name, least) in UNITS {
        let count = seconds / unit;
        if count >= least && seconds.is_multiple_of(unit) {
            let plural = if count == 1 || name.ends_with('s') {
                ""
            } else {
                "s"
            };
            return format!("{count} {name}{plural}");
        }
    }
    format!("{seconds} seconds")
}

const FONT: &str =
    "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
/// White on it has a contrast of 6.7, and it has one of 3.1 to black: a button on either ground.
const BLUE: &str = "#1d4ed8";

#[cfg(test)]
mod tests {
    use super::*;

    fn example<'a>(link: &'a str, site: &'a str) -> Page<'a> {
        Page {
            subject: "Reset your password",
            lead: "Somebody, probably you, asked for a new password.",
            button: Some(("Choose a new password", link)),
            expires_in: 3600,
            note: "If you did not ask for this, ignore this message: nothing changes.",
            note_first: false,
            site,
        }
    }

    #[test]
    fn it_needs_nothing_from_elsewhere_and_is_small() {
        let link = format!(
            "https://app.example.com/reset-password?token={}",
            "A".repeat(64)
        );
        let html = page(&example(&link, "https://app.example.com")).unwrap();

        for outside in ["<img", "<link", "<script", "<style", "url(", "src="] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(html.contains("lang=\"en\""));
        assert_eq!(html.matches(&link).count(), 2, "the button and the text");
        assert!(html.len() <= 10 * 1024);
        assert!(html.lines().all(|line| line.len() < 998), "RFC 5322 §2.1.1");
    }

    #[test]
    fn sec_095_every_inserted_value_is_escaped() {
        let html = page(&Page {
            subject: "<b>&\"'",
            lead: "<i>",
            button: Some(("<u>", "https://x.example/<s>?a=1&b=2")),
            expires_in: 0,
            note: "<q>",
            note_first: false,
            site: "<a>",
        })
        .unwrap();

        for tag in ["<b>", "<i>", "<u>", "<s>", "<q>", "<a>"] {
            assert!(!html.contains(tag), "{tag}");
        }
        assert!(html.contains("&lt;b&gt;&amp;&quot;&#39;"));
        assert!(html.contains("a=1&amp;b=2"));
    }

    #[test]
    fn sec_095_only_addresses_of_the_web_are_linked() {
        for link in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "https://x.example/a b",
            "https://x.example/\u{202e}",
        ] {
            assert!(
                !page(&example(link, "x")).unwrap().contains("href"),
                "{link}"
            );
        }
        assert!(
            page(&example("https://x.example/?a=b&c=d", "x"))
                .unwrap()
                .contains("href=\"https://x.example/?a=b&amp;c=d\"")
        );
    }

    #[test]
    fn how_long_a_link_lasts_is_said_in_a_whole_unit() {
        for (seconds, said) in [
            (86400, "24 hours"),
            (172_800, "2 days"),
            (3600, "1 hour"),
            (1800, "30 minutes"),
            (60, "1 minute"),
            (90, "90 seconds"),
            (5400, "90 minutes"),
        ] {
            assert_eq!(lasting(seconds), said);
        }
    }
}
