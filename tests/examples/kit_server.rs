//! A server for clients in other languages to be tested against, driven through its standard input.
//!
//! Every line of input is a command as JSON and is answered by one line of JSON. The first
//! line of output is `{"listening": "127.0.0.1:port"}`.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    net::TcpListener,
    task::JoinHandle,
};
use topicast::{CloseCode, Cx, Limits, Refusal, Server, SlowConsumer, Topic};
use topicast_tests::channels::{self, App, Bar, Bars, Notice, Order, Resolution};

#[derive(Debug, Parser)]
struct Settings {
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Faults close the connection, as FastWS's do.
    #[arg(long)]
    fastws: bool,
    /// Seconds; 0 is off.
    #[arg(long, default_value_t = 30.0)]
    heartbeat: f64,
    /// Seconds; 0 is off.
    #[arg(long, default_value_t = 3600.0)]
    lifespan: f64,
    /// The number of the first bar, so that a server which was started again goes on.
    #[arg(long, default_value_t = 1)]
    first: i64,
    #[arg(long, default_value_t = 1000)]
    subscriptions: usize,
    #[arg(long, default_value_t = 1024 * 1024)]
    unsent_bytes: usize,
    /// Updates of bars make room for newer ones where a client is slow.
    #[arg(long)]
    drop_oldest: bool,
    /// Prints the AsyncAPI 3.0.0 document and ends.
    #[arg(long)]
    document: bool,
}

/// The book of an instrument.
#[topicast::ws_router(route = "order-book", update = Book, tags = ["datafeed"])]
#[derive(Debug, Clone)]
pub struct OrderBook {
    /// Ticker.
    #[serde(alias = "ticker")]
    pub symbol: String,
    /// How it is shown.
    #[serde(default)]
    pub view: View,
    /// Prices are rounded to this.
    pub tick: Option<f32>,
    /// Venues to leave out.
    pub without: Option<Vec<Option<String>>>,
    /// How levels are grouped.
    pub grouping: Option<Grouping>,
}

/// How a book is shown.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Levels a side.
    #[serde(default = "ten")]
    pub depth: u32,
    /// A name for the view.
    pub label: Option<String>,
}

impl Default for View {
    fn default() -> Self {
        Self { depth: ten(), label: None }
    }
}

fn ten() -> u32 {
    10
}

/// How levels are grouped.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Grouping {
    /// By steps of price.
    Price {
        /// The step.
        step: f64,
        /// Where steps begin.
        #[serde(default)]
        origin: f64,
    },
    /// By count.
    Count {
        /// Levels a group.
        levels: u8,
    },
}

/// A book.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    /// Price and quantity, the best first.
    pub bids: Vec<(f64, f64)>,
    /// What is known beside.
    pub notes: HashMap<String, Option<String>>,
}

/// A trade, whose number is one more than that of the one before.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// The trade's number.
    pub number: u64,
}

/// Trades of an instrument, the newest of which are remembered.
#[topicast::ws_router(route = "trades", update = Trade, history(count = 1000), tags = ["kinds"])]
pub struct Trades {
    /// Ticker.
    pub symbol: String,
}

/// The newest price of an instrument.
#[topicast::ws_router(route = "prices", update = Trade, latest, tags = ["kinds"])]
pub struct Prices {
    /// Ticker.
    pub symbol: String,
}

/// A side of a book.
#[topicast::data]
#[derive(Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Offers to buy.
    Bid,
    /// Offers to sell.
    Ask,
}

/// A level of a book.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Which side.
    pub side: Side,
    /// Price, as a whole number of ticks.
    pub price: u32,
    /// Quantity.
    pub size: f64,
    /// What is known beside.
    pub note: Option<String>,
}

/// The levels of an instrument's book.
#[topicast::ws_router(route = "levels", update = Level, table(key = (side, price), checksum), tags = ["kinds"])]
pub struct Levels {
    /// Ticker.
    pub symbol: String,
}

/// How much is in the kit's memory.
///
/// # Errors
/// Never.
#[topicast::ws_operation("kit.count", reply = "kit.count.response")]
pub async fn count(_cx: &Cx<'_, Arc<App>>) -> Result<u32, Refusal> {
    Ok(42)
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    /// Publishes bars of a symbol.
    Publish { symbol: String, times: u32 },
    /// Publishes a trade, a price and a change of the levels of a symbol, several times.
    Trade { symbol: String, times: u32 },
    /// Tells the levels of a symbol.
    Levels { symbol: String },
    /// Publishes bars of symbols for ever, one each in turn.
    Stream { symbols: Vec<String>, every_us: u64 },
    /// Ends the streaming.
    Stop,
    /// Forgets a symbol's topic, so that it begins a new epoch once nobody is subscribed.
    Forget { symbol: String },
    /// Publishes an order to an account whose orders somebody subscribed to.
    Order { account: String, number: u32 },
    /// Closes every connection.
    Close { code: u16, reason: String },
    /// Ends a subscription on every connection.
    End { topic: String, code: String, retryable: bool },
    /// Pushes a notice to everybody.
    Notice { text: String },
    /// Tells connections and topics.
    Count,
    /// Closes every connection with 1001 and ends.
    Shutdown,
}

