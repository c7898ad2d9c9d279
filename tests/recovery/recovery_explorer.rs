//! A bounded explorer of recovery (design §8): whatever the owner of a mailbox and an attacker do, in any order, with
//! crashes, replays, two uses at once and time passing, the real router over the real store answers and holds what a small
//! model says. The first difference is printed as the shortest way to it, in words.

use std::collections::HashSet;

use crate::explorer::model::Model;
use crate::explorer::words::{Event, Start};
use crate::explorer::world::{Hands, Stage};

/// Which events are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grain {
    /// Every one: the worker may be late or die, and two things happen at once.
    Fine,
    /// The worker delivers after each event, and it is one of those that change what is held: stories twice as long.
    Coarse,
}

impl Grain {
    fn takes(self, event: Event) -> bool {
        let fine = matches!(
            event,
            Event::Deliver | Event::Crash | Event::Together(..) | Event::UseBadly(_)
        );
        self == Self::Fine || !(fine || event == Event::Day)
    }
}

/// A path, one line for each event.
fn told(start: Start, path: &[Event]) -> String {
    let mut model = Model::new(start);
    let mut lines = vec![format!("{start:?}:")];
    for (number, event) in path.iter().enumerate() {
        lines.push(format!("  {}. {}", number + 1, model.tell(*event)));
        model.step(*event);
    }
    lines.join("\n")
}

/// Every event in every state that `depth` events lead to, breadth first: the first failure is a shortest one.
async fn explore(start: Start, grain: Grain, depth: usize, least: usize) {
    let began = tokio::time::Instant::now();
    let (stage, hands) = Stage::set(start).await;
    let mut known = HashSet::from([hands.model.key()]);
    let mut level = vec![Vec::new()];
    let mut transitions = 0;
    for _ in 0..depth {
        let mut next = Vec::new();
        for path in level {
            stage.restore("start_").await;
            let mut here = hands.clone();
            for event in &path {
                let taken = stage.take(&mut here, *event).await;
                taken.unwrap_or_else(|why| panic!("{}\n  but now {why}", told(start, &path)));
            }
            stage.keep().await;
            for event in here
                .model
                .events()
                .into_iter()
                .filter(|event| grain.takes(*event))
            {
                let mut there = here.clone();
                let mut path = path.clone();
                stage.restore("kept_").await;
                let mut turn = Some(event);
                while let Some(event) = turn {
                    path.push(event);
                    let taken = stage.take(&mut there, event).await;
                    transitions += 1;
                    let broken = there.model.broken(start).map(ToOwned::to_owned);
                    if let Some(why) = taken.err().or(broken) {
                        panic!("{}\n  but {why}", told(start, &path));
                    }
                    let waits = grain == Grain::Coarse && there.model.waiting() > 0;
                    turn = waits.then_some(Event::Deliver);
                }
                // Which of two came first is not ours to choose: what follows is explored from either alone.
                if !matches!(event, Event::Together(..)) && known.insert(there.model.key()) {
                    next.push(path);
                }
            }
        }
        level = next;
    }
    let (states, took) = (known.len(), began.elapsed());
    println!("{start:?}, {grain:?}: {states} states, {transitions} transitions, {took:.1?}");
    assert!(
        transitions >= least,
        "{transitions} transitions are not what was explored"
    );
}

/// Runs a path from the start, leaving out what cannot happen there, and says where the application parts from the model.
async fn run(
    stage: &Stage,
    hands: &Hands,
    start: Start,
    path: &[Event],
) -> Option<(Vec<Event>, String)> {
    stage.restore("start_").await;
    let mut here = hands.clone();
    let mut taken = Vec::new();
    for event in path {
        if here.model.events().contains(event) {
            taken.push(*event);
            let differs = stage.take(&mut here, *event).await.err();
            let broken = here.model.broken(start).map(ToOwned::to_owned);
            if let Some(why) = differs.or(broken) {
                return Some((taken, why));
            }
        }
    }
    None
}

/// Long stories: `walks` of `length` events each, the same ones every time. A failing one is told without the events that
/// it fails without.
async fn wander(start: Start, walks: u64, length: usize) {
    let (stage, hands) = Stage::set(start).await;
    for seed in 1..=walks {
        let mut model = hands.model.clone();
        let mut path = Vec::new();
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        while path.len() < length {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let events = likely(&model);
            let event = events[usize::try_from(random >> 33).unwrap() % events.len()];
            model.step(event);
            path.push(event);
        }
        if let Some((mut path, mut why)) = run(&stage, &hands, start, &path).await {
            let mut at = 0;
            while at < path.len() {
                let mut shorter = path.clone();
                shorter.remove(at);
                match run(&stage, &hands, start, &shorter).await {
                    Some(found) => (path, why) = found,
                    None => at += 1,
                }
            }
            panic!("walk {seed}: {}\n  but {why}", told(start, &path));
        }
    }
}

/// What a walk goes on with: what leads on comes more often, or it would end with everything expired and nobody in.
fn likely(model: &Model) -> Vec<Event> {
    let weight = |event: &Event| match event {
        Event::Disable | Event::Day | Event::Hour | Event::Crash | Event::UseBadly(_) => 1,
        Event::Enable | Event::Deliver => 12,
        Event::Use(link) if model.is_live(*link) => 6,
        Event::Together(..) => 0,
        _ => 3,
    };
    let events = model.events().into_iter();
    events
        .flat_map(|event| std::iter::repeat_n(event, weight(&event)))
        .collect()
}

// The tests run side by side, and most of the time is spent on the database: three starts, in two grains.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_106_whoever_registered_an_address_keeps_nothing_when_its_owner_resets() {
    explore(Start::Hijacked, Grain::Fine, 4, 1500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_106_whoever_registered_an_address_gains_nothing_by_moving_to_another() {
    explore(Start::Hijacked, Grain::Coarse, 4, 1000).await;
    wander(Start::Hijacked, 20, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_088_who_holds_neither_mailbox_nor_password_gets_nowhere() {
    explore(Start::Registered, Grain::Fine, 4, 1200).await;
    wander(Start::Registered, 10, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_050_a_stolen_session_and_password_are_worth_nothing_after_a_reset() {
    explore(Start::Stolen, Grain::Fine, 3, 500).await;
    wander(Start::Stolen, 30, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_096_an_address_that_was_taken_away_comes_back_to_its_owner() {
    explore(Start::Stolen, Grain::Coarse, 4, 2000).await;
}
