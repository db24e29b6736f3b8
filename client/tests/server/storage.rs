//! Subscriptions that outlive the program: saved, restored, and failures of the storage.

use std::{io, sync::Arc};

use futures_util::StreamExt;
use tokio::sync::watch;
use topicast_client::{Event, FileStorage, Item, Status, Storage};
use topicast_tests::channels::{Bar, Bars, Orders};

use crate::harness::{TestServer, bars, eager, next, soon, until};

/// A storage whose content tests can read and wait for.
#[derive(Clone)]
struct Memory(Arc<watch::Sender<Option<String>>>);

impl Memory {
    fn holding(text: Option<&str>) -> Self {
        Self(Arc::new(watch::Sender::new(text.map(str::to_owned))))
    }

    async fn holds(&self, wanted: &str) {
        let mut held = self.0.subscribe();
        soon(held.wait_for(|text| text.as_deref() == Some(wanted))).await.expect("the storage is there");
    }

    fn text(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

impl Storage for Memory {
    fn load(&self) -> io::Result<Option<String>> {
        Ok(self.text())
    }

    fn save(&self, text: &str) -> io::Result<()> {
        if text.contains("FULL") {
            return Err(io::Error::other("no space is left"));
        }
        self.0.send_replace(Some(text.to_owned()));
        Ok(())
    }
}

#[tokio::test]
async fn a_program_that_starts_again_resumes_what_it_had() {
    let server = TestServer::start();
    let storage = Memory::holding(None);
    let client = || eager(&server.url()).storage(storage.clone()).build().unwrap();

    let first = client();
    assert!(soon(first.restore::<Bars>()).await.unwrap().is_empty());
    let left = first.subscribe(&bars("B")).unwrap();
    let kept = first.subscribe(&bars("A")).unwrap();
    let orders = first.subscribe(&Orders { account_id: "me".into() }).unwrap();
    drop(left);
    let text = r#"[["bars",{"symbol":"A","resolution":"1"}],["orders",{"accountId":"me"}]]"#;
    storage.holds(text).await;
    first.close();
    drop((kept, orders, first));

    let second = client();
    let restored = soon(second.restore::<Bars>()).await.unwrap();
    assert_eq!(restored.iter().map(|(request, _)| &*request.symbol).collect::<Vec<_>>(), ["A"]);
    assert!(soon(second.restore::<Bars>()).await.unwrap().is_empty());
    // Entries that are not restored yet are not lost if the program is killed now.
    storage.holds(r#"[["orders",{"accountId":"me"}],["bars",{"symbol":"A","resolution":"1"}]]"#).await;
    let (_, mut stream) = restored.into_iter().next().unwrap();
    soon(stream.ready()).await.unwrap();
    server.topic("A").publish(&Bar { time: 7, close: 0.0 }).unwrap();
    assert_eq!(until(&mut stream, |item| if let Item::Update(bar) = item { Some(bar.time) } else { None }).await, 7);
    let (request, mut orders) = soon(second.restore::<Orders>()).await.unwrap().remove(0);
    assert_eq!(request.account_id, "me");
    assert_eq!(next(&mut orders).await, Item::Status(Status::Live));
    drop((stream, orders));
    storage.holds("[]").await;
}

#[tokio::test]
async fn what_is_subscribed_to_before_it_is_restored_is_kept_once() {
    let server = TestServer::start();
    let text = r#"[["bars",{"symbol":"A","resolution":"1"}],["bars",{"symbol":"B","resolution":"1"}]]"#;
    let storage = Memory::holding(Some(text));
    let client = eager(&server.url()).storage(storage.clone()).build().unwrap();
    let _again = client.subscribe(&bars("A")).unwrap();
    storage.holds(r#"[["bars",{"symbol":"B","resolution":"1"}],["bars",{"symbol":"A","resolution":"1"}]]"#).await;
    let restored = soon(client.restore::<Bars>()).await.unwrap();
    assert_eq!(
        restored.iter().map(|(_, stream)| stream.topic()).collect::<Vec<_>>(),
        [r#"bars:{"resolution":"1","symbol":"A"}"#, r#"bars:{"resolution":"1","symbol":"B"}"#]
    );
    storage.holds(text).await;
}

#[tokio::test]
async fn an_entry_that_does_not_deserialize_is_reported_and_removed() {
    let server = TestServer::start();
    let storage =
        Memory::holding(Some(r#"[["gone",{}],["bars",{"symbol":1}],["bars",{"symbol":"A","resolution":"1"}]]"#));
    let client = eager(&server.url()).storage(storage.clone()).build().unwrap();
    let mut events = client.events();
    let restored = soon(client.restore::<Bars>()).await.unwrap();
    assert_eq!(restored.len(), 1);
    let report = until(&mut events, |event| if let Event::Storage(what) = event { Some(what) } else { None }).await;
    assert!(
        report.starts_with(r#"cannot restore bars {"symbol":1}: it is not a request of the channel: "#),
        "{report}"
    );
    // Another version of the program may have the channel.
    storage.holds(r#"[["gone",{}],["bars",{"symbol":"A","resolution":"1"}]]"#).await;

    let _full = client.subscribe(&bars("FULL")).unwrap();
    let report = until(&mut events, |event| if let Event::Storage(what) = event { Some(what) } else { None }).await;
    assert_eq!(report, "cannot save subscriptions: no space is left");
    client.close();
    assert!(client.subscribe(&bars("B")).unwrap_err().is_closed());
}

#[tokio::test]
async fn a_storage_that_cannot_be_read_is_not_written_over() {
    let server = TestServer::start();
    let storage = Memory::holding(Some("{"));
    let client = eager(&server.url()).storage(storage.clone()).build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    let error = soon(client.restore::<Bars>()).await.unwrap_err();
    assert!(error.is_storage());
    let start = "cannot restore subscriptions: the storage does not hold a list of subscriptions: ";
    assert!(error.to_string().starts_with(start), "{error}");
    soon(stream.ready()).await.unwrap();
    client.close();
    soon(async { while stream.next().await.is_some() {} }).await;
    assert_eq!(storage.text().as_deref(), Some("{"));
}

#[tokio::test]
async fn a_file_is_a_storage() {
    let folder = std::env::temp_dir().join(format!("topicast-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = FileStorage::new(folder.join("subscriptions.json"));
    assert_eq!(file.load().unwrap(), None);
    file.save("[]").unwrap();
    file.save("[1]").unwrap();
    assert_eq!(file.load().unwrap().as_deref(), Some("[1]"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    assert!(FileStorage::new(&folder).load().is_err());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(file.save("[]").is_err());
}
