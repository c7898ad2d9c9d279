//! The queue by itself: no hashing, no sleeping; time stands still unless a wait runs out.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use super::*;

type Entry<'a> = Pin<Box<dyn Future<Output = Result<Permit>> + 'a>>;

const WAIT: Duration = Duration::from_secs(5);

fn poll<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn client(name: &str) -> ClientKey {
    ClientKey::new(name.as_bytes())
}

/// Lets a request of `name` join the queue.
fn waiter<'a>(queue: &'a Queue, name: &str) -> Entry<'a> {
    let mut entry: Entry<'a> = Box::pin(queue.enter(client(name)));
    assert!(
        poll(entry.as_mut()).is_pending(),
        "{name} did not have to wait"
    );
    entry
}

fn permit(queue: &Queue) -> Permit {
    let Poll::Ready(Ok(permit)) = poll(pin!(queue.enter(client("holder")))) else {
        panic!("no free permit")
    };
    permit
}

fn is_refused(queue: &Queue, name: &str) -> bool {
    matches!(
        poll(pin!(queue.enter(client(name)))),
        Poll::Ready(Err(Error::Busy(_)))
    )
}

/// The index of the only entry that has its permit, and that permit.
fn served(entries: &mut [Option<Entry<'_>>]) -> (usize, Permit) {
    let mut found = None;
    for (index, entry) in entries.iter_mut().enumerate() {
        let Some(future) = entry else { continue };
        if let Poll::Ready(result) = poll(future.as_mut()) {
            assert!(found.is_none(), "two were served for one permit");
            *entry = None;
            found = Some((index, result.unwrap()));
        }
    }
    found.expect("nobody was served")
}

#[tokio::test(start_paused = true)]
async fn sec_009_clients_take_turns_and_each_is_served_in_order() {
    let queue = Queue::new(1, 64, WAIT);
    let mut held = Some(permit(&queue));
    let order = ["flood", "flood", "flood", "flood", "alice", "bob", "alice"];
    let mut entries: Vec<_> = order
        .iter()
        .map(|name| Some(waiter(&queue, name)))
        .collect();

    let mut turns = Vec::new();
    for _ in order {
        drop(held.take());
        let (index, next) = served(&mut entries);
        turns.push(index);
        held = Some(next);
    }

    assert_eq!(turns, [0, 4, 5, 1, 6, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn sec_009_a_newcomer_displaces_the_newest_of_the_client_with_most() {
    let queue = Queue::new(1, 3, WAIT);
    let _held = permit(&queue);
    let mut flood: Vec<_> = (0..3).map(|_| waiter(&queue, "flood")).collect();

    let mut alice = waiter(&queue, "alice");

    assert!(matches!(
        poll(flood[2].as_mut()),
        Poll::Ready(Err(Error::Busy(_)))
    ));
    assert!(poll(flood[0].as_mut()).is_pending() && poll(flood[1].as_mut()).is_pending());
    assert!(poll(alice.as_mut()).is_pending());
    // The flood has one place more than Alice: a trade would leave it one less, and nothing be gained.
    assert!(is_refused(&queue, "alice") && is_refused(&queue, "flood"));
    assert_eq!(queue.waiting(), 3);
}

#[tokio::test(start_paused = true)]
async fn sec_007_a_full_queue_refuses_at_once() {
    let queue = Queue::new(1, 2, WAIT);
    let _held = permit(&queue);
    let _waiting = (waiter(&queue, "a"), waiter(&queue, "b"));
    let none = Queue::new(1, 0, WAIT);
    let _also_held = permit(&none);

    let refused = poll(pin!(queue.enter(client("c"))));

    let Poll::Ready(Err(Error::Busy(again))) = refused else {
        panic!("{refused:?}")
    };
    assert!((1..=2).contains(&again.as_secs()));
    assert!(is_refused(&none, "a"));
}

#[tokio::test(start_paused = true)]
async fn sec_007_a_wait_has_an_end() {
    let queue = Queue::new(1, 2, WAIT);
    let _held = permit(&queue);
    let start = tokio::time::Instant::now();

    let refused = queue.enter(client("a")).await;

    assert!(matches!(refused, Err(Error::Busy(_))));
    assert!(start.elapsed() >= WAIT && start.elapsed() < WAIT + Duration::from_millis(10));
    assert_eq!((queue.running(), queue.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn sec_008_a_waiter_that_goes_away_gives_its_place_back_wherever_it_stands() {
    let queue = Queue::new(1, 4, WAIT);

    // Never polled.
    drop(queue.enter(client("a")));
    assert_eq!((queue.running(), queue.waiting()), (0, 0));

    // While it waits: first, in the middle, alone of its client.
    for gone in 0..3 {
        let held = permit(&queue);
        let mut entries: Vec<_> = ["a", "a", "b"]
            .iter()
            .map(|name| Some(waiter(&queue, name)))
            .collect();
        entries[gone] = None;
        assert_eq!(queue.waiting(), 2);
        drop(held);
        let (_, next) = served(&mut entries);
        drop(next);
        let (_, last) = served(&mut entries);
        assert_eq!((queue.running(), queue.waiting()), (1, 0));
        drop(last);
        assert_eq!(queue.running(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn sec_008_a_permit_that_arrives_too_late_goes_on_to_the_next() {
    let queue = Queue::new(1, 4, WAIT);
    let held = permit(&queue);
    let first = waiter(&queue, "a");
    let mut second = waiter(&queue, "b");

    // Sent to the first, which goes away without having seen it.
    drop(held);
    assert!(poll(second.as_mut()).is_pending());
    drop(first);

    let Poll::Ready(Ok(held)) = poll(second.as_mut()) else {
        panic!("the permit was lost")
    };
    // And when nobody is next, it is free again.
    let only = waiter(&queue, "a");
    drop(held);
    assert_eq!((queue.running(), queue.waiting()), (1, 0));
    drop(only);
    assert_eq!((queue.running(), queue.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn sec_008_a_permit_that_is_refused_goes_on_to_the_next() {
    let queue = Queue::new(1, 4, WAIT);
    let held = permit(&queue);
    // A waiter that went away between being chosen and being sent its permit.
    let (grant, _) = oneshot::channel();
    queue.0.lock().push(client("a"), grant);
    let mut next = waiter(&queue, "b");

    drop(held);

    assert!(matches!(poll(next.as_mut()), Poll::Ready(Ok(_))));
    assert_eq!((queue.running(), queue.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_displaced_waiter_leaves_nothing_behind_when_it_is_dropped_unseen() {
    let queue = Queue::new(1, 2, WAIT);
    let held = permit(&queue);
    let mut flood = vec![waiter(&queue, "flood"), waiter(&queue, "flood")];
    let mut alice = waiter(&queue, "alice");

    flood.truncate(1);
    drop(held);

    let Poll::Ready(Ok(first)) = poll(flood[0].as_mut()) else {
        panic!("the oldest was not served")
    };
    drop(first);
    assert!(matches!(poll(alice.as_mut()), Poll::Ready(Ok(_))));
    assert_eq!((queue.running(), queue.waiting()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_007_never_more_than_all_permits_at_once_and_all_come_back() {
    let queue = Queue::new(3, 1000, Duration::from_mins(1));
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

    let tasks: Vec<_> = (0..600_usize)
        .map(|n| {
            let (queue, inside, most) = (queue.clone(), inside.clone(), most.clone());
            tokio::spawn(async move {
                let mut entry = Box::pin(queue.enter(client(&format!("{}", n % 7))));
                if n % 3 == 0 {
                    // Goes away after a few turns of the scheduler, wherever its request then is.
                    for _ in 0..n % 5 {
                        if poll(entry.as_mut()).is_ready() {
                            return;
                        }
                        tokio::task::yield_now().await;
                    }
                    return;
                }
                let _permit = entry.await.unwrap();
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    assert_eq!((queue.running(), queue.waiting()), (0, 0));
}

#[test]
fn clients_are_told_apart_by_their_bytes() {
    assert_eq!(client("10.0.0.1"), client("10.0.0.1"));
    assert_ne!(client("10.0.0.1"), client("10.0.0.2"));
    assert_ne!(client(""), ClientKey::UNKNOWN);
}
