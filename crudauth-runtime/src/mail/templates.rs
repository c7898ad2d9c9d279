//! What a message says: the application's text where it has one that can be sent, the built-in one otherwise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::html::{self, Page};
use super::{Content, MessageContext, MessageKind, Templates};

/// Subject and bodies of the message that `context` describes.
///
/// A template that panics, or gives what cannot be sent, is logged, and the built-in text goes out: whoever waits for a
/// link gets it all the same.
#[must_use]
pub fn render(context: &MessageContext, templates: Option<&dyn Templates>) -> Content {
    let kind = context.kind.name();
    let Some(templates) = templates else {
        return built_in(context);
    };
    match catch_unwind(AssertUnwindSafe(|| templates.render(context))).map(|own| own.map(fit)) {
        Ok(Some(Ok(own))) => return own,
        Ok(None) => {}
        Ok(Some(Err(why))) => {
            tracing::error!(
                kind,
                why,
                "the template's text cannot be sent; the built-in one is"
            );
        }
        Err(_) => tracing::error!(kind, "the template panicked; the built-in text is sent"),
    }
    built_in(context)
}

/// Judges a text before it is sent, and brings the ends of its lines into one form.
///
/// # Security
/// A subject is one line: a line break in it would begin a header of somebody's choice (SEC-095), and a control that turns
/// the direction of writing would show another subject than the one that was written. A carriage return on its own ends a
/// line for some mail servers and not for others, which is how a second message is smuggled into a first.
pub(super) fn fit(content: Content) -> Result<Content, &'static str> {
    let Content {
        subject,
        text,
        html,
    } = content;
    if subject.chars().any(is_unfit_for_a_line) {
        return Err("the subject has a line break or a control character in it");
    }
    if subject.trim().is_empty() || subject.len() > MAX_SUBJECT_BYTES {
        return Err("the subject is empty or too long");
    }
    if text.trim().is_empty() {
        return Err("there is no plain text");
    }
    Ok(Content {
        subject,
        text: lines(&text),
        html: html.map(|html| lines(&html)),
    })
}

/// Whether `c` breaks a line, is a control, or changes the direction of what follows. Joiners and variation selectors are
/// neither: emoji are made with them.
fn is_unfit_for_a_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Lines that end in `\n`, with no other control character than tabs.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.chars().any(is_stray) {
        text.chars().filter(|c| !is_stray(*c)).collect()
    } else {
        text
    }
}

fn is_stray(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// The text that goes out where the application has none of its own. Subjects and plain texts with a link are those of
/// contract §1.13.
fn built_in(context: &MessageContext) -> Content {
    let site = one_line(context.frontend_url.trim_end_matches('/'));
    let link = context.link.as_deref().map(one_line);
    let words = words(context.kind, &site);
    let text = match (&link, words.notice) {
        (Some(link), false) => format!("{}: {link}", words.subject),
        (Some(link), true) => format!("{} {}\n\n{}: {link}", words.lead, words.note, words.button),
        (None, _) => format!("{} {}", words.lead, words.note),
    };
    let page = Page {
        subject: words.subject,
        lead: &words.lead,
        button: link.as_deref().map(|link| (words.button, link)),
        expires_in: context.expires_in,
        note: words.note,
        note_first: words.notice,
        site: &site,
    };
    Content {
        subject: words.subject.to_owned(),
        text,
        html: html::page(&page),
    }
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !is_unfit_for_a_line(*c)).collect()
}

/// The words of one kind of message.
struct Words {
    subject: &'static str,
    /// What happened, or what the link is for.
    lead: String,
    /// What to do if it was not the recipient's doing.
    note: &'static str,
    /// What the link is called.
    button: &'static str,
    /// Whether the message tells of something that has happened: its plain text is then all of it, and not the subject
    /// and a link.
    notice: bool,
}

