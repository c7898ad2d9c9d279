//! Where the application and the model part.

use crudauth::mail::MessageKind;

use super::model::Model;
use super::words::{Errand, Event, Kind, Mailbox, Outcome, Session, Who};
use super::world::{Hands, Stage, address, kind};

/// What the database holds.
pub(super) struct Stored {
    pub(super) account: (String, bool, bool),
    pub(super) hash: String,
    pub(super) sessions: i64,
    pub(super) waiting: usize,
}

/// What may come of an event.
pub(super) struct Case {
    pub(super) model: Model,
    pub(super) answers: Vec<&'static str>,
    pub(super) mail: Vec<(Errand, Mailbox, Option<u32>)>,
}

/// One thing; of two uses at the same moment, the one before the other or the other before the one.
pub(super) fn possible(model: &Model, event: Event) -> Vec<Case> {
    let Event::Together(one, two) = event else {
        let mut model = model.clone();
        let Outcome { answer, mut mail } = model.step(event);
        mail.sort_by_key(|(errand, mailbox, _)| (kind(*errand).name(), address(*mailbox)));
        let answers = vec![answer];
        return vec![Case {
            model,
            answers,
            mail,
        }];
    };
    let in_order = |first, second| {
        let mut model = model.clone();
        let (first, second) = (
            model.step(Event::Use(first)),
            model.step(Event::Use(second)),
        );
        (model, first.answer, second.answer)
    };
    let (early, one_first, two_second) = in_order(one, two);
    let (late, two_first, one_second) = in_order(two, one);
    let mail = Vec::new();
    vec![
        Case {
            model: early,
            answers: vec![one_first, two_second],
            mail: mail.clone(),
        },
        Case {
            model: late,
            answers: vec![one_second, two_first],
            mail,
        },
    ]
}

impl Stage {
    pub(super) async fn stored(&self) -> Stored {
        let sql = "SELECT email, email_verified, is_active, password_hash, (SELECT count(*) FROM auth_sessions), \
            (SELECT count(*) FROM auth_outbox) FROM users";
        let row: (String, bool, bool, String, i64, i64) = self.app.db.query(sql).row().await;
        let (email, verified, active, hash, sessions, waiting) = row;
        Stored {
            account: (email, verified, active),
            hash,
            sessions,
            waiting: usize::try_from(waiting).unwrap(),
        }
    }

    /// Where the application and the model part; `None` where they do not.
    pub(super) async fn difference(
        &self,
        hands: &Hands,
        case: &Case,
        answers: &[String],
        mail: &[(MessageKind, String, Option<String>)],
        stored: &Stored,
    ) -> Option<String> {
        let model = &case.model;
        if answers != case.answers {
            return Some(format!("answered {answers:?}, not {:?}", case.answers));
        }
        let told = |(errand, mailbox, link): &(Errand, Mailbox, Option<u32>)| {
            (kind(*errand), address(*mailbox).to_owned(), link.is_some())
        };
        let expected: Vec<_> = case.mail.iter().map(told).collect();
        let arrived: Vec<_> = mail
            .iter()
            .map(|(kind, to, token)| (*kind, to.clone(), token.is_some()))
            .collect();
        if arrived != expected {
            return Some(format!("mailed {arrived:?}, not {expected:?}"));
        }
        let account = (
            address(model.address).to_owned(),
            model.verified,
            model.active,
        );
        if stored.account != account {
            let is = &stored.account;
            return Some(format!(
                "the account (address, verified, active) is {is:?}, not {account:?}"
            ));
        }
        let is_set = stored.hash != hands.hash;
        let sets = model.passwords != hands.model.passwords;
        if is_set != sets {
            return Some(format!("a password was set: {is_set}, not {sets}"));
        }
        let (is, should) = (stored.waiting, model.waiting());
        if is != should {
            return Some(format!("{is} rows are in the outbox, not {should}"));
        }
        let sessions = self.sessions(hands, model, stored.sessions).await;
        sessions.or(self.links(hands, model).await)
    }

    /// Who lives is let in, who has just been ended is not, and there is nobody else.
    async fn sessions(&self, hands: &Hands, model: &Model, rows: i64) -> Option<String> {
        let mut alive = 0;
        for who in [Who::Owner, Who::Attacker] {
            let status = match (hands.model.session(who), model.session(who)) {
                (_, Session::Live) => {
                    alive += 1;
                    200
                }
                (Session::Live, Session::Ended) => 401,
                _ => continue,
            };
            let answered = hands.client(who).get("/me").await.status;
            if answered != status {
                return Some(format!(
                    "the session of {who:?} answers {answered}, not {status}"
                ));
            }
        }
        (rows != alive).then(|| format!("{rows} sessions are stored, not {alive}"))
    }

    /// Rows that could be spent: one at most where one may be live, and one where one is. A row of which the account has
    /// moved on may lie there dead.
    async fn links(&self, hands: &Hands, model: &Model) -> Option<String> {
        let sql = "SELECT kind FROM auth_tokens WHERE used_at IS NULL AND expires_at > $1";
        let rows: Vec<String> = {
            let query = self.app.db.query(sql).bind(hands.now.as_micros());
            query.scalars().await
        };
        for (kind, name) in [
            (Kind::Verify, "verify"),
            (Kind::Reset, "reset_password"),
            (Kind::Change, "change_email"),
            (Kind::Undo, "undo_email_change"),
        ] {
            let rows = rows.iter().filter(|row| *row == name).count();
            let live = model.live(kind);
            if rows < live || (kind != Kind::Undo && rows > 1) {
                return Some(format!("{rows} {kind} links can be used, not {live}"));
            }
        }
        None
    }
}
