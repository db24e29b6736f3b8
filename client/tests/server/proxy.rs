//! A proxy between client and server that cuts the connection, or stalls, after a number of bytes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the proxy does to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    Whole,
    /// After this many bytes from the server, both ends see the stream end or a reset.
    Cut { after: usize, reset: bool },
    /// After this many bytes nothing is forwarded any more, and neither end is notified.
    Silent { after: usize },
}

/// The proxy. Every connection made through it has the fate that was set last.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    connected: watch::Receiver<(u64, Fate)>,
    ended: watch::Receiver<u64>,
}

#[derive(Clone, Copy)]
struct State {
    target: SocketAddr,
    fate: Fate,
}

impl Proxy {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { target, fate: Fate::Whole }));
        let (connecting, connected) = watch::channel((0, Fate::Whole));
        let (ending, ended) = watch::channel(0);
        let of_connections = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("the listener is good");
                let State { target, fate } = *of_connections.lock().expect("not poisoned");
                connecting.send_modify(|(count, last)| (*count, *last) = (*count + 1, fate));
                let ending = ending.clone();
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await {
                        carry(client, server, fate).await;
                    }
                    ending.send_modify(|count| *count += 1);
                });
            }
        });
        Self { address, state, connected, ended }
    }

    pub(crate) fn set(&self, fate: Fate) {
        self.state.lock().expect("not poisoned").fate = fate;
    }

    pub(crate) fn set_target(&self, target: SocketAddr) {
        self.state.lock().expect("not poisoned").target = target;
    }

    /// The number of connections that have met their fate.
    pub(crate) fn ended(&self) -> u64 {
        *self.ended.borrow()
    }

    /// Waits until more than this number of connections have met their fate.
    pub(crate) async fn ended_beyond(&mut self, count: u64) {
        self.ended.wait_for(|ended| *ended > count).await.expect("the wire is there");
    }

    /// Sets the fate of the newest connection.
    pub(crate) fn newest(&self) -> Fate {
        self.connected.borrow().1
    }

    /// Waits until this number of connections was made.
    pub(crate) async fn connected(&mut self, count: u64) {
        self.connected.wait_for(|(connected, _)| *connected >= count).await.expect("the wire is there");
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, fate: Fate) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut left = match fate {
        Fate::Whole => usize::MAX,
        Fate::Cut { after, .. } | Fate::Silent { after } => after,
    };
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    while left > 0 {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(len) if len > 0 && server.write_all(&up[..len]).await.is_ok() => {}
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(len) if len > 0 => {
                    let len = len.min(left);
                    left -= len;
                    if client.write_all(&down[..len]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
    match fate {
        Fate::Cut { reset: true, .. } => {
            let _ = (client.set_zero_linger(), server.set_zero_linger());
        }
        // The client gives up on its own; the server's side stays open until then.
        Fate::Silent { .. } => while let Ok(1..) = client.read(&mut up).await {},
        _ => {}
    }
}