fn words(kind: MessageKind, site: &str) -> Words {
    let asked = |subject, lead, button| Words {
        subject,
        lead,
        note: "If you did not ask for this, ignore this message: nothing changes.",
        button,
        notice: false,
    };
    let notice = |subject, lead, note, button| Words {
        subject,
        lead,
        note,
        button,
        notice: true,
    };
    match kind {
        MessageKind::VerifyEmail | MessageKind::VerifyRecovery => asked(
            "Verify your email",
            format!("Confirm that this address belongs to your account at {site}."),
            "Verify",
        ),
        MessageKind::ResetPassword => asked(
            "Reset your password",
            format!("Somebody, probably you, asked for a new password for your account at {site}."),
            "Choose a new password",
        ),
        MessageKind::ChangeEmail => asked(
            "Confirm your new email",
            format!("Confirm that your account at {site} is to have this address from now on."),
            "Confirm",
        ),
        MessageKind::ExistingAccount => notice(
            "You already have an account",
            format!(
                "Somebody, probably you, tried to register with this address at {site}, where it has an account already."
            ),
            "Sign in, or ask for a new password there. If it was not you, there is nothing to do.",
            "Open",
        ),
        MessageKind::EmailChanged => notice(
            "Your email address was changed",
            format!("The email address of your account at {site} was changed to another one."),
            "If it was you, there is nothing to do. If it was not, take the change back at once, and choose a new password.",
            "Take the change back",
        ),
        MessageKind::IdentityLinked => notice(
            "A way to sign in was added",
            format!(
                "Your account at {site} can be signed in to with an account at another provider from now on."
            ),
            "If it was you, there is nothing to do. If it was not, remove it there at once, and choose a new password.",
            "Open",
        ),
        MessageKind::PasswordChanged => notice(
            "Your password was changed",
            format!("The password of your account at {site} was changed."),
            "If it was you, there is nothing to do. If it was not, ask for a new password there at once.",
            "Open",
        ),
    }
}

