//! Prints the server's AsyncAPI document in the version it is given: `2` or `3`.

use std::io::{self, Write};

use trading_api::{config::Settings, http::WEBSOCKET_PATH};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let documents = trading_api::websocket(&Settings::default().websocket)?.asyncapi(WEBSOCKET_PATH);
    let text = match std::env::args().nth(1).as_deref() {
        Some("2") => documents.v2_json(),
        Some("3") => documents.v3_json(),
        other => return Err(format!("version is {}: allowed is 2 or 3", other.unwrap_or("missing")).into()),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
