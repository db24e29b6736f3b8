//! Nothing is lost, repeated or reordered between a reply, its replay and live updates: random runs
//! of publishers, cuts, recoveries, slow readers, evictions and restarts of topics, for every kind,
//! against a model of `docs/protocol.md` ("Recovery").
//!
//! `RECOVERY_SEED=17` runs one seed.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking, and its parts are private")]

mod world;
mod subject;
mod reader;
mod log;

use topicast::Publisher;
use topicast_tests::kinds::{Book, Plain, Positions, Prices, Quotes, Trades};

use crate::{subject::Subject, world::World};

/// The topics of one run.
const TOPICS: usize = 2;

/// The seeds of each kind in one run of the suite.
const SEEDS: u64 = 340;

fn run<P: Subject>() {
    let seeds = match std::env::var("RECOVERY_SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => 0..SEEDS,
    };
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { World::<P>::new(seed).run().await });
    }
}

#[test]
fn events_without_history() {
    run::<Publisher<Plain>>();
}

#[test]
fn events_with_history() {
    run::<Publisher<Trades>>();
}

#[test]
fn latest() {
    run::<Publisher<Quotes>>();
}

#[test]
fn latest_with_a_hook() {
    run::<Publisher<Prices>>();
}

#[test]
fn tables() {
    run::<Publisher<Book>>();
}

#[test]
fn tables_with_a_hook() {
    run::<Publisher<Positions>>();
}
