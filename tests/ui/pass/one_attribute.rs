//! The first channel of the README: one attribute, and all that it gives.

#![deny(warnings)]

use topicast::{data, ws_router};

/// Real-time OHLC bars of one symbol at one resolution.
///
/// Updates come as *trades* happen.
#[ws_router(route = "bars", update = Bar)]
pub struct Bars {
    /// Ticker, for example "AAPL".
    pub symbol: String,
    /// Length of a bar.
    #[serde(default)]
    pub resolution: Resolution,
}

/// One bar.
#[data]
pub struct Bar {
    /// The last price.
    pub close: f64,
}

/// The length of a bar.
#[data]
#[derive(Default)]
pub enum Resolution {
    #[serde(rename = "1")]
    #[default]
    M1,
    #[serde(rename = "D")]
    Day,
}

fn main() {
    let bars = Bars { symbol: "AAPL".into(), resolution: Resolution::Day };
    assert_eq!(topicast::topic_of(&bars).unwrap(), r#"bars:{"resolution":"D","symbol":"AAPL"}"#);
    let bars = Bars { symbol: "AAPL".into(), resolution: Resolution::M1 };
    assert_eq!(topicast::topic("bars", &bars).unwrap(), r#"bars:{"resolution":"1","symbol":"AAPL"}"#);

    let declared = <Bars as topicast::Channel>::FRAGMENT;
    assert_eq!((declared.route, declared.type_name, declared.subject.unwrap().name), ("bars", "Bars", "symbol"));
    assert_eq!(
        declared.docs.description,
        "Real-time OHLC bars of one symbol at one resolution.\n\nUpdates come as *trades* happen."
    );
    assert_eq!(declared.fields, ["symbol", "resolution"]);
    assert!(!declared.served && declared.docs.tags.is_empty() && declared.docs.summary.is_none());

    let server = topicast::Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build().unwrap();
    let aapl = server.publisher::<Bars>().unwrap().topic(&bars).unwrap();
    aapl.publish(&Bar { close: 1.5 }).unwrap();
}
