//! The same private channel by hand: axum's WebSocket, a broadcast channel per topic,
//! a document written out, and a test over a socket.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{
        Extension, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
    routing::get,
};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc};

use crate::{App, User};

/// What a client sends.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    id: Option<Value>,
    payload: Option<EquityOf>,
}

/// Which account a client asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EquityOf {
    account_id: String,
}

/// What an account owns.
#[derive(Debug, Clone, Serialize)]
pub struct Equity {
    pub cash: f64,
}

/// The topics that somebody is subscribed to.
#[derive(Debug, Clone, Default)]
pub struct Topics(Arc<Mutex<HashMap<String, broadcast::Sender<Arc<str>>>>>);

fn topic_of(account: &str) -> String {
    format!("equity:{}", json!({ "accountId": account }))
}

impl Topics {
    /// Publishes to whoever is subscribed.
    pub fn publish(&self, account: &str, equity: &Equity) {
        let topic = topic_of(account);
        let message = json!({ "type": "equity.update", "topic": topic, "payload": equity }).to_string();
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if topics.get(&topic).is_some_and(|sender| sender.send(message.into()).is_err()) {
            topics.remove(&topic);
        }
    }

    fn subscribe(&self, topic: &str) -> broadcast::Receiver<Arc<str>> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(256).0).subscribe()
    }
}

/// The routes that the channel adds.
pub fn router(topics: Topics) -> Router<Arc<App>> {
    let upgrade = move |ws: WebSocketUpgrade, State(app): State<Arc<App>>, Extension(user): Extension<User>| {
        let topics = topics.clone();
        async move { accept(ws, app, user, topics) }
    };
    Router::new().route("/ws", get(upgrade)).route("/ws/asyncapi.json", get(|| async { Json(document()) }))
}

fn accept(ws: WebSocketUpgrade, app: Arc<App>, user: User, topics: Topics) -> Response {
    ws.max_message_size(64 * 1024).on_upgrade(move |socket| serve(socket, app, user, topics))
}

async fn serve(socket: WebSocket, app: Arc<App>, user: User, topics: Topics) {
    let (mut out, mut incoming) = socket.split();
    let (updates, mut pending) = mpsc::channel::<Arc<str>>(256);
    let mut subscribed = HashMap::new();
    loop {
        let messages = tokio::select! {
            message = incoming.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let Ok(envelope) = serde_json::from_str::<Envelope>(&text) else { return };
                    let Some(messages) = answer(envelope, &app, &user, &topics, &updates, &mut subscribed) else { return };
                    messages
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => return,
            },
            Some(update) = pending.recv() => vec![update.to_string()],
        };
        for message in messages {
            if out.send(Message::text(message)).await.is_err() {
                return;
            }
        }
    }
}

/// A subscription: a task that forwards a topic's updates, ended with its handle.
struct Forwarding(tokio::task::AbortHandle);

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn forward(mut topic: broadcast::Receiver<Arc<str>>, updates: mpsc::Sender<Arc<str>>) -> Forwarding {
    let task = tokio::spawn(async move {
        while let Ok(update) = topic.recv().await {
            if updates.send(update).await.is_err() {
                return;
            }
        }
    });
    Forwarding(task.abort_handle())
}

fn answer(
    envelope: Envelope,
    app: &App,
    user: &User,
    topics: &Topics,
    updates: &mpsc::Sender<Arc<str>>,
    subscribed: &mut HashMap<String, Forwarding>,
) -> Option<Vec<String>> {
    let account = envelope.payload?.account_id;
    let topic = topic_of(&account);
    let kind = format!("{}.response", envelope.kind);
    let reply = |payload: Value| json!({ "type": kind, "id": envelope.id, "payload": payload }).to_string();
    let ok = |verb: &str| {
        let message = format!("{verb} {account}");
        reply(json!({ "status": "ok", "accountId": account, "message": message, "topic": topic }))
    };
    match envelope.kind.as_str() {
        "equity.subscribe" if user.account != account => Some(vec![reply(json!({
            "status": "error", "accountId": account, "code": "forbidden",
            "message": "this account is not yours", "retryable": false,
        }))]),
        "equity.subscribe" => {
            let mut messages = vec![ok("Subscribed to")];
            if !subscribed.contains_key(&topic) {
                subscribed.insert(topic.clone(), forward(topics.subscribe(&topic), updates.clone()));
                if let Some(cash) = app.cash_of(&account) {
                    let snapshot = json!({ "type": "equity.snapshot", "topic": topic, "payload": Equity { cash } });
                    messages.push(snapshot.to_string());
                }
            }
            Some(messages)
        }
        "equity.unsubscribe" => {
            subscribed.remove(&topic);
            Some(vec![ok("Unsubscribed from")])
        }
        _ => None,
    }
}

