//! What an explored story is about: mailboxes, people, passwords, links, messages and events.

use std::fmt;

use Kind::{Change, Reset, Undo, Verify};

/// `A` is the owner's; the other two are the attacker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mailbox {
    A,
    E,
    F,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    Owner,
    Attacker,
}

/// A password. `First` is the one that the account was registered with; the others are chosen later, and known to whoever
/// chose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    First,
    Owners,
    Attackers,
    /// None that anybody knows.
    Nobodys,
}

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Verify,
    Reset,
    Change,
    Undo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    Live,
    /// Spent, and the account is still what the link is bound to.
    Used,
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Link {
    /// Which one it is on this path; the same for all when states are compared.
    pub serial: u32,
    pub kind: Kind,
    /// Who can read it, and for `Change` and `Undo` where the account moves to.
    pub mailbox: Mailbox,
    pub fate: Fate,
    /// Minutes that it has left.
    pub(super) left: u32,
    /// It is in the mailbox.
    pub seen: bool,
    /// It leads back to an address that nobody had proven.
    pub(super) first_proof: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Errand {
    Bring(Kind),
    TellOfPassword,
}

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Job {
    pub(super) errand: Errand,
    pub(super) mailbox: Mailbox,
    pub(super) left: u32,
    /// The link, once it has been made.
    pub(super) link: Option<u32>,
    /// The account is not what it was when this was asked for.
    pub(super) void: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Session {
    Never,
    Live,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The attacker registered the owner's address, and knows the password.
    Hijacked,
    /// The owner registered.
    Registered,
    /// The owner registered and has proven the address; the attacker knows the password and has a session.
    Stolen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    AskVerify(Mailbox),
    AskReset(Mailbox),
    AskChange(Mailbox),
    Deliver,
    /// The worker dies with the messages in its hands: what it had decided is stored, nothing has left.
    Crash,
    /// A link is used by whoever reads the mailbox; a new password is his own.
    Use(u32),
    /// As `Use`, with a password that will not do.
    UseBadly(u32),
    /// Two links at the same moment; the same one twice if they are equal.
    Together(u32, u32),
    SignIn(Who, Word),
    ChangePassword(Who),
    Disable,
    Enable,
    Hour,
    Day,
}

/// What an event answers, and which messages arrive; with the link that a message brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub answer: &'static str,
    pub mail: Vec<(Errand, Mailbox, Option<u32>)>,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verify => "verify",
            Reset => "reset",
            Change => "change",
            Undo => "undo",
        })
    }
}

pub fn reader(mailbox: Mailbox) -> Who {
    match mailbox {
        Mailbox::A => Who::Owner,
        Mailbox::E | Mailbox::F => Who::Attacker,
    }
}

/// The password that somebody chooses.
pub fn own(who: Who) -> Word {
    match who {
        Who::Owner => Word::Owners,
        Who::Attacker => Word::Attackers,
    }
}
