//! One password hash through crudauth's pool, beside the bare crate. See `README.md` in this directory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run ends"
)]
#![expect(unreachable_pub, reason = "nobody links to a benchmark")]

use std::process::Command;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use crudauth_runtime::crypto::{ClientKey, Normalized, Passwords, Random};
use crudauth_runtime::policy::PasswordPolicy;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

mod cpu;

const STORM: usize = 500;
const PASSWORD: &str = "correct horse battery";

fn main() {
    let mut args = std::env::args().skip_while(|arg| arg != "--storm");
    if let Some(kind) = args.nth(1) {
        return storm(&kind);
    }
    println!(
        "Resident memory around {STORM} hashes that arrive at once, MiB (in processes of their own)\n"
    );
    println!("| | before | peak | after |");
    println!("|---|---|---|---|");
    for kind in ["bare", "pool"] {
        let me = std::env::current_exe().unwrap();
        let output = Command::new(me).args(["--storm", kind]).output().unwrap();
        println!(
            "| {kind} | {} |",
            String::from_utf8(output.stdout).unwrap().trim()
        );
    }
    cpu::pin(cpu::allowed()[0]);
    let (rounds, hashes) = (cpu::setting("--rounds", 41), cpu::setting("--hashes", 5));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let passwords = passwords();
    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for at in order {
            let before = cpu::time();
            for _ in 0..hashes {
                if at == 0 {
                    runtime.block_on(async { spawn_blocking(bare).await.unwrap() });
                } else {
                    runtime.block_on(pooled(&passwords));
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let each = cpu::time().saturating_sub(before).as_secs_f64() * 1e3 / hashes as f64;
            if round > 0 {
                samples[at].push(each);
            }
        }
    }
    let [(bare, bare_min, bare_max), (pool, pool_min, pool_max)] =
        [cpu::spread(&samples[0]), cpu::spread(&samples[1])];
    let ratios: Vec<f64> = samples[1]
        .iter()
        .zip(&samples[0])
        .map(|(pool, bare)| pool / bare)
        .collect();
    let (ratio, ratio_min, ratio_max) = cpu::spread(&ratios);
    println!(
        "\nCPU per hash at m = 19456 KiB, t = 2, p = 1, one at a time: median [least, greatest]\n"
    );
    println!("| bare crate, allocating, ms | pool, ms | ratio |");
    println!("|---|---|---|");
    println!(
        "| {bare:.1} [{bare_min:.1}, {bare_max:.1}] | {pool:.1} [{pool_min:.1}, {pool_max:.1}] | \
         {ratio:.2} [{ratio_min:.2}, {ratio_max:.2}] |"
    );
}

/// The crate as one uses it: it allocates its 19 MiB and gives them back.
fn bare() {
    let params = Params::new(19456, 2, 1, Some(32)).unwrap();
    let mut digest = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2
        .hash_password_into(PASSWORD.as_bytes(), b"sixteen bytes ok", &mut digest)
        .unwrap();
    std::hint::black_box(digest);
}

fn passwords() -> Passwords {
    let mut policy = PasswordPolicy::DEFAULT;
    (policy.queue, policy.wait) = (STORM, std::time::Duration::from_mins(5));
    Passwords::new(&policy, Random::system()).unwrap()
}

async fn pooled(passwords: &Passwords) {
    let password = Normalized::new(PASSWORD, 1024).unwrap();
    std::hint::black_box(passwords.hash(&password, ClientKey::UNKNOWN).await.unwrap());
}

fn storm(kind: &str) {
    let runtime: Runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let before = cpu::memory("VmRSS");
    let passwords = passwords(); // lives on: what it keeps counts
    runtime.block_on(async {
        let permits = Arc::new(Semaphore::new(cores));
        let mut storm = JoinSet::new();
        for _ in 0..STORM {
            let (passwords, permits, kind) =
                (passwords.clone(), Arc::clone(&permits), kind.to_owned());
            storm.spawn(async move {
                if kind == "pool" {
                    return pooled(&passwords).await;
                }
                let _permit = permits.acquire().await.unwrap();
                spawn_blocking(bare).await.unwrap();
            });
        }
        storm.join_all().await;
    });
    println!(
        "{before:.1} | {:.1} | {:.1}",
        cpu::memory("VmHWM"),
        cpu::memory("VmRSS")
    );
    drop(passwords);
}