/// The AsyncAPI document, which nothing holds against the code above.
fn document() -> Value {
    let account =
        json!({ "type": "object", "required": ["accountId"], "properties": { "accountId": { "type": "string" } } });
    let equity = json!({ "type": "object", "required": ["cash"], "properties": { "cash": { "type": "number" } } });
    let reply = json!({ "type": "object", "properties": {
        "status": { "enum": ["ok", "error"] }, "accountId": { "type": "string" },
        "message": { "type": "string" }, "topic": { "type": "string" }, "code": { "type": "string" },
    }});
    let message = |kind: &str, payload: &Value| {
        json!({ "name": kind, "payload": { "type": "object", "required": ["type", "payload"], "properties": {
            "type": { "const": kind }, "payload": payload,
        }}})
    };
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Accounts", "version": "1.0.0" },
        "channels": { "equity": { "address": "/ws", "messages": {
            "subscribe": message("equity.subscribe", &account),
            "subscribed": message("equity.subscribe.response", &reply),
            "unsubscribe": message("equity.unsubscribe", &account),
            "unsubscribed": message("equity.unsubscribe.response", &reply),
            "snapshot": message("equity.snapshot", &equity),
            "update": message("equity.update", &equity),
        }}},
        "operations": {
            "subscribe": { "action": "receive", "channel": { "$ref": "#/channels/equity" },
                "messages": [{ "$ref": "#/channels/equity/messages/subscribe" }] },
            "update": { "action": "send", "channel": { "$ref": "#/channels/equity" },
                "messages": [{ "$ref": "#/channels/equity/messages/update" }] },
        },
    })
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

    use super::*;

    #[tokio::test]
    async fn an_owner_sees_the_snapshot_and_then_updates() {
        let (app, topics) = (App::new(), Topics::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut request = format!("ws://{}/ws", listener.local_addr().unwrap()).into_client_request().unwrap();
        request.headers_mut().insert("authorization", "Bearer secret".parse().unwrap());
        let routes = crate::routes(&app, router(topics.clone()));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut ask = async |account: &str| {
            let payload = json!({ "accountId": account });
            let text = json!({ "type": "equity.subscribe", "payload": payload }).to_string();
            socket.send(tungstenite::Message::text(text)).await.unwrap();
            next(&mut socket).await
        };
        assert_eq!(ask("SOMEBODY").await["payload"]["code"], "forbidden");
        assert_eq!(ask("TEST-001").await["payload"]["status"], "ok");
        assert_eq!(next(&mut socket).await["payload"]["cash"], 100.0);
        topics.publish("TEST-001", &Equity { cash: 90.0 });
        assert_eq!(next(&mut socket).await["payload"]["cash"], 90.0);
    }

    async fn next<S>(socket: &mut S) -> Value
    where
        S: StreamExt<Item = Result<tungstenite::Message, tungstenite::Error>> + Unpin,
    {
        serde_json::from_str(&socket.next().await.unwrap().unwrap().into_text().unwrap()).unwrap()
    }

    #[test]
    fn the_documents_describe_the_channel() {
        let update = &document()["channels"]["equity"]["messages"]["update"];
        assert_eq!(update["payload"]["properties"]["payload"]["properties"]["cash"]["type"], "number");
    }
}
