//! The peer that this benchmark is about: a server with one channel, on topicast.

use std::pin::Pin;

use topicast::kind::Publishes;
use topicast::{Builder, Limits, Router, Server, Topic, channels, data, ws_router};

use super::control::{self, Numbers};
use super::{Kind, Options};
use crate::message;

/// Bars of one instrument.
#[ws_router(route = "bars", update = Bar)]
struct Bars {
    /// The instrument's number.
    k: u32,
}

/// Bars of one instrument, which the server keeps for clients that return.
#[ws_router(route = "bars", update = Bar, history(count = 1000))]
struct KeptBars {
    /// The instrument's number.
    k: u32,
}

/// The current bar of one instrument.
#[ws_router(route = "bars", update = Bar, latest)]
struct CurrentBar {
    /// The instrument's number.
    k: u32,
}

/// A bar of 200 bytes.
#[data]
struct Bar {
    /// When it was due, in microseconds since 1970.
    at: u64,
    n: u64,
    k: u32,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: u64,
    pad: String,
}

pub(super) fn run(options: &Options) -> Result<(), String> {
    let builder = builder(options);
    let serve: Pin<Box<dyn Future<Output = Result<(), String>>>> = match options.kind {
        Kind::Events => {
            let builder = builder.channels(channels![(); Bars]).slow_consumer::<Bars>(options.slow());
            Box::pin(serve(builder, |k| Bars { k }))
        }
        Kind::History => {
            let builder = builder.channels(channels![(); KeptBars]).slow_consumer::<KeptBars>(options.slow());
            Box::pin(serve(builder, |k| KeptBars { k }))
        }
        Kind::Latest => Box::pin(serve(builder.channels(channels![(); CurrentBar]), |k| CurrentBar { k })),
    };
    control::runtime(options.shards.get())?.block_on(serve)
}

fn builder(options: &Options) -> Builder {
    let mut limits = Limits::default();
    if let Some(bytes) = options.unsent_bytes {
        limits.unsent_bytes = bytes;
    }
    Server::builder("Benchmark", "1.0.0").shards(options.shards).flush_window(options.window()).limits(limits)
}

async fn serve<C>(builder: Builder, request: fn(u32) -> C) -> Result<(), String>
where
    C: Router<Update = Bar, Kind: Publishes> + 'static,
{
    let server = builder.build().map_err(|error| error.to_string())?;
    let publisher = server.publisher::<C>().map_err(|error| error.to_string())?;
    let mut topics: Vec<Topic<C>> = Vec::new();
    let mut numbers = Numbers::default();
    let publish = move |topic: u32, at: u64| {
        for next in topics.len()..=topic as usize {
            let k = message::topic_key(u32::try_from(next).expect("topics are counted in 32 bits"));
            topics.push(publisher.topic(&request(k)).expect("a number has a canonical form"));
        }
        let message::Bar { at, n, k, open, high, low, close, volume, pad } =
            message::Bar::new(topic, numbers.next(topic), at);
        let bar = Bar { at, n, k, open, high, low, close, volume, pad: pad.to_owned() };
        topics[topic as usize].publish(&bar).expect("a bar of numbers and text serializes");
    };
    let schedules = control::schedules().map_err(|error| format!("standard input: {error}"))?;
    tokio::spawn(control::publish(schedules, publish));
    let listener = control::listen()?;
    topicast::serve(listener, server.router("/")).await.map_err(|error| error.to_string())
}
