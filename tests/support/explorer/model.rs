//! The oracle: what an account is, what can happen to it, and what then is true. Written from the contract (§1.13, §3.7)
//! and the security rules (D, J, SEC-106); nothing of the product is asked here.

use super::words::Kind::{Change, Reset, Undo, Verify};
use super::words::{
    Errand, Event, Fate, Job, Kind, Link, Mailbox, Outcome, Session, Start, Who, Word, own, reader,
};

const OK: &str = "200";
const DEAD: &str = "400 link_dead";
const USED: &str = "400 link_used";
const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;
const NOTICE: u32 = 3 * DAY;

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact"
)]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Model {
    pub address: Mailbox,
    pub active: bool,
    pub verified: bool,
    pub password: Word,
    pub owner: Session,
    pub attacker: Session,
    pub links: Vec<Link>,
    pub(super) jobs: Vec<Job>,
    /// Who knows the first password.
    pub(super) owner_knows: bool,
    pub(super) attacker_knows: bool,
    /// The owner has set a password by way of his mailbox: from now on everything is his.
    pub(super) reclaimed: bool,
    /// How often the password has been set.
    pub passwords: u32,
    pub(super) next: u32,
}

impl Model {
    pub fn new(start: Start) -> Self {
        let mut model = Self {
            address: Mailbox::A,
            active: true,
            verified: start == Start::Stolen,
            password: Word::First,
            owner: Session::Never,
            attacker: Session::Never,
            links: Vec::new(),
            jobs: Vec::new(),
            owner_knows: start != Start::Hijacked,
            attacker_knows: start != Start::Registered,
            reclaimed: false,
            passwords: 0,
            next: 0,
        };
        if start == Start::Stolen {
            model.attacker = Session::Live;
        } else {
            // The message of the sign-up is on its way.
            model.enqueue(Errand::Bring(Verify), Mailbox::A, DAY);
        }
        model
    }

    /// The transition function. `Together` is two events in either order, and none of its own.
    pub fn step(&mut self, event: Event) -> Outcome {
        let mut mail = Vec::new();
        let answer = match event {
            Event::AskVerify(mailbox) => self.ask(Verify, mailbox, DAY),
            Event::AskReset(mailbox) => self.ask(Reset, mailbox, HOUR),
            Event::AskChange(mailbox) => self.ask_change(mailbox),
            Event::Deliver => {
                self.resolve();
                mail = self.deliver();
                OK
            }
            Event::Crash => {
                self.resolve();
                self.pass(2); // longer than a lease
                OK
            }
            Event::Use(link) => self.spend(link),
            Event::UseBadly(link) => match self.standing(link) {
                Fate::Live => "422 validation_error",
                Fate::Used => USED,
                Fate::Dead => DEAD,
            },
            Event::Together(one, two) => {
                self.spend(one);
                self.spend(two)
            }
            Event::SignIn(who, word) => self.sign_in(who, word),
            Event::ChangePassword(who) => self.change_password(who),
            Event::Disable => {
                self.active = false;
                self.evict();
                self.kill(|link| link.kind != Undo);
                OK
            }
            Event::Enable => {
                self.active = true;
                OK
            }
            Event::Hour => self.pass(HOUR + 1),
            Event::Day => self.pass(DAY + 1),
        };
        self.tidy();
        Outcome { answer, mail }
    }

