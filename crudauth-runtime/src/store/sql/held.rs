//! A connection at work.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Result;
use crate::store::dialect::{Dialect, classify};

/// A connection from the pool. However the work on it ends (an error, our patience, a client that has gone), the product
/// looks after the connection; what was begun on it has been told to roll back by then, because a transaction borrows its
/// connection.
pub(super) struct Held<'a, D: Dialect> {
    /// Taken at the end.
    conn: Option<PoolConnection<D>>,
    writers: Option<&'a Semaphore>,
    /// Given back after the connection.
    turn: Option<SemaphorePermit<'a>>,
    /// A transaction was asked for, and nobody has heard yet whether there is one.
    beginning: bool,
}

impl<'a, D: Dialect> Held<'a, D> {
    pub(super) const fn new(conn: PoolConnection<D>, writers: Option<&'a Semaphore>) -> Self {
        Self {
            conn: Some(conn),
            writers,
            turn: None,
            beginning: false,
        }
    }

    /// Waits until it is our turn to write. Whoever has it has a connection too, and waits for nobody of this process; but
    /// it may be a request that nobody polls, so we wait no longer than a crowd takes, and go to the product's own lock then.
    pub(super) async fn turn(&mut self) {
        if let (Some(writers), None) = (self.writers, &self.turn) {
            let turn = tokio::time::timeout(CROWD, writers.acquire()).await;
            self.turn = turn.ok().and_then(std::result::Result::ok); // nobody closes it
        }
    }

    /// Begins a transaction that is going to write.
    #[expect(clippy::expect_used, reason = "only dropping it takes the connection")]
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_, D>> {
        self.turn().await;
        self.beginning = true;
        let conn = self.conn.as_deref_mut().expect("held until the end");
        let begun = conn.begin_with(D::BEGIN_WRITE).await;
        // Of one that was refused nobody knows either how far it came.
        self.beginning = begun.is_err();
        begun.map_err(classify::<D>)
    }
}

/// A hundred writers, one after the other, are through by then.
const CROWD: Duration = Duration::from_millis(300);

/// Makes what the transaction did last.
pub(super) async fn commit<D: Dialect>(transaction: Transaction<'_, D>) -> Result<()> {
    transaction.commit().await.map_err(classify::<D>)
}

impl<D: Dialect> Drop for Held<'_, D> {
    fn drop(&mut self) {
        match self.conn.take() {
            Some(conn) if self.beginning => D::take_back_begun(conn),
            Some(conn) => D::take_back(conn),
            None => {}
        }
    }
}

#[expect(clippy::expect_used, reason = "only dropping it takes the connection")]
impl<D: Dialect> Deref for Held<'_, D> {
    type Target = D::Connection;

    fn deref(&self) -> &Self::Target {
        self.conn.as_deref().expect("held until the end")
    }
}

#[expect(clippy::expect_used, reason = "only dropping it takes the connection")]
impl<D: Dialect> DerefMut for Held<'_, D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.conn.as_deref_mut().expect("held until the end")
    }
}