/// A symbol's bars: where they are published, and the number of the next.
#[derive(Clone)]
struct Tape {
    topic: Topic<Bars>,
    next: Arc<AtomicI64>,
}

/// An instrument: one topic of each kind, and the number of the last trade.
struct Instrument {
    trades: Topic<Trades>,
    prices: Topic<Prices>,
    levels: Topic<Levels>,
    last: u64,
}

struct Kit {
    ws: Server,
    app: Arc<App>,
    bars: Mutex<HashMap<String, Tape>>,
    instruments: Mutex<HashMap<String, Instrument>>,
    first: i64,
    streaming: Mutex<Option<JoinHandle<()>>>,
}

impl Kit {
    /// What an answer is made of, or what was wrong.
    async fn carry_out(self: &Arc<Self>, command: Command) -> Result<Value, String> {
        match command {
            Command::Publish { symbol, times } => {
                let mut last = 0;
                for _ in 0..times {
                    last = self.publish(&symbol)?;
                }
                return Ok(json!({ "last": last }));
            }
            Command::Trade { symbol, times } => {
                let last = self.trade(&symbol, times).map_err(|error| error.to_string())?;
                return Ok(json!({ "last": last }));
            }
            Command::Levels { symbol } => {
                let instruments = lock(&self.instruments);
                let levels = instruments.get(&symbol).map(|instrument| instrument.levels.rows());
                return Ok(json!({ "levels": levels.transpose().map_err(|error| error.to_string())? }));
            }
            Command::Stream { symbols, every_us } => {
                let kit = Arc::clone(self);
                let task = tokio::spawn(async move {
                    let mut ticks = tokio::time::interval(Duration::from_micros(every_us));
                    loop {
                        for symbol in &symbols {
                            ticks.tick().await;
                            kit.publish(symbol).expect("the symbols of the kit have topics");
                        }
                    }
                });
                self.stop(Some(task));
            }
            Command::Stop => self.stop(None),
            Command::Forget { symbol } => {
                lock(&self.bars).remove(&symbol);
            }
            Command::Order { account, number } => {
                let topic = lock(&self.app.topics).get(&account).cloned();
                let topic = topic.ok_or("nobody subscribed to the orders of that account")?;
                topic.publish(&Order { number }).map_err(|error| error.to_string())?;
            }
            Command::Close { code, reason } => {
                let code = close_code(code).ok_or("no server may send that code")?;
                self.ws.sessions().iter().for_each(|session| session.close(code, &reason));
            }
            Command::End { topic, code, retryable } => {
                let why = Refusal::new(code, "the kit was told to");
                let why = if retryable { why.retryable() } else { why };
                let ended = self.ws.sessions().iter().filter(|session| session.end_subscription(&topic, &why)).count();
                return Ok(json!({ "ended": ended }));
            }
            Command::Notice { text } => self.ws.push(&Notice { text }).map_err(|error| error.to_string())?,
            Command::Count => {
                let topics: HashMap<String, usize> =
                    self.ws.topics().into_iter().map(|info| (info.topic, info.subscribers)).collect();
                let last: HashMap<String, i64> = lock(&self.bars)
                    .iter()
                    .map(|(symbol, tape)| (symbol.clone(), tape.next.load(Ordering::SeqCst) - 1))
                    .collect();
                return Ok(json!({ "connections": self.ws.connections(), "topics": topics, "last": last }));
            }
            Command::Shutdown => self.ws.shutdown().await,
        }
        Ok(json!({}))
    }

    /// Publishes the next bar of a symbol and tells its number, which is its time and price.
    fn publish(&self, symbol: &str) -> Result<i64, String> {
        let Tape { topic, next } = {
            let mut bars = lock(&self.bars);
            if !bars.contains_key(symbol) {
                let request = Bars { symbol: symbol.to_owned(), resolution: Resolution::M1 };
                let publisher = self.ws.publisher::<Bars>().map_err(|error| error.to_string())?;
                let topic = publisher.topic(&request).map_err(|error| error.to_string())?;
                let next = Arc::new(AtomicI64::new(self.first));
                bars.insert(symbol.to_owned(), Tape { topic, next });
            }
            bars[symbol].clone()
        };
        let number = next.fetch_add(1, Ordering::SeqCst);
        #[expect(clippy::cast_precision_loss, reason = "the kit publishes far fewer bars than 2^53")]
        topic.publish(&Bar { time: number, close: number as f64 }).map_err(|error| error.to_string())?;
        Ok(number)
    }