    /// Tells nothing, looks nothing up.
    fn ask(&mut self, kind: Kind, mailbox: Mailbox, left: u32) -> &'static str {
        self.enqueue(Errand::Bring(kind), mailbox, left);
        OK
    }

    fn ask_change(&mut self, to: Mailbox) -> &'static str {
        if self.attacker != Session::Live {
            return "401 not_authenticated";
        }
        if self.attempt(Who::Attacker) != self.password {
            return "400 password_incorrect";
        }
        if self.address == to {
            return "400 same_email";
        }
        self.ask(Change, to, DAY)
    }

    /// Makes the links that have been asked for, where one is due, and forgets what is due to nobody.
    fn resolve(&mut self) {
        for mut job in std::mem::take(&mut self.jobs) {
            let Errand::Bring(kind) = job.errand else {
                self.jobs.push(job);
                continue;
            };
            if job.link.is_some() {
                self.jobs.push(job);
                continue;
            }
            let due = match kind {
                Verify => self.address == job.mailbox && !self.verified,
                Reset => self.address == job.mailbox,
                Change | Undo => !job.void,
            };
            if due && self.active && job.left > 0 {
                self.kill(|link| link.kind == kind && link.fate == Fate::Live);
                let ttl = if kind == Reset { HOUR } else { DAY };
                job.link = Some(self.link(kind, job.mailbox, ttl));
                self.jobs.push(job);
            }
        }
        // A link that died after it was made is not sent.
        let live = |serial| {
            self.links
                .iter()
                .any(|link| link.serial == serial && link.fate == Fate::Live)
        };
        let kept = |job: &Job| job.left > 0 && job.link.is_none_or(live);
        let jobs = self.jobs.iter().filter(|job| kept(job)).cloned().collect();
        self.jobs = jobs;
    }

    fn deliver(&mut self) -> Vec<(Errand, Mailbox, Option<u32>)> {
        let jobs = std::mem::take(&mut self.jobs);
        for job in &jobs {
            if let Some(link) = self
                .links
                .iter_mut()
                .find(|link| job.link == Some(link.serial))
            {
                link.seen = true;
            }
        }
        let mail = jobs.iter().map(|job| (job.errand, job.mailbox, job.link));
        mail.collect()
    }

    /// How a token stands, for whoever sends it.
    fn standing(&self, serial: u32) -> Fate {
        let found = self.links.iter().find(|link| link.serial == serial);
        let usable = found.filter(|link| self.active && link.left > 0);
        usable.map_or(Fate::Dead, |link| link.fate)
    }

    fn spend(&mut self, serial: u32) -> &'static str {
        match self.standing(serial) {
            Fate::Dead => return DEAD,
            Fate::Used => return USED,
            Fate::Live => {}
        }
        let Some(link) = self.links.iter().find(|link| link.serial == serial) else {
            return DEAD;
        };
        let (kind, mailbox, locks) = (link.kind, link.mailbox, link.first_proof);
        let first_proof = !self.verified;
        let former = self.address;
        match kind {
            Verify => {}
            Reset => {
                self.evict();
                self.kill(|link| first_proof || link.kind != Undo);
                self.set_password(own(reader(mailbox)));
                self.enqueue(Errand::TellOfPassword, mailbox, NOTICE);
                self.reclaimed |= reader(mailbox) == Who::Owner;
            }
            Change => {
                self.moved(mailbox);
                let back = self.link(Undo, former, 7 * DAY);
                self.enqueue(Errand::Bring(Undo), former, 7 * DAY);
                if let Some(job) = self.jobs.last_mut() {
                    job.link = Some(back);
                }
                if let Some(link) = self.links.last_mut() {
                    link.first_proof = first_proof;
                }
            }
            Undo => {
                self.evict();
                self.moved(mailbox);
                // The oldest address has the last word. Its first proof leaves nothing of what was set up (SEC-106).
                self.kill(|link| {
                    link.kind == Undo && link.serial != serial && (locks || link.serial > serial)
                });
                if locks {
                    self.set_password(Word::Nobodys);
                }
            }
        }
        self.verified = true;
        if let Some(link) = self.links.iter_mut().find(|link| link.serial == serial) {
            // Whether the account is still what the link is bound to.
            link.fate = match kind {
                Verify | Undo => Fate::Used,
                Reset | Change => Fate::Dead,
            };
        }
        OK
    }

    fn moved(&mut self, to: Mailbox) {
        self.address = to;
        self.kill(|link| link.kind != Undo);
        self.void();
    }

    fn set_password(&mut self, word: Word) {
        self.password = word;
        self.passwords += 1;
        self.kill(|link| matches!(link.kind, Reset | Change));
        self.void();
    }

    /// A change that was asked for under another password or address is not made.
    fn void(&mut self) {
        for job in &mut self.jobs {
            job.void |= job.errand == Errand::Bring(Change);
        }
    }

    fn sign_in(&mut self, who: Who, word: Word) -> &'static str {
        if !self.active || word != self.password {
            return "401 incorrect_credentials";
        }
        *self.session_mut(who) = Session::Live;
        OK
    }

    fn change_password(&mut self, who: Who) -> &'static str {
        if self.session(who) != Session::Live {
            return "401 not_authenticated";
        }
        if self.attempt(who) != self.password {
            return "401 current_password_incorrect";
        }
        self.evict();
        *self.session_mut(who) = Session::Live;
        self.set_password(own(who));
        if self.verified {
            self.enqueue(Errand::TellOfPassword, self.address, NOTICE);
        }
        OK
    }

    fn evict(&mut self) {
        for session in [&mut self.owner, &mut self.attacker] {
            if *session == Session::Live {
                *session = Session::Ended;
            }
        }
    }

    fn kill(&mut self, which: impl Fn(&Link) -> bool) {
        for link in self.links.iter_mut().filter(|link| which(link)) {
            link.fate = Fate::Dead;
        }
    }

    fn link(&mut self, kind: Kind, mailbox: Mailbox, left: u32) -> u32 {
        self.next += 1;
        let fate = Fate::Live;
        let (serial, seen) = (self.next, false);
        self.links.push(Link {
            serial,
            kind,
            mailbox,
            fate,
            left,
            seen,
            first_proof: false,
        });
        serial
    }

    fn enqueue(&mut self, errand: Errand, mailbox: Mailbox, left: u32) {
        let (link, void) = (None, false);
        self.jobs.push(Job {
            errand,
            mailbox,
            left,
            link,
            void,
        });
    }

    fn pass(&mut self, minutes: u32) -> &'static str {
        for link in &mut self.links {
            link.left = link.left.saturating_sub(minutes);
        }
        for job in &mut self.jobs {
            job.left = job.left.saturating_sub(minutes);
        }
        OK
    }

    /// Dead is dead: how long, why and how many are no differences. The newest of each kind is kept, to be tried.
    fn tidy(&mut self) {
        for link in &mut self.links {
            if link.left == 0 {
                link.fate = Fate::Dead;
            }
            if link.fate == Fate::Dead {
                link.left = 0;
            }
        }
        let mut kept: Vec<Link> = Vec::new();
        for link in std::mem::take(&mut self.links) {
            if link.fate == Fate::Dead {
                if !link.seen {
                    continue;
                }
                kept.retain(|old| {
                    old.fate != Fate::Dead || (old.kind, old.mailbox) != (link.kind, link.mailbox)
                });
            }
            kept.push(link);
        }
        self.links = kept;
    }

    pub fn session(&self, who: Who) -> Session {
        match who {
            Who::Owner => self.owner,
            Who::Attacker => self.attacker,
        }
    }

    fn session_mut(&mut self, who: Who) -> &mut Session {
        match who {
            Who::Owner => &mut self.owner,
            Who::Attacker => &mut self.attacker,
        }
    }

    pub(super) fn known(&self, who: Who) -> impl Iterator<Item = Word> + use<> {
        let first = match who {
            Who::Owner => self.owner_knows,
            Who::Attacker => self.attacker_knows,
        };
        first.then_some(Word::First).into_iter().chain([own(who)])
    }

    /// The password that somebody tries: the right one if he knows it.
    pub fn attempt(&self, who: Who) -> Word {
        let right = self.known(who).find(|word| *word == self.password);
        right.unwrap_or(own(who))
    }
}
