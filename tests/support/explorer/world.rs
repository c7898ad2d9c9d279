//! The application under test, and what the owner and the attacker have in their hands.

use std::collections::HashMap;
use std::time::Duration;

use crudauth::auth;
use crudauth::mail::MessageKind;
use crudauth_runtime::clock::Timestamp;
use serde_json::json;

use super::compare::possible;
use super::model::Model;
use super::words::{Errand, Event, Kind, Mailbox, Start, Who, Word, own, reader};
use crate::mailed::{MailApp, token_of};
use crate::support::{Answer, Client, User, fresh_address};

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[rate_limit(register = "off", change_password = "off", email_verify_request = "1000/h",
        password_reset_request = "1000/h", email_change_request = "1000/h")]
    #[email(frontend_url = "https://app.example.com")]
    pub struct Explored<User>;
}

/// What changes on a path, but for counters.
const TABLES: [&str; 4] = ["users", "auth_sessions", "auth_tokens", "auth_outbox"];

/// The application, whose database can be put back to where it was.
#[derive(Debug)]
pub struct Stage {
    pub(super) app: MailApp<Explored>,
    id: i64,
}

/// Everything on a path that is not in the database.
#[derive(Debug, Clone)]
pub struct Hands {
    pub model: Model,
    pub(super) owner: Client,
    pub(super) attacker: Client,
    tokens: HashMap<u32, String>,
    pub(super) hash: String,
    pub(super) now: Timestamp,
}

