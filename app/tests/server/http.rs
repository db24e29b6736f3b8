//! What is there over plain HTTP beside bars: the page, what the market has, and errors.

use serde_json::{Value, json};
use tokio::time::timeout;
use trading_api::page::{BUNDLE, POLICY};

use crate::support::{PATIENCE, Running, data, start};

async fn market(server: &Running) -> Value {
    let (body, head) = server.get("/api/v1/market", "origin: https://a.example\r\n").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: application/json"), "{head}\n{body}");
    assert!(head.contains("cache-control: no-store") && head.contains("access-control-allow-origin: *"), "{head}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"))
}

#[tokio::test]
async fn the_market_has_the_symbols_and_resolutions_of_the_settings() {
    let server = start(&[]).await;
    assert_eq!(market(&server).await, json!({ "symbols": ["AAPL", "GOOGL", "MSFT"], "resolutions": ["1"] }));
    let server =
        start(&["--bar-broadcaster-symbols", "TSLA,AAPL", "--bar-broadcaster-resolutions", "D,5,1,60,W,M,15,30"]).await;
    let resolutions = ["D", "5", "1", "60", "W", "M", "15", "30"];
    assert_eq!(market(&server).await, json!({ "symbols": ["TSLA", "AAPL"], "resolutions": resolutions }));
}

#[tokio::test]
async fn without_the_broadcaster_no_resolution_is_live() {
    let server = start(&["--bar-broadcaster-enabled", "false", "--bar-broadcaster-resolutions", "1,5"]).await;
    assert_eq!(market(&server).await, json!({ "symbols": ["AAPL", "GOOGL", "MSFT"], "resolutions": [] }));
}

#[tokio::test]
async fn with_a_tape_its_symbols_are_there_before_it_is_played() {
    let tape = data("synthetic_1.tape").display().to_string();
    let server = start(&["--tape", &tape]).await;
    assert_eq!(market(&server).await["symbols"], json!(["XUSD", "YUSD"]));
    let server = start(&["--tape", &tape, "--bar-broadcaster-symbols", "YUSD,NONE"]).await;
    assert_eq!(market(&server).await["symbols"], json!(["YUSD", "NONE"]));
}

#[tokio::test]
async fn a_symbol_that_a_tape_brings_late_is_added() {
    let trade = |symbol: &str, id: u32| {
        let data = json!({ "e": "trade", "s": symbol, "t": id, "p": "1", "q": "1", "T": id });
        format!("0 {}\n", json!({ "stream": "x@trade", "data": data }))
    };
    let text: String = (1..=50_000).map(|id| trade("MANY", id)).chain([trade("LATE", 50_001)]).collect();
    let tape = crate::support::file("late_symbol.tape", text.as_bytes()).display().to_string();
    let server = start(&["--tape", &tape, "--speed", "max"]).await;
    assert_eq!(market(&server).await["symbols"], json!(["MANY"]));
    server.connect().await.subscribe("MANY", "1").await;
    let added = async {
        while market(&server).await["symbols"] != json!(["MANY", "LATE"]) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, added).await.expect("the tape is played");
}

#[tokio::test]
async fn the_page_is_at_the_root_or_it_is_said_how_to_build_it() {
    let server = start(&[]).await;
    let (body, head) = server.get("/", "").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/html"), "{head}");
    assert!(head.contains(&format!("content-security-policy: {POLICY}")), "{head}");
    assert_eq!(body.contains("cargo xtask serve"), BUNDLE.is_empty(), "{body}");
    for file in BUNDLE.iter().filter(|file| file.path.starts_with("/assets/") && file.path.ends_with(".js")) {
        let (body, head) = server.get(file.path, "").await;
        assert!(head.contains("content-type: text/javascript") && head.contains("immutable"), "{head}");
        assert_eq!(body.as_bytes(), file.bytes);
    }
}

#[tokio::test]
async fn other_paths_are_answered_with_what_is_wrong() {
    let server = start(&[]).await;
    for path in ["/assets/index-00000000.js", "/index.html", "/api/v2/bars", "/api/v1/bars/"] {
        let (body, head) = server.get(path, "origin: https://a.example\r\n").await;
        assert!(head.starts_with("http/1.1 404") && head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("cache-control: no-store") && head.contains("access-control-allow-origin: *"), "{head}");
        let message = format!("nothing is at `{path}`; `/` says what there is");
        assert_eq!(body, json!({ "code": "not_found", "message": message }).to_string());
    }
}
