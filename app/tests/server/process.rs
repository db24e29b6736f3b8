//! The program as it is started: what it prints, logs, and how it ends.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};

use crate::{
    settings::clean,
    support::{Client, PATIENCE, data, get},
};

struct Program {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    fn start(flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::from(clean());
        command.args(flags).envs(variables.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let log = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        Self { child, out, log }
    }

    async fn out(&mut self) -> String {
        timeout(PATIENCE, self.out.next_line()).await.expect("in time").expect("text").expect("a line")
    }

    /// The next line of the log that has this text.
    async fn log(&mut self, text: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.log.next_line()).await.unwrap_or_else(|_| panic!("no line has {text}"));
            let line = line.expect("text").unwrap_or_else(|| panic!("the log ended without {text}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

#[tokio::test]
async fn prints_its_addresses_logs_its_start_and_stops_on_sigterm() {
    let mut program = Program::start(&["--port", "0"], &[]);
    let first = program.out().await;
    let address = first.strip_prefix("trading-api listens on ").expect("the first line has the address").to_owned();
    let port = address.strip_prefix("127.0.0.1:").expect("the default host");
    assert_ne!(port, "0");
    let page = program.out().await;
    let missing = page.strip_prefix(&format!("page:      http://{address}/")).expect("the address of the page");
    assert_eq!(missing.contains("without charts"), trading_api::page::BUNDLE.is_empty(), "{page}");
    assert_eq!(program.out().await, format!("console:   http://{address}/api/v1/ws/asyncapi"));
    assert_eq!(program.out().await, format!("websocket: ws://{address}/api/v1/ws"));
    assert!(program.out().await.starts_with(&format!("asyncapi:  http://{address}/api/v1/ws/asyncapi.json")));
    assert_eq!(program.out().await, format!("health:    http://{address}/api/v1/health"));
    let line = program.log("Bar broadcaster").await;
    let expected = "📡 Bar broadcaster started: symbols=['AAPL', 'GOOGL', 'MSFT'], interval=2.0s";
    assert!(line.ends_with(expected), "{line}");

    let address = address.parse().expect("an address");
    let mut client = Client::connect(address).await;
    client.subscribe("AAPL", "1").await;
    let line = program.log(" connected").await;
    assert!(line.contains("session=") && line.contains("peer="), "{line}");
    let id = program.child.id().expect("it runs").to_string();
    let kill = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
    assert!(kill.success());
    assert_eq!(u16::from(client.closed().await.code), 1001);
    drop(client);
    program.log("stopped").await;
    let status = timeout(PATIENCE, program.child.wait()).await.expect("in time").expect("it ran");
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn variables_are_settings() {
    let variables = [
        ("PORT", "0"),
        ("BAR_BROADCASTER_INTERVAL", "0.5"),
        ("BAR_BROADCASTER_SYMBOLS", "AAPL, TSLA"),
        ("BAR_BROADCASTER_RESOLUTIONS", "1,5,D"),
    ];
    let mut program = Program::start(&["--bar-broadcaster-interval", "0.25"], &variables);
    let line = program.log("Bar broadcaster").await;
    assert!(line.ends_with("📡 Bar broadcaster started: symbols=['AAPL', 'TSLA'], interval=0.25s"), "{line}");
    let first = program.out().await;
    let address = first.strip_prefix("trading-api listens on ").expect("an address").parse().expect("an address");
    let (body, _) = get(address, "/api/v1/health", "").await;
    let health: serde_json::Value = serde_json::from_str(&body).expect("health is JSON");
    assert_eq!(health["bar_broadcaster"]["interval"], 0.25);
    assert_eq!(health["bar_broadcaster"]["resolutions"], serde_json::json!(["1", "5", "D"]));
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let mut program = Program::start(&["--port", &port], &[]);
    let line = program.log("cannot listen").await;
    assert!(
        line.contains(&format!("cannot listen on 127.0.0.1, port {port}: another program listens there")),
        "{line}"
    );
    let status = timeout(Duration::from_secs(10), program.child.wait()).await.expect("in time").expect("it ran");
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn tapes_of_the_variable_are_separated_by_commas() {
    let tapes = ["synthetic_1.tape", "synthetic_2.tape.gz"].map(|name| data(name).display().to_string()).join(",");
    let variables = [("PORT", "0"), ("TAPE", tapes.as_str()), ("TAPE_SPEED", "max"), ("TAPE_START", "now")];
    let mut program = Program::start(&[], &variables);
    program.log("interval=2.0s").await;
    let ended = program.log("tape ended").await;
    assert!(ended.contains("trades="), "{ended}");
}

#[tokio::test]
async fn a_broken_tape_is_an_error_in_the_log_and_the_server_stays() {
    let text = std::fs::read_to_string(data("synthetic_1.tape")).expect("the tape");
    let broken: String = text.lines().take(100).chain(["broken"]).map(|line| format!("{line}\n")).collect();
    let tape = crate::support::file("broken.tape", broken.as_bytes()).display().to_string();
    let mut program = Program::start(&["--port", "0", "--tape", &tape, "--speed", "max", "--tape-start", "now"], &[]);
    let first = program.out().await;
    let line = program.log("ERROR").await;
    assert!(line.contains(&format!("tape {tape}, line 101: does not begin with a receive time")), "{line}");
    let address = first.strip_prefix("trading-api listens on ").expect("an address").parse().expect("an address");
    let mut client = Client::connect(address).await;
    client.subscribe("XUSD", "1").await;
    client.bar().await;
}