impl Stage {
    /// An account in its start state, kept as `start`.
    pub async fn set(start: Start) -> (Self, Hands) {
        let app = crate::mailed!(Explored);
        let client = || app.client().from(&fresh_address());
        let body = json!({
            "email": address(Mailbox::A), "username": "ada", "password": word(Word::First),
        });
        let answer = client().post_json("/register", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let mut attacker = client();
        if start == Start::Stolen {
            app.auth.run_due().await.unwrap();
            let token = app.token(MessageKind::VerifyEmail, "a");
            let answer = app
                .client()
                .post_json("/email/verify-confirm", &json!({ "token": token }))
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            app.db.run("DELETE FROM auth_tokens").await;
            assert_eq!(sign_in(&mut attacker, Word::First).await.status, 200);
        }
        let id = app.count("SELECT id FROM users").await;
        let hands = Hands {
            model: Model::new(start),
            owner: client(),
            attacker,
            tokens: HashMap::new(),
            hash: String::new(),
            now: app.clock.now(),
        };
        for table in TABLES {
            for place in ["start", "kept"] {
                let copy = format!("CREATE TABLE {place}_{table} AS SELECT * FROM {table}");
                app.db.run(copy).await;
            }
        }
        let hash = app.db.query("SELECT password_hash FROM users");
        let hash = hash.scalar().await;
        (Self { app, id }, Hands { hash, ..hands })
    }

    /// Keeps the database as it is.
    pub async fn keep(&self) {
        self.copy("", "kept_").await;
    }

    /// Puts the database back to where it was kept, or to its start.
    pub async fn restore(&self, place: &str) {
        self.copy(place, "").await;
    }

    async fn copy(&self, from: &str, to: &str) {
        let mut sql = "BEGIN; DELETE FROM auth_attempts; DELETE FROM auth_limits; ".to_owned();
        for table in TABLES {
            let (to, from) = (format!("{to}{table}"), format!("{from}{table}"));
            sql.extend([
                "DELETE FROM ",
                &to,
                "; INSERT INTO ",
                &to,
                " SELECT * FROM ",
                &from,
                "; ",
            ]);
        }
        self.app.db.run(sql + "COMMIT").await;
    }

    /// Lets an event happen, and says where what came of it is not what the model says.
    pub async fn take(&self, hands: &mut Hands, event: Event) -> Result<(), String> {
        hands.now = hands.now.plus(Duration::from_millis(1)); // no two things happen at one instant
        self.app.clock.set(hands.now);
        let _ = self.app.mail.take();
        if matches!(
            event,
            Event::SignIn(..) | Event::ChangePassword(_) | Event::AskChange(_)
        ) {
            self.app.db.run("DELETE FROM auth_attempts").await; // how often one may guess is not what is explored
        }
        let possible = possible(&hands.model, event);
        let answers = self.perform(hands, event, &possible[0].model).await?;
        let mail = self.mail();
        let stored = self.stored().await;
        let mut differences = Vec::new();
        for case in possible {
            if let Some(difference) = self
                .difference(hands, &case, &answers, &mail, &stored)
                .await
            {
                differences.push(difference);
                continue;
            }
            let links = case.mail.iter().filter_map(|(_, _, link)| *link);
            let tokens = mail.iter().filter_map(|(_, _, token)| token.clone());
            hands.tokens.extend(links.zip(tokens));
            hands.model = case.model;
            hands.hash = stored.hash;
            return Ok(());
        }
        Err(differences.join(", or "))
    }

    /// The answers of an event.
    async fn perform(
        &self,
        hands: &mut Hands,
        event: Event,
        after: &Model,
    ) -> Result<Vec<String>, String> {
        let answer = match event {
            Event::AskVerify(to) => self.ask("/email/verify-request", to).await,
            Event::AskReset(to) => self.ask("/password/reset-request", to).await,
            Event::AskChange(to) => {
                let right = word(hands.model.attempt(Who::Attacker));
                let body = json!({ "new_email": address(to), "password": right });
                hands
                    .attacker
                    .post_json("/email/change-request", &body)
                    .await
            }
            Event::Use(link) => self.spend(hands, link).await,
            Event::UseBadly(link) => {
                let body = json!({ "token": hands.tokens[&link], "new_password": "short" });
                let client = self.app.client();
                client.post_json("/password/reset-confirm", &body).await
            }
            Event::Together(one, two) => {
                let (one, two) = tokio::join!(self.spend(hands, one), self.spend(hands, two));
                return Ok(vec![said(&one), said(&two)]);
            }
            Event::SignIn(Who::Owner, tried) => sign_in(&mut hands.owner, tried).await,
            Event::SignIn(Who::Attacker, tried) => sign_in(&mut hands.attacker, tried).await,
            Event::ChangePassword(who) => {
                let body = json!({
                    "current_password": word(hands.model.attempt(who)), "new_password": word(own(who)),
                });
                hands.client(who).post_json("/change-password", &body).await
            }
            Event::Deliver => {
                self.app.auth.run_due().await.unwrap();
                return Ok(vec!["200".to_owned()]);
            }
            Event::Crash => {
                self.crash(after.waiting()).await?;
                hands.now = hands.now.plus(Duration::from_mins(2));
                self.app.clock.set(hands.now);
                return Ok(vec!["200".to_owned()]);
            }
            Event::Disable | Event::Enable => {
                let users = self.app.auth.users();
                let found = match event {
                    Event::Disable => users.disable(&self.id).await.unwrap(),
                    _ => users.enable(&self.id).await.unwrap(),
                };
                assert!(found);
                return Ok(vec!["200".to_owned()]);
            }
            Event::Hour | Event::Day => {
                let minutes = if event == Event::Hour {
                    61
                } else {
                    24 * 60 + 1
                };
                hands.now = hands.now.plus(Duration::from_mins(minutes));
                self.app.clock.set(hands.now);
                return Ok(vec!["200".to_owned()]);
            }
        };
        Ok(vec![said(&answer)])
    }

    async fn ask(&self, path: &str, to: Mailbox) -> Answer {
        let body = json!({ "email": address(to) });
        self.app.client().post_json(path, &body).await
    }

    async fn spend(&self, hands: &Hands, serial: u32) -> Answer {
        let link = hands.model.link_called(serial).unwrap();
        let mut body = json!({ "token": hands.tokens[&serial] });
        let path = match link.kind {
            Kind::Verify => "/email/verify-confirm",
            Kind::Change => "/email/change-confirm",
            Kind::Undo => "/email/change-undo",
            Kind::Reset => {
                body["new_password"] = word(own(reader(link.mailbox))).into();
                "/password/reset-confirm"
            }
        };
        self.app.client().post_json(path, &body).await
    }

    /// A worker that is gone when it has handed over `messages`, none of which was taken.
    async fn crash(&self, messages: usize) -> Result<(), String> {
        let mail = &self.app.mail;
        mail.hang();
        let before = mail.attempts();
        let auth = self.app.auth.clone();
        let worker = tokio::spawn(async move { auth.run_due().await });
        let reached = async {
            while mail.attempts() - before != messages || self.stored().await.waiting != messages {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
        worker.abort();
        let _ = worker.await;
        mail.deliver();
        let handed = mail.attempts() - before;
        reached.map_err(|_| format!("{handed} messages are handed over, not {messages}"))
    }

    /// What has arrived: kind, mailbox, token.
    fn mail(&self) -> Vec<(MessageKind, String, Option<String>)> {
        let mut mail = self.app.mail.take();
        mail.sort_by_key(|message| (message.kind().name(), message.to.clone()));
        mail.iter()
            .map(|message| {
                let link = message.context.link.as_ref();
                (
                    message.kind(),
                    message.to.clone(),
                    link.map(|_| token_of(message)),
                )
            })
            .collect()
    }
}

impl Hands {
    pub(super) fn client(&self, who: Who) -> &Client {
        match who {
            Who::Owner => &self.owner,
            Who::Attacker => &self.attacker,
        }
    }
}

async fn sign_in(client: &mut Client, tried: Word) -> Answer {
    client
        .login_with("ada", word(tried), "&remember_me=true")
        .await
}

/// An answer as the model writes it.
fn said(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match answer.code().as_str() {
        "" => status.to_string(),
        code => format!("{status} {code}"),
    }
}

pub(super) const fn address(mailbox: Mailbox) -> &'static str {
    match mailbox {
        Mailbox::A => "a@example.com",
        Mailbox::E => "e@example.com",
        Mailbox::F => "f@example.com",
    }
}

const fn word(word: Word) -> &'static str {
    match word {
        Word::First => "correct horse battery",
        Word::Owners => "what the owner chose",
        Word::Attackers => "what the attacker chose",
        Word::Nobodys => "what nobody knows",
    }
}

pub(super) const fn kind(errand: Errand) -> MessageKind {
    match errand {
        Errand::Bring(Kind::Verify) => MessageKind::VerifyEmail,
        Errand::Bring(Kind::Reset) => MessageKind::ResetPassword,
        Errand::Bring(Kind::Change) => MessageKind::ChangeEmail,
        Errand::Bring(Kind::Undo) => MessageKind::EmailChanged,
        Errand::TellOfPassword => MessageKind::PasswordChanged,
    }
}