/// What fits into a list of messages several times over.
const MAX_SUBJECT_BYTES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://app.example.com/reset-password?token=AAAA";

    fn context(kind: MessageKind, link: Option<&str>) -> MessageContext {
        MessageContext {
            kind,
            link: link.map(str::to_owned),
            recipient: "ada@example.com".to_owned(),
            expires_in: 3600,
            frontend_url: "https://app.example.com/".to_owned(),
        }
    }

    struct Says(&'static str, &'static str);

    impl Templates for Says {
        fn render(&self, _: &MessageContext) -> Option<Content> {
            Some(Content {
                subject: self.0.to_owned(),
                text: self.1.to_owned(),
                html: None,
            })
        }
    }

    struct Panics;

    impl Templates for Panics {
        fn render(&self, _: &MessageContext) -> Option<Content> {
            panic!("a template of the application")
        }
    }

    #[test]
    fn messages_with_a_link_say_what_the_contract_says() {
        for (kind, subject) in [
            (MessageKind::VerifyEmail, "Verify your email"),
            (MessageKind::VerifyRecovery, "Verify your email"),
            (MessageKind::ResetPassword, "Reset your password"),
            (MessageKind::ChangeEmail, "Confirm your new email"),
        ] {
            let content = render(&context(kind, Some(LINK)), None);
            assert_eq!(content.subject, subject);
            assert_eq!(content.text, format!("{subject}: {LINK}"));
        }
    }

    #[test]
    fn notices_name_the_frontend_and_say_what_to_do() {
        for (kind, subject) in [
            (MessageKind::ExistingAccount, "You already have an account"),
            (MessageKind::EmailChanged, "Your email address was changed"),
            (MessageKind::IdentityLinked, "A way to sign in was added"),
            (MessageKind::PasswordChanged, "Your password was changed"),
        ] {
            let content = render(&context(kind, None), None);
            assert_eq!(content.subject, subject);
            assert!(content.text.contains("https://app.example.com"), "{kind:?}");
            assert!(content.text.contains("If it was not"), "{kind:?}");
            assert!(!content.text.contains("token"), "{kind:?}");
        }
    }

    #[test]
    fn the_notice_of_a_changed_address_has_the_link_that_takes_it_back() {
        let content = render(&context(MessageKind::EmailChanged, Some(LINK)), None);

        assert!(
            content
                .text
                .ends_with(&format!("\n\nTake the change back: {LINK}"))
        );
        assert!(content.html.unwrap().contains("Take the change back"));
    }

    #[test]
    fn no_message_says_whom_it_is_for() {
        for kind in MessageKind::ALL {
            let content = render(&context(kind, Some(LINK)), None);
            assert!(!content.text.contains("ada"), "{kind:?}");
            assert!(!content.html.unwrap().contains("ada"), "{kind:?}");
        }
    }

    #[test]
    fn a_template_decides_kind_by_kind() {
        struct OnlyResets;
        impl Templates for OnlyResets {
            fn render(&self, context: &MessageContext) -> Option<Content> {
                (context.kind == MessageKind::ResetPassword)
                    .then(|| Says("Neues Passwort \u{2709}\u{fe0f}", "Hier: …").render(context))
                    .flatten()
            }
        }
        let own = render(
            &context(MessageKind::ResetPassword, Some(LINK)),
            Some(&OnlyResets),
        );
        let built_in = render(
            &context(MessageKind::VerifyEmail, Some(LINK)),
            Some(&OnlyResets),
        );

        assert_eq!(own.subject, "Neues Passwort \u{2709}\u{fe0f}");
        assert_eq!(built_in.subject, "Verify your email");
    }

    #[test]
    fn a_template_that_panics_does_not_keep_the_message_back() {
        let content = render(
            &context(MessageKind::ResetPassword, Some(LINK)),
            Some(&Panics),
        );

        assert_eq!(content.subject, "Reset your password");
    }

    #[test]
    fn sec_095_a_template_cannot_begin_a_header_or_turn_the_line_round() {
        for subject in [
            "Hello\r\nBcc: eve@example.com",
            "Hello\nBcc: eve@example.com",
            "Hello\rBcc: eve@example.com",
            "Hello\0",
            "Hello\u{85}there",
            "Hello\u{2028}there",
            "moc.elpmaxe\u{202e}",
            "\u{2066}Hello",
            "",
            " ",
        ] {
            let said = Says(subject, "text").render(&context(MessageKind::ResetPassword, None));
            assert!(fit(said.unwrap()).is_err(), "{subject:?}");
        }
    }

    #[test]
    fn sec_095_a_lone_carriage_return_ends_a_line_for_everybody() {
        let said = Content {
            subject: "Hello".to_owned(),
            text: "one\rtwo\r\n.\r.\nthree\0\u{8}\tfour".to_owned(),
            html: Some("<p>\r.\r\n</p>".to_owned()),
        };
        let fitted = fit(said).unwrap();

        assert_eq!(fitted.text, "one\ntwo\n.\n.\nthree\tfour");
        assert_eq!(fitted.html.unwrap(), "<p>\n.\n</p>");
    }

    #[test]
    fn sec_095_a_hostile_link_or_frontend_stays_text() {
        for hostile in [
            "https://app.example.com/\"><script>alert(1)</script>?token=AAAA",
            "javascript:alert(1)",
            "https://app.example.com/\r\nBcc: eve@example.com",
            "data:text/html,<script>alert(1)</script>",
            "https://app.example.com/' onclick='alert(1)",
        ] {
            let mut context = context(MessageKind::EmailChanged, Some(hostile));
            context.frontend_url = hostile.to_owned();
            let said = render(&context, None);
            assert_eq!(said.text.lines().count(), 3, "{hostile:?}");
            assert!(!said.text.contains('\r'), "{hostile:?}");
            let html = said.html.unwrap();
            assert!(!html.contains("<script"), "{hostile:?}");
            assert!(!html.contains("href"), "{hostile:?}");
            assert!(!html.contains("' onclick"), "{hostile:?}");
        }
    }
}
