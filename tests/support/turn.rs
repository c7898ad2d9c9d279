//! One test at a time, in a binary whose tests measure the machine or fill it.
#![allow(
    unreachable_pub,
    missing_docs,
    reason = "shared by test binaries that each use a part"
)]

use tokio::sync::Mutex;

pub static TURN: Mutex<()> = Mutex::const_new(());