    /// Publishes trades, prices and changes of levels, and returns the number of the last trade.
    fn trade(&self, symbol: &str, times: u32) -> Result<u64, Box<dyn std::error::Error>> {
        let mut instruments = lock(&self.instruments);
        if !instruments.contains_key(symbol) {
            let symbol = symbol.to_owned();
            let instrument = Instrument {
                trades: self.ws.publisher::<Trades>()?.topic(&Trades { symbol: symbol.clone() })?,
                prices: self.ws.publisher::<Prices>()?.topic(&Prices { symbol: symbol.clone() })?,
                levels: self.ws.publisher::<Levels>()?.topic(&Levels { symbol: symbol.clone() })?,
                last: self.first.unsigned_abs() - 1,
            };
            instruments.insert(symbol, instrument);
        }
        let Some(Instrument { trades, prices, levels, last }) = instruments.get_mut(symbol) else { return Ok(0) };
        for _ in 0..times {
            *last += 1;
            trades.publish(&Trade { number: *last })?;
            prices.publish(&Trade { number: *last })?;
            let at = u32::try_from(*last % 1_009).unwrap_or_default();
            levels.update(|rows| {
                let side = |at: u32| if at.is_multiple_of(2) { Side::Bid } else { Side::Ask };
                rows.remove(&(side(at / 3), at * 7 % 23))?;
                let note = at.is_multiple_of(5).then(|| "é😀".to_owned());
                rows.set(&Level { side: side(at), price: at * 5 % 23, size: f64::from(at) / 10.0, note })
            })?;
        }
        Ok(*last)
    }

    fn stop(&self, next: Option<JoinHandle<()>>) {
        if let Some(task) = std::mem::replace(&mut *lock(&self.streaming), next) {
            task.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics with the kit's state")
}

fn close_code(code: u16) -> Option<CloseCode> {
    const KNOWN: [CloseCode; 9] = [
        CloseCode::NORMAL,
        CloseCode::GOING_AWAY,
        CloseCode::PROTOCOL,
        CloseCode::UNSUPPORTED,
        CloseCode::INVALID_TEXT,
        CloseCode::POLICY,
        CloseCode::TOO_BIG,
        CloseCode::INTERNAL,
        CloseCode::TRY_AGAIN_LATER,
    ];
    KNOWN.into_iter().find(|known| known.get() == code).or_else(|| CloseCode::application(code))
}

fn server(settings: &Settings) -> Result<(Server, Arc<App>), topicast::Error> {
    let app = Arc::<App>::default();
    let seconds = |value: f64| (value > 0.0).then(|| Duration::from_secs_f64(value));
    let mut builder = channels::builder(&app)
        .channels(topicast::channels![Arc<App>; OrderBook, Trades, Prices, Levels])
        .operations(topicast::operations![Arc<App>; count])
        .heartbeat(seconds(settings.heartbeat))
        .lifespan(seconds(settings.lifespan))
        .limits(Limits {
            subscriptions: settings.subscriptions,
            unsent_bytes: settings.unsent_bytes,
            ..Limits::default()
        });
    if settings.drop_oldest {
        builder = builder.slow_consumer::<Bars>(SlowConsumer::drop_oldest());
    }
    if settings.fastws {
        builder = builder.profile(topicast::compat::fastws());
    }
    Ok((builder.build()?, app))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::parse();
    let (ws, app) = server(&settings)?;
    if settings.document {
        print!("{}", ws.asyncapi("/api/v1/ws").v3_json());
        return Ok(());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
    println!("{}", json!({ "listening": listener.local_addr()?.to_string() }));
    let router = ws.router("/api/v1/ws");
    tokio::spawn(async move { topicast::serve(listener, router).await });
    let kit = Arc::new(Kit {
        ws,
        app,
        bars: Mutex::default(),
        instruments: Mutex::default(),
        first: settings.first,
        streaming: Mutex::default(),
    });
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let outcome = match serde_json::from_str(&line) {
            Ok(command) => kit.carry_out(command).await,
            Err(error) => Err(error.to_string()),
        };
        println!("{}", outcome.unwrap_or_else(|error| json!({ "error": error })));
    }
    Ok(())
}
