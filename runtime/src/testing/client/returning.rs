//! A client that is cut and returns: its positions and its tables.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Client, read};
use crate::{
    Channel, Rejection, Server, Tabular,
    declare::{KindFragment, topic_of},
    testing::{
        Connect,
        reply::{self, Subscribed},
    },
};

impl Client {
    /// Subscribes from the client's position, as a client does that returns, and waits for an ok
    /// reply. Keeps other messages that arrive before it. A client without a position subscribes as
    /// a new one.
    ///
    /// ```
    /// # #[topicast::data]
    /// # #[derive(Debug, PartialEq)]
    /// # pub struct Trade { price: f64 }
    /// # #[topicast::ws_router(route = "trades", update = Trade, history(count = 100))]
    /// # pub struct Trades { symbol: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let ws = topicast::Server::builder("Test", "1.0.0").channels(topicast::channels![Trades]).build()?;
    /// use topicast::testing::Client;
    ///
    /// let aapl = Trades { symbol: "AAPL".into() };
    /// let topic = ws.publisher::<Trades>()?.topic(&aapl)?;
    /// let mut client = Client::connect(&ws).await?;
    /// client.subscribe(&aapl).await;
    /// client.reconnect(&ws).await?;
    /// topic.publish(&Trade { price: 150.5 })?;
    /// assert_eq!(client.recover(&aapl).await.recovered, Some(true));
    /// assert_eq!(client.update::<Trades, Trade>().await, Trade { price: 150.5 });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`subscribe`](Self::subscribe).
    pub async fn recover<C: Channel>(&mut self, request: &C) -> Subscribed {
        let position = self.position(request);
        let kind = format!("{}.subscribe", C::ROUTE);
        let mut message = json!({ "type": kind, "payload": request });
        if let Some((epoch, seq)) = position {
            message["recover"] = json!({ "epoch": epoch, "seq": seq });
        }
        let reply = self.reply_to(&kind, message).await;
        if let Some(refusal) = reply::refusal(&reply) {
            panic!("`{kind}` was refused with {refusal}");
        }
        let text = reply.to_string();
        Subscribed::from_reply(reply).unwrap_or_else(|error| panic!("no reply to `{kind}`: {error}: {text}"))
    }

    /// Returns the client's position in a topic: the epoch, and the number of the last update or
    /// snapshot that the test has taken, or of the reply. `None` if the client has not subscribed, or
    /// waits for an announced snapshot.
    pub fn position<C: Channel>(&self, request: &C) -> Option<(String, u64)> {
        let topic = topic_of(request).expect("a request that was sent has a topic");
        self.followed.position(&topic).map(|(epoch, seq)| (epoch.to_owned(), seq))
    }

    /// Returns the rows of a table, as the messages that the test has taken leave them, in the
    /// order of their keys.
    ///
    /// ```
    /// # #[topicast::data]
    /// # #[derive(Debug, PartialEq)]
    /// # pub struct Order { id: String, quantity: u32 }
    /// # #[topicast::ws_router(route = "orders", update = Order, table(key = id))]
    /// # pub struct Orders { account: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let ws = topicast::Server::builder("Test", "1.0.0").channels(topicast::channels![Orders]).build()?;
    /// # use topicast::testing::Client;
    /// let account = Orders { account: "A".into() };
    /// let topic = ws.publisher::<Orders>()?.topic(&account)?;
    /// let mut client = Client::connect(&ws).await?;
    /// client.subscribe(&account).await;
    /// topic.update(|rows| rows.set(&Order { id: "1".into(), quantity: 10 }))?;
    /// client.settled().await;
    /// assert_eq!(client.table(&account), [Order { id: "1".into(), quantity: 10 }]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When a message has a wrong checksum, or a row is not of the channel's update type.
    pub fn table<C: Tabular<Update: DeserializeOwned>>(&self, request: &C) -> Vec<C::Update> {
        let KindFragment::Table { key, .. } = C::FRAGMENT.kind else { unreachable!("only tables are `Tabular`") };
        let topic = topic_of(request).expect("a request that was sent has a topic");
        let rows = self.followed.rows(&topic, key).unwrap_or_else(|error| panic!("table of `{topic}`: {error}"));
        rows.into_iter().map(|row| read(row, "a row")).collect()
    }

    /// Ends the connection without a close frame, as a network failure does, and opens another with a
    /// plain handshake. Messages that the test has not taken are lost; positions and tables are
    /// kept, and the client is not subscribed to anything.
    ///
    /// # Errors
    /// When the server refuses the handshake.
    pub async fn reconnect(&mut self, server: &Server) -> Result<(), Rejection> {
        let followed = std::mem::take(&mut self.followed);
        // The server sees the end of the old stream.
        let connect = Connect::new(server).wait_limit(self.wait_limit);
        *self = Self { followed, requests: self.requests, ..connect.open().await? };
        Ok(())
    }
}
