//! What can be asked of a model: what may happen next, what must hold, and its story in words.

use super::model::Model;
use super::words::Kind::{Change, Reset, Verify};
use super::words::{
    Errand, Event, Fate, Kind, Link, Mailbox, Session, Start, Who, Word, own, reader,
};

impl Model {
    /// Everything that could happen now and be told from nothing.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let waiting = |kind| {
            let errand = Errand::Bring(kind);
            self.jobs.iter().any(|job| job.errand == errand)
        };
        // One of each at a time: which of two is resolved first is nobody's promise.
        if !waiting(Verify) {
            events.push(Event::AskVerify(Mailbox::A));
        }
        if !waiting(Reset) {
            // Of an address that cannot become the account's nothing can come.
            let moves = |link: &&Link| link.fate == Fate::Live && link.kind == Change && link.seen;
            let coming = self.links.iter().filter(moves).map(|link| link.mailbox);
            let mut targets = vec![Mailbox::A, self.address];
            targets.extend(coming);
            targets.sort_unstable();
            targets.dedup();
            events.extend(targets.into_iter().map(Event::AskReset));
        }
        if !waiting(Change) && self.attacker != Session::Never {
            events.extend([Mailbox::E, Mailbox::F].map(Event::AskChange));
        }
        if !self.jobs.is_empty() {
            events.extend([Event::Deliver, Event::Crash]);
        }
        let seen: Vec<&Link> = self.links.iter().filter(|link| link.seen).collect();
        for (at, link) in seen.iter().enumerate() {
            events.push(Event::Use(link.serial));
            if link.kind == Reset {
                events.push(Event::UseBadly(link.serial));
            }
            let live = |link: &&&Link| link.fate == Fate::Live;
            let others = seen.iter().skip(at).filter(live);
            if link.fate == Fate::Live {
                events.extend(others.map(|other| Event::Together(link.serial, other.serial)));
            }
        }
        for who in [Who::Owner, Who::Attacker] {
            if self.session(who) != Session::Live {
                events.extend(self.known(who).map(|word| Event::SignIn(who, word)));
            }
            if self.session(who) != Session::Never && self.password != own(who) {
                events.push(Event::ChangePassword(who));
            }
        }
        events.push(if self.active {
            Event::Disable
        } else {
            Event::Enable
        });
        events.extend([Event::Hour, Event::Day]);
        events
    }

    /// What must hold whatever the transition function says. `None` if it does.
    pub fn broken(&self, start: Start) -> Option<&'static str> {
        let in_reach =
            |link: &Link| link.fate == Fate::Live && reader(link.mailbox) == Who::Attacker;
        let holds = self.links.iter().any(in_reach);
        let attacker_is_in = self.attacker == Session::Live;
        let anyone = attacker_is_in || self.owner == Session::Live;
        let many = |kind| self.live(kind) > 1;
        let checks = [
            (!self.active && anyone, "a disabled account has a session"),
            (
                start == Start::Registered && (attacker_is_in || holds),
                "who knows nothing got in",
            ),
            (
                self.reclaimed && (attacker_is_in || holds || self.address != Mailbox::A),
                "the owner has reset the password, and the attacker keeps something (SEC-106)",
            ),
            (
                self.reclaimed && self.password == Word::Attackers,
                "the owner has reset the password, and the attacker set another",
            ),
            (
                [Verify, Reset, Change].into_iter().any(many),
                "two live links of one purpose",
            ),
        ];
        checks
            .into_iter()
            .find_map(|(broken, what)| broken.then_some(what))
    }

    /// The state without what differs from path to path.
    pub fn key(&self) -> Self {
        let mut key = self.clone();
        for job in &mut key.jobs {
            // Which link it brings follows from its kind: no two of a kind are on their way.
            job.link = job.link.map(|_| 0);
        }
        key.jobs.sort_by_key(|job| (job.errand, job.mailbox));
        for link in &mut key.links {
            link.serial = 0;
        }
        key.links
            .sort_by_key(|link| (link.kind, link.mailbox, link.left, link.seen));
        (key.next, key.passwords) = (0, 0);
        key
    }

    /// An event, in words.
    pub fn tell(&self, event: Event) -> String {
        let name = |serial| {
            let link = self.links.iter().find(|link| link.serial == serial);
            link.map_or("a link that is gone".to_owned(), |link| {
                let (kind, mailbox) = (link.kind, link.mailbox);
                format!(
                    "the {kind} link {serial} in mailbox {mailbox:?} ({:?})",
                    link.fate
                )
            })
        };
        match event {
            Event::AskVerify(mailbox) => format!("somebody asks for a verify link to {mailbox:?}"),
            Event::AskReset(mailbox) => format!("somebody asks for a reset link to {mailbox:?}"),
            Event::AskChange(mailbox) => format!("the attacker asks to move to {mailbox:?}"),
            Event::Deliver => "the worker delivers".to_owned(),
            Event::Crash => "the worker dies while it hands over".to_owned(),
            Event::Use(link) => format!("{} is used", name(link)),
            Event::UseBadly(link) => format!("{} is used with a bad password", name(link)),
            Event::Together(one, two) if one == two => {
                format!("{} is used twice at once", name(one))
            }
            Event::Together(one, two) => {
                format!("{} and {} are used at once", name(one), name(two))
            }
            Event::SignIn(who, word) => format!("{who:?} signs in with password {word:?}"),
            Event::ChangePassword(who) => format!("{who:?} changes the password to {:?}", own(who)),
            Event::Disable => "the account is disabled".to_owned(),
            Event::Enable => "the account is enabled".to_owned(),
            Event::Hour => "an hour passes".to_owned(),
            Event::Day => "a day passes".to_owned(),
        }
    }

    pub fn link_called(&self, serial: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.serial == serial)
    }

    pub fn is_live(&self, serial: u32) -> bool {
        self.link_called(serial)
            .is_some_and(|link| link.fate == Fate::Live)
    }

    /// Rows of the outbox.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// Live links of a kind.
    pub fn live(&self, kind: Kind) -> usize {
        let live = |link: &&Link| link.kind == kind && link.fate == Fate::Live;
        self.links.iter().filter(live).count()
    }
}
