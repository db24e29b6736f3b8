//! Tests of a shard's turns and of its recovery from a panic.

use super::*;
use crate::{
    Server,
    fanout::{
        course::Beginning,
        handle::Handle,
        hub::Hub,
        replay::{Replay, ReplayBudget},
        slow::SlowConsumer,
    },
    testing::{Client, Connect},
    wire::Prefix,
};

/// Returns a server without channels. `ping` is built in and suffices here.
fn server() -> Server {
    Server::builder("Test", "1.0.0").build().expect("an empty server is valid")
}

fn panic_in_the_shard(server: &Server) {
    server.shared().hub.inboxes().for_each(|inbox| inbox.push(Command::Panic));
}

#[tokio::test]
async fn a_panic_closes_the_shards_connections_with_1011_and_the_shard_goes_on() {
    let server = server();
    let mut clients = Vec::new();
    for socket_bytes in [64 * 1024, 64 * 1024, 16] {
        clients.push(Connect::new(&server).socket_bytes(socket_bytes).open().await.expect("there is room"));
    }
    for client in &mut clients {
        client.settled().await;
    }
    // The third connection has a started frame, which is finished before the close frame.
    clients[2].send_text("{\"type\":\"ping\"}").await;
    tokio::task::yield_now().await;
    panic_in_the_shard(&server);
    for client in &mut clients {
        let end = client.closed().await;
        assert_eq!((end.code, end.reason.as_str()), (1011, reason::SHARD_FAILED));
    }
    let mut next = Client::connect(&server).await.expect("the server goes on");
    assert!(next.settled().await.is_empty());
}

#[tokio::test]
async fn commands_after_the_one_that_panicked_are_executed() {
    let server = server();
    let mut before = Client::connect(&server).await.expect("there is room");
    before.settled().await;
    panic_in_the_shard(&server);
    // Opened in the same turn of the shard, after the panic.
    let mut after = Client::connect(&server).await.expect("there is room");
    assert!(after.settled().await.is_empty());
    assert_eq!(before.closed().await.code, 1011);
}

#[tokio::test]
async fn a_connection_that_is_closing_when_the_shard_panics_again_is_abandoned() {
    let server = server();
    let mut client = Client::connect(&server).await.expect("there is room");
    client.settled().await;
    panic_in_the_shard(&server);
    panic_in_the_shard(&server);
    assert!(matches!(client.closed().await.code, 1006 | 1011));
    server.shutdown().await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_shard_that_panics_while_it_is_shut_down_ends() {
    let hub = Hub::new(1, crate::fanout::inbox::Bounds { outbox: 1, inbox: 1, flush_window: Duration::ZERO });
    let inbox = hub.inboxes().next().expect("there is a shard").clone();
    let shard = tokio::spawn(run(inbox.clone()));
    inbox.push(Command::Panic);
    drop(hub);
    shard.await.expect("the panic is caught");
}

#[tokio::test]
async fn a_replay_to_a_fast_reader_takes_turns_with_other_connections() {
    let inbox =
        Inbox::new(crate::fanout::inbox::Bounds { outbox: 1 << 20, inbox: 1 << 20, flush_window: Duration::ZERO });
    let mut shard = Shard::new(inbox.clone());
    let (server, _client) = tokio::io::duplex(1 << 24);
    let handle = Handle::open(&inbox, Arc::new(Transport::other(server)));
    let (topic, slow) = (TopicId(0), SlowConsumer::close());
    let joining = Joining { topic, seq: 40, slow, skipped: Arc::default(), source: None };
    inbox.push(Command::Join { key: handle.key, joining, reply: None });
    let payload: Arc<[u8]> = format!("\"{}\"", "x".repeat(100_000)).as_bytes().into();
    let budget = ReplayBudget::new(1 << 24);
    let replay = Replay::updates(0, Prefix::new("r", "t"), vec![payload; 40].into(), &budget).expect("there is room");
    handle.release(topic, Release { first: Vec::new(), beginning: Beginning::Replay(replay), interval: None });
    assert!(shard.execute_inbox());
    let mut turns = 0;
    while !shard.run_queue.is_empty() {
        shard.flush_next();
        turns += 1;
    }
    assert_eq!(turns, 40 / RESUMED_PER_TURN);
    assert!(shard.peers[0].as_ref().is_some_and(|peer| !peer.is_blocked() && !peer.is_due()));
}
