//! The transcripts in `tests/contract`, over a real socket to the trading API.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use topicast_tests::documents::{Direction, Messages};
use trading_api::{App, config::Settings};

#[derive(Deserialize)]
struct Transcript {
    name: String,
    #[serde(default)]
    send: Vec<String>,
    #[serde(default)]
    send_binary: Vec<String>,
    #[serde(default)]
    expect: Vec<String>,
    close: Option<(u16, String)>,
}

/// The compared part of a reply: payloads byte for byte.
#[derive(Debug, PartialEq, Deserialize)]
struct Reply {
    #[serde(rename = "type")]
    kind: String,
    id: Option<serde_json::Value>,
    #[serde(rename = "payload")]
    raw: RawValueText,
}

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct RawValueText(Box<RawValue>);

impl PartialEq for RawValueText {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

#[tokio::test]
async fn the_transcripts_of_the_contract() {
    let settings = Settings::try_parse_from(["trading-api", "--port", "0"]).unwrap();
    let app = tokio::task::spawn_blocking(move || App::new(&settings).unwrap()).await.unwrap();
    let messages = Messages::from_v3(app.ws().asyncapi("/api/v1/ws").v3());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/api/v1/ws", listener.local_addr().unwrap());
    let server = tokio::spawn(app.serve(listener, std::future::pending()));

    let transcripts: Vec<Transcript> = serde_json::from_str(include_str!("../contract/transcripts.json")).unwrap();
    assert!(transcripts.len() >= 16);
    for transcript in transcripts {
        play(&url, &messages, transcript).await;
    }
    server.abort();
}

async fn play(url: &str, messages: &Messages, transcript: Transcript) {
    let Transcript { name, send, send_binary, expect, close } = transcript;
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for text in send {
        socket.send(Message::text(text)).await.unwrap();
    }
    for hex in send_binary {
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        socket.send(Message::binary(bytes)).await.unwrap();
    }
    for expected in expect {
        let text = loop {
            let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
            // Bars move while the transcript is played.
            if !text.starts_with(r#"{"type":"bars.update""#) {
                break text;
            }
        };
        let (reply, expected): (Reply, Reply) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(&expected).unwrap());
        assert_eq!(reply, expected, "{name}");
        let matching = messages.matching(Direction::FromServer, &serde_json::from_str(&text).unwrap());
        assert_eq!(matching.len(), 1, "{name}: {text} matches {matching:?}");
    }
    if let Some((code, reason)) = close {
        match socket.next().await {
            Some(Ok(Message::Close(Some(CloseFrame { code: seen, reason: why })))) => {
                assert_eq!((u16::from(seen), why.as_str()), (code, reason.as_str()), "{name}");
            }
            other => panic!("{name}: {other:?} instead of a close"),
        }
    }
}
