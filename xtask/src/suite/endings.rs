//! A proxy before a WebSocket server that measures who ends each TCP connection, and when.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long a server may take to end a connection whose client is done. An orderly server needs
/// a few milliseconds, and one that waits for its close timeout needs seconds.
const PROMPT: Duration = Duration::from_secs(1);

/// How long the proxy waits for an end before it gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Forwards connections to a server, and keeps the end of a client's to itself: only the server
/// can then end the connection, as RFC 6455 asks in section 7.1.1.
pub(super) struct Proxy {
    address: SocketAddr,
    connections: Receiver<JoinHandle<Option<Duration>>>,
}

impl Proxy {
    pub(super) fn start(server: &str) -> Outcome<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("cannot listen: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("cannot read the proxy's address: {error}"))?;
        let (send, connections) = channel();
        let server = server.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else { continue };
                if send.send(thread::spawn(move || forward(&client, server))).is_err() {
                    return;
                }
            }
        });
        Ok(Self { address, connections })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for every connection there was, and returns how long after its client's end the
    /// server ended it, in the order of the connections; `None` if it never did.
    pub(super) fn endings(&self) -> Vec<Option<Duration>> {
        self.connections.try_iter().map(|connection| connection.join().unwrap_or(None)).collect()
    }
}

/// Describes the connections that the server did not end promptly.
pub(super) fn late(cases: &[String], endings: &[Option<Duration>]) -> Vec<String> {
    let of = |(at, ending): (usize, &Option<Duration>)| {
        let name = cases.get(at).map_or_else(|| format!("connection {at}"), |case| format!("case {case}"));
        match ending {
            Some(time) if *time <= PROMPT => None,
            Some(time) => Some(format!("{name}: ended by the server after {:.1} s", time.as_secs_f64())),
            None => Some(format!("{name}: not ended by the server within {} s", PATIENCE.as_secs())),
        }
    };
    endings.iter().enumerate().filter_map(of).collect()
}

/// Forwards both ways until the server's end, which it returns as the time since the client's.
fn forward(client: &TcpStream, server: TcpStream) -> Option<Duration> {
    let (from_client, to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    let upward = thread::spawn(move || {
        copy(from_client, to_server);
        Instant::now()
    });
    server.set_read_timeout(Some(PATIENCE)).ok()?;
    let ended = copy(server, client.try_clone().ok()?);
    let now = Instant::now();
    // The server has ended the connection; the client's side of it is of no more use.
    let _ = client.shutdown(Shutdown::Both);
    let left = upward.join().ok()?;
    ended.then(|| now.saturating_duration_since(left))
}

/// Copies until the stream ends: false if it fell silent instead. What the other side does not
/// take any more is read all the same.
fn copy(mut from: TcpStream, mut to: TcpStream) -> bool {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return true,
            Ok(len) => {
                let _ = to.write_all(&buffer[..len]);
            }
            Err(error) => {
                return !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers a byte with a byte, and then ends the connection or keeps it.
    fn server(ends: bool) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                stream.write_all(&byte).unwrap();
                if !ends {
                    // The client's end never comes through the proxy.
                    stream.set_read_timeout(Some(Duration::from_millis(1200))).unwrap();
                    assert!(stream.read(&mut byte).is_err());
                }
                kept.push(stream.shutdown(Shutdown::Write));
            }
        });
        address
    }

    fn ending(ends: bool) -> Vec<String> {
        let proxy = Proxy::start(&server(ends)).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
        drop(client);
        late(&["1.1".to_owned()], &proxy.endings())
    }

    #[test]
    fn a_server_that_ends_its_connections_is_prompt() {
        assert_eq!(ending(true), Vec::<String>::new());
    }

    #[test]
    fn a_server_that_waits_for_its_client_is_late() {
        let late = ending(false);
        assert!(late.len() == 1 && late[0].starts_with("case 1.1: ended by the server after "), "{late:?}");
    }

    #[test]
    fn a_server_that_never_ends_is_named() {
        assert_eq!(late(&[], &[None]), ["connection 0: not ended by the server within 15 s"]);
    }
}
