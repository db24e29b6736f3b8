//! Settings that are not allowed stop the start and say what is.

use std::process::{Command, Output};

/// The program without any of its variables.
pub(crate) fn clean() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trading-api"));
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}

const VARIABLES: [&str; 22] = [
    "HOST",
    "PORT",
    "CORS_ORIGINS",
    "RUST_LOG",
    "WS_HEARTBEAT_INTERVAL",
    "WS_MAX_CONNECTION_LIFESPAN",
    "WS_SERVER_PINGS",
    "WS_MAX_MESSAGE_BYTES",
    "WS_MAX_UNSENT_BYTES",
    "WS_MAX_SUBSCRIPTIONS",
    "WS_MAX_CONNECTIONS",
    "BAR_BROADCASTER_ENABLED",
    "BAR_BROADCASTER_INTERVAL",
    "BAR_BROADCASTER_SYMBOLS",
    "BAR_BROADCASTER_RESOLUTIONS",
    "MOCK_SEED",
    "MOCK_START",
    "MOCK_HISTORY",
    "TAPE",
    "TAPE_SPEED",
    "TAPE_START",
    "BAR_HISTORY",
];

fn output(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

/// The first line of what a refused start says.
fn refused(command: &mut Command) -> String {
    let output = output(command);
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{text}");
    text.lines().next().expect("a message").to_owned()
}

#[test]
fn bad_values_name_the_variable_the_value_and_what_is_allowed() {
    let interval = "a number of seconds from 0.001 to 86400, such as 2.0";
    let or_off = "a number of seconds from 0.001 to 31536000 (a year), or 0 for off";
    let switch = "true or false (also 1, 0, yes, no, on, off)";
    let resolutions = "at least one of 1, 5, 15, 30, 60, D, W, M, separated by commas";
    let symbols = "at least one symbol, separated by commas, such as AAPL,GOOGL,MSFT";
    let port = "a number from 0 to 65535, where 0 is any free port";
    let file = "files that can be read, separated by commas";
    for (variable, value, allowed) in [
        ("BAR_BROADCASTER_INTERVAL", "abc", interval),
        ("BAR_BROADCASTER_INTERVAL", "0", interval),
        ("BAR_BROADCASTER_INTERVAL", "-1", interval),
        ("BAR_BROADCASTER_INTERVAL", "nan", interval),
        ("BAR_BROADCASTER_INTERVAL", "inf", interval),
        ("BAR_BROADCASTER_INTERVAL", "", interval),
        ("BAR_BROADCASTER_ENABLED", "maybe", switch),
        ("BAR_BROADCASTER_ENABLED", "", switch),
        ("BAR_BROADCASTER_RESOLUTIONS", "7", resolutions),
        ("BAR_BROADCASTER_RESOLUTIONS", "1,7", resolutions),
        ("BAR_BROADCASTER_RESOLUTIONS", "", resolutions),
        ("BAR_BROADCASTER_SYMBOLS", "", symbols),
        ("BAR_BROADCASTER_SYMBOLS", "AAPL,,MSFT", symbols),
        ("PORT", "99999", port),
        ("PORT", "http", port),
        ("HOST", "999.1.1.1", "an IP address or a host name, such as 127.0.0.1, ::1 or localhost"),
        ("WS_HEARTBEAT_INTERVAL", "-30", or_off),
        ("WS_MAX_CONNECTION_LIFESPAN", "never", or_off),
        ("WS_SERVER_PINGS", "2", switch),
        ("WS_MAX_MESSAGE_BYTES", "1", "a number of bytes from 128 to 1073741824"),
        ("WS_MAX_UNSENT_BYTES", "0", "a number of bytes from 1024 to 1073741824"),
        ("WS_MAX_SUBSCRIPTIONS", "0", "a number from 1 to 1000000000"),
        ("WS_MAX_CONNECTIONS", "-1", "a number from 1 to 1000000000, or 0 for no limit"),
        (
            "CORS_ORIGINS",
            "localhost",
            "origins such as https://example.com:8080 separated by commas, or * for every origin, or nothing for none",
        ),
        ("MOCK_SEED", "one", "a whole number from 0 to 18446744073709551615"),
        (
            "MOCK_START",
            "yesterday",
            "a time from 1970 to 9999, such as 2024-08-09T00:00:00Z (without a zone it is UTC), or milliseconds since 1970",
        ),
        ("MOCK_HISTORY", "604801", "a whole number of seconds from 0 to 604800 (a week)"),
        ("TAPE", "/nonexistent.tape", file),
        ("TAPE", "/", file),
        ("BAR_HISTORY", "0", "a number from 1 to 1000000000"),
        ("RUST_LOG", "a=b=c", "filters such as warn or info,topicast=debug"),
    ] {
        let line = refused(clean().env(variable, value));
        let (name, rest) = line.strip_prefix("error: ").and_then(|line| line.split_once(" (or --")).expect(&line);
        assert_eq!(name, variable);
        let rest = rest.split_once(')').expect(&line).1;
        assert_eq!(rest, format!(" is '{value}'; allowed: {allowed}"));
    }
}

#[test]
fn bad_flags_name_the_flag_too() {
    let line = refused(clean().args(["--bar-broadcaster-interval", "0"]));
    assert!(
        line.starts_with("error: BAR_BROADCASTER_INTERVAL (or --bar-broadcaster-interval) is '0'; allowed: "),
        "{line}"
    );
    let line = refused(clean().env("PORT", "1").args(["--port=70000"]));
    assert!(line.starts_with("error: PORT (or --port) is '70000'; "), "{line}");
    let tape = crate::support::data("synthetic_1.tape");
    let line = refused(clean().arg("--tape").arg(&tape).args(["--speed", "fast"]));
    assert_eq!(line, "error: TAPE_SPEED (or --speed) is 'fast'; allowed: max, or a number from 0.001 to 1000000");
    let line = refused(clean().arg("--tape").arg(&tape).env("TAPE_START", "later"));
    assert_eq!(line, "error: TAPE_START (or --tape-start) is 'later'; allowed: first-subscription or now");
    let line = refused(clean().args(["--speed", "max"]));
    assert!(line.contains("required"), "{line}");
}

#[test]
fn help_lists_every_setting() {
    let output = output(clean().arg("--help"));
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    for variable in VARIABLES {
        assert!(text.contains(&format!("[env: {variable}=")), "{variable} is missing in\n{text}");
    }
    for heading in ["Listening:", "WebSockets:", "Bar broadcaster:", "Trades:"] {
        assert!(text.contains(heading), "{heading} is missing in\n{text}");
    }
}
