//! The common parts of the servers on tokio: runtime, listener, and orders from standard input.

use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::schedule::{Progress, Schedule};

/// The listen backlog, the most that Linux allows by default.
pub(super) const BACKLOG: u32 = 4096;

/// Creates a runtime with this number of threads.
pub(super) fn runtime(threads: usize) -> Result<Runtime, String> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(|error| format!("no runtime: {error}"))
}

/// Listens on a free port of the loopback interface, and prints the port once everything is ready.
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

/// Reads the schedules from standard input, whose end ends the process.
///
/// No separate thread reads it: with a second thread the kernel counts references to files at
/// every call.
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

/// Publishes by every schedule it reads. Publishes everything that is due at once, then yields to
/// the other tasks of this thread.
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
    /// Returns the number of the next update of a topic, starting at 1.
    pub(super) fn next(&mut self, topic: u32) -> u64 {
        let place = topic as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] += 1;
        self.0[place]
    }
}
