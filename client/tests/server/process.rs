//! A server in a process of its own, which is killed, restarted and paused: a thousand cuts.

use std::{
    env,
    io::{self, BufRead as _, Write as _},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use tokio::task::yield_now;

use crate::{
    harness::{eager, soon, url},
    kinds::{self, Publisher, Rows, Streams, apply},
    proxy::{Fate, Proxy},
};

const CUTS: u64 = 1_000;

/// Set for the process that is the server.
const VARIABLE: &str = "TOPICAST_CLIENT_TEST_SERVER";

/// The start of the line that names the server's address.
const ADDRESS: &str = "address ";

/// Serves in a process that [`Process`] started: publishes each number that it reads, and confirms
/// empty lines. In the process of the tests there is nothing to do.
#[test]
fn it_is_the_server_where_another_test_starts_it() {
    if env::var_os(VARIABLE).is_none() {
        return;
    }
    let server = kinds::start();
    let publisher = Publisher::new(&server);
    println!("\n{ADDRESS}{}", server.address);
    for line in io::stdin().lines() {
        match line.expect("a line").parse() {
            Ok(number) => publisher.publish(number),
            Err(_) => println!("\nread"),
        }
    }
}

/// A server in another process.
struct Process {
    child: Child,
    input: ChildStdin,
    output: io::Lines<io::BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(env::current_exe().expect("the test"))
            .args(["process::it_is_the_server_where_another_test_starts_it", "--exact", "--nocapture"])
            .env(VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let input = child.stdin.take().expect("an input");
        let mut output = io::BufReader::new(child.stdout.take().expect("an output")).lines();
        let address = output.find_map(|line| line.expect("a line").strip_prefix(ADDRESS).map(str::to_owned));
        let address = address.expect("the address").parse().expect("an address");
        Self { child, input, output, address }
    }

    fn publish(&mut self, number: u64) {
        writeln!(self.input, "{number}").expect("the server reads");
    }

    /// Waits until everything is published.
    fn settle(&mut self) {
        writeln!(self.input).expect("the server reads");
        assert!(self.output.any(|line| line.expect("a line") == "read"));
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.expect("the command kill").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Cut {
        after: usize,
        reset: bool,
    },
    /// The server is stopped until the client has given the connection up.
    Pause,
    /// Another server takes its place.
    Kill,
}

impl Ending {
    fn random(seed: &mut u64) -> Self {
        match kinds::next_random(seed) % 20 {
            0 => Self::Kill,
            1 | 2 => Self::Pause,
            _ => Self::Cut {
                after: usize::try_from(kinds::next_random(seed) % 16_000).expect("a small number"),
                reset: kinds::next_random(seed).is_multiple_of(2),
            },
        }
    }

    fn fate(self) -> Fate {
        match self {
            Self::Cut { after, reset } => Fate::Cut { after, reset },
            Self::Pause | Self::Kill => Fate::Whole,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cuts_of_a_server_that_is_killed_restarted_and_paused() {
    let mut seed = 0xc0de_u64;
    let mut server = Process::start();
    let mut proxy = Proxy::start(server.address).await;
    let (mut number, mut rows) = (0, Rows::new());
    let (mut restarts, mut pauses) = (0, 0);
    let mut ending = Ending::random(&mut seed);
    proxy.set(ending.fate());
    let millis = Duration::from_millis;
    let client = eager(&url(proxy.address)).heartbeat(millis(25)).silence(millis(50)).build().unwrap();
    let events = client.events();
    let streams = Streams::of(&client);
    for cut in 0..CUTS {
        soon(proxy.connected(cut + 1)).await;
        let next = Ending::random(&mut seed);
        proxy.set(if cut + 1 < CUTS { next.fate() } else { Fate::Whole });
        let mut turns = 0;
        while proxy.ended() <= cut {
            for _ in 0..4 {
                number += 1;
                apply(&mut rows, number);
                server.publish(number);
            }
            server.settle();
            turns += 1;
            if turns == 5 && ending == Ending::Pause {
                pauses += 1;
                server.signal("-STOP");
                soon(proxy.ended_beyond(cut)).await;
                server.signal("-CONT");
            } else if turns == 5 && ending == Ending::Kill {
                restarts += 1;
                rows.clear();
                server = Process::start();
                proxy.set_target(server.address);
                soon(proxy.ended_beyond(cut)).await;
            }
            yield_now().await;
        }
        ending = next;
    }
    number += 1;
    apply(&mut rows, number);
    server.publish(number);
    server.settle();
    let tallies = streams.read(number, rows).await;
    let [trades, quotes, _, book, _] = tallies[..] else { panic!("five readers") };
    assert!(restarts > 20 && pauses > 50, "{restarts} restarts, {pauses} pauses");
    assert!(trades.epochs > restarts / 2 && trades.epochs <= restarts, "{trades:?}, {restarts} restarts");
    assert!(trades.away < 10 && quotes.away + book.away == 0, "{tallies:?}");
    assert!([trades, quotes, book].iter().all(|tally| tally.live > CUTS / 4), "{tallies:?}");
    client.close();
    assert_eq!(kinds::faults(events).await, []);
}
