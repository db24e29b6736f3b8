//! What the servers on tokio have in common: a runtime, a listener, and obeying standard input.

use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::schedule::{Progress, Schedule};

/// How many connections may wait to be accepted; as many as Linux allows by default.
pub(super) const BACKLOG: u32 = 4096;

/// A runtime of so many threads.
pub(super) fn runtime(threads: usize) -> Result<Runtime, String> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(|error| format!("no runtime: {error}"))
}

/// A listener on a free port of the loopback interface. The port is told when all is ready.
pub(super) fn listen() -> Result<TcpListener, String> {
    let listener = || {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        println!("ready {}", listener.local_addr()?.port());
        Ok::<_, std::io::Error>(listener)
    };
    listener().map_err(|error| format!("cannot listen: {error}"))
}

/// The schedules that standard input gives. The process ends when that does.
///
/// No thread reads it: with a second one the kernel counts references to a file at every call.
pub(super) fn schedules() -> std::io::Result<mpsc::Receiver<Schedule>> {
    let input = pipe::Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut lines = BufReader::new(input).lines();
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        loop {
            let line = lines.next_line().await.map_err(|error| error.to_string());
            match line.and_then(|line| line.map(|line| Schedule::of_command(&line)).transpose()) {
                Ok(Some(schedule)) if sender.send(schedule).await.is_ok() => {}
                Ok(_) => std::process::exit(0),
                Err(error) => {
                    eprintln!("{error}");
                    std::process::exit(2);
                }
            }
        }
    });
    Ok(receiver)
}

/// Publishes on every schedule that comes. What is due is published at once, then others on
/// this thread get their turn.
pub(super) async fn publish(mut schedules: mpsc::Receiver<Schedule>, mut update: impl FnMut(u32, u64)) {
    while let Some(schedule) = schedules.recv().await {
        let mut progress = Progress::new(schedule);
        while let Some(wait) = progress.publish_due(&mut update) {
            if wait == 0 {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(Duration::from_micros(wait)).await;
            }
        }
        println!("published {}", progress.total());
    }
}

/// Counts the updates of each topic.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    /// The number of the next update of a topic; the first is 1.
    pub(super) fn next(&mut self, topic: u32) -> u64 {
        let place = topic as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] += 1;
        self.0[place]
    }
}
