//! The settings of the server: every one is a flag and an environment variable.

use std::{path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, FromArgMatches, Parser, ValueEnum, builder::Resettable};
use topicast::Limits;

use crate::{
    replay::Speed,
    resolution::Resolution,
    value::{self, Value},
};

pub use crate::value::{List, OrOff, Origins};

/// Streams the bars of a mock market, or of a recorded tape, over WebSockets.
///
/// Every setting is a flag and an environment variable; the flag wins.
#[derive(Debug, Clone, Parser)]
#[command(name = "trading-api", version, max_term_width = 110, disable_help_subcommand = true)]
pub struct Settings {
    /// The address to listen on, and access from other origins.
    #[command(flatten)]
    pub listen: ListenSettings,
    /// Time limits and size limits of connections.
    #[command(flatten)]
    pub websocket: WebSocketSettings,
    /// What is published, and how often.
    #[command(flatten)]
    pub broadcaster: BroadcasterSettings,
    /// The source of trades.
    #[command(flatten)]
    pub source: SourceSettings,
}

/// The address to listen on, and access from other origins.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Listening")]
pub struct ListenSettings {
    /// Address to listen on; 0.0.0.0 is every address of this machine.
    #[arg(long, env = "HOST", value_name = "HOST", default_value = "127.0.0.1", value_parser = value::HOST)]
    pub host: String,
    /// Port to listen on; 0 is any free port, which the first line of output names.
    #[arg(long, env = "PORT", value_name = "PORT", default_value = "8000", value_parser = value::PORT)]
    pub port: u16,
    /// Origins whose pages may read from this server, separated by commas; * is every origin.
    #[arg(long, env = "CORS_ORIGINS", value_name = "ORIGINS", default_value = "*", value_parser = value::ORIGINS)]
    pub cors_origins: Origins,
    /// Log filter for standard error, such as `warn` or `info,topicast=debug`.
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info,topicast=debug", value_parser = LOG)]
    pub log: String,
}

/// Time limits and size limits of connections.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "WebSockets")]
pub struct WebSocketSettings {
    /// Seconds that a client may be silent; 0 disables the limit.
    #[arg(long, env = "WS_HEARTBEAT_INTERVAL", value_name = "SECONDS", default_value = "30.0", value_parser = value::OR_OFF)]
    pub ws_heartbeat_interval: OrOff,
    /// Seconds that a connection may last; 0 disables the limit.
    #[arg(long, env = "WS_MAX_CONNECTION_LIFESPAN", value_name = "SECONDS", default_value = "3600.0", value_parser = value::OR_OFF)]
    pub ws_max_connection_lifespan: OrOff,
    /// Whether the server pings clients, at half the heartbeat interval.
    #[arg(long, env = "WS_SERVER_PINGS", value_name = "BOOL", default_value = "false",
        num_args = 0..=1, default_missing_value = "true", value_parser = value::SWITCH)]
    pub ws_server_pings: bool,
    /// Size limit of a client's message, in bytes; a larger one closes the connection.
    #[arg(long, env = "WS_MAX_MESSAGE_BYTES", value_name = "BYTES", default_value = "65536", value_parser = value::MESSAGE_BYTES)]
    pub ws_max_message_bytes: usize,
    /// Limit of unsent bytes for one client; more close its connection.
    #[arg(long, env = "WS_MAX_UNSENT_BYTES", value_name = "BYTES", default_value = "1048576", value_parser = value::UNSENT_BYTES)]
    pub ws_max_unsent_bytes: usize,
    /// Limit of subscriptions of one connection.
    #[arg(long, env = "WS_MAX_SUBSCRIPTIONS", value_name = "COUNT", default_value = "1000", value_parser = value::COUNT)]
    pub ws_max_subscriptions: usize,
    /// Limit of connections; 0 disables the limit.
    #[arg(long, env = "WS_MAX_CONNECTIONS", value_name = "COUNT", default_value = "0", value_parser = value::COUNT_OR_ANY)]
    pub ws_max_connections: usize,
}

impl WebSocketSettings {
    /// Returns the limits for the framework.
    pub fn limits(&self) -> Limits {
        Limits {
            message_bytes: self.ws_max_message_bytes,
            frame_bytes: self.ws_max_message_bytes,
            unsent_bytes: self.ws_max_unsent_bytes,
            subscriptions: self.ws_max_subscriptions,
            max_connections: (self.ws_max_connections > 0).then_some(self.ws_max_connections),
            ..Limits::default()
        }
    }
}

/// What is published, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Bar broadcaster")]
pub struct BroadcasterSettings {
    /// Whether bars are published.
    #[arg(long, env = "BAR_BROADCASTER_ENABLED", value_name = "BOOL", default_value = "true",
        num_args = 0..=1, default_missing_value = "true", value_parser = value::SWITCH)]
    pub bar_broadcaster_enabled: bool,
    /// Seconds between two broadcasts of the current bars; final states go out when bars end.
    #[arg(long, env = "BAR_BROADCASTER_INTERVAL", value_name = "SECONDS", default_value = "2.0", value_parser = value::INTERVAL)]
    pub bar_broadcaster_interval: Duration,
    /// Symbols to broadcast, separated by commas [default: AAPL,GOOGL,MSFT; with --tape the tape's].
    #[arg(long, env = "BAR_BROADCASTER_SYMBOLS", value_name = "SYMBOLS", value_parser = value::SYMBOLS)]
    pub bar_broadcaster_symbols: Option<List<String>>,
    /// Resolutions to broadcast, separated by commas: 1, 5, 15, 30, 60 (minutes), D, W, M.
    #[arg(long, env = "BAR_BROADCASTER_RESOLUTIONS", value_name = "RESOLUTIONS", default_value = "1", value_parser = value::RESOLUTIONS)]
    pub bar_broadcaster_resolutions: List<Resolution>,
}

/// The source of trades.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Trades")]
pub struct SourceSettings {
    /// Seed of the mock market: the same seed and start give the same trades.
    #[arg(long, env = "MOCK_SEED", value_name = "NUMBER", default_value = "1", value_parser = value::SEED)]
    pub seed: u64,
    /// Start of the mock market's clock: a time such as 2024-08-09T00:00:00Z, or
    /// milliseconds since 1970 [default: now].
    #[arg(long, env = "MOCK_START", value_name = "TIME", value_parser = value::MOMENT)]
    pub start: Option<i64>,
    /// Seconds of trades that the mock market has when its clock starts.
    #[arg(long, env = "MOCK_HISTORY", value_name = "SECONDS", default_value = "0", value_parser = value::HISTORY)]
    pub mock_history: u32,
    /// Recording of a Binance combined stream to replay instead of the mock market, plain or
    /// gzip; may be repeated, and in the variable separated by commas.
    #[arg(long, env = "TAPE", value_name = "FILE", value_delimiter = ',', value_parser = value::FILE)]
    pub tape: Vec<PathBuf>,
    /// Speed of the tape: 1 is as recorded, `max` is without waiting.
    #[arg(long, env = "TAPE_SPEED", value_name = "SPEED", default_value = "1", requires = "tape", value_parser = SPEED)]
    pub speed: Speed,
    /// When to start the tape.
    #[arg(long, env = "TAPE_START", value_name = "WHEN", default_value = "first-subscription", requires = "tape", value_parser = TAPE_START)]
    pub tape_start: TapeStart,
    /// Number of bars to keep for each symbol and resolution.
    #[arg(long, env = "BAR_HISTORY", value_name = "COUNT", default_value = "10000", value_parser = value::COUNT)]
    pub bar_history: usize,
}

/// When a tape starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TapeStart {
    /// With the first subscription.
    FirstSubscription,
    /// When the server starts.
    Now,
}

impl Default for Settings {
    /// Returns the default settings.
    fn default() -> Self {
        Self::from_flags::<[&str; 0], _>([]).expect("the defaults are allowed values")
    }
}

impl Settings {
    /// Parses the settings from flags only, without the environment.
    ///
    /// # Errors
    /// Returns an error if a flag is unknown or its value is not allowed.
    pub fn from_flags<I: IntoIterator<Item = T>, T: Into<std::ffi::OsString> + Clone>(
        flags: I,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command().no_binary_name(true).mut_args(|arg| arg.env(Resettable::Reset));
        let mut matches = command.try_get_matches_from_mut(flags)?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }
}

const SPEED: Value<Speed> = Value { allowed: "max, or a number from 0.001 to 1000000", read: |text| text.parse().ok() };

const TAPE_START: Value<TapeStart> =
    Value { allowed: "first-subscription or now", read: |text| TapeStart::from_str(text, true).ok() };

const LOG: Value<String> = Value {
    allowed: "filters such as warn or info,topicast=debug",
    read: |text| tracing_subscriber::EnvFilter::builder().parse(text).is_ok().then(|| text.to_owned()),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_well_formed() {
        Settings::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_documents() {
        let settings = Settings::default();
        assert_eq!((settings.listen.host.as_str(), settings.listen.port), ("127.0.0.1", 8000));
        assert_eq!(settings.websocket.ws_heartbeat_interval, OrOff(Some(Duration::from_secs(30))));
        assert_eq!(settings.websocket.ws_max_connection_lifespan, OrOff(Some(Duration::from_secs(3600))));
        assert_eq!(settings.websocket.limits(), Limits::default());
        assert!(!settings.websocket.ws_server_pings);
        assert!(settings.broadcaster.bar_broadcaster_enabled);
        assert_eq!(settings.broadcaster.bar_broadcaster_interval, Duration::from_secs(2));
        assert_eq!(settings.broadcaster.bar_broadcaster_symbols, None);
        assert_eq!(settings.broadcaster.bar_broadcaster_resolutions, List(vec![Resolution::M1]));
        assert_eq!(settings.source.tape_start, TapeStart::FirstSubscription);
    }

    #[test]
    fn every_flag_is_a_variable_too() {
        for arg in
            Settings::command().get_arguments().filter(|arg| !["help", "version"].contains(&arg.get_id().as_str()))
        {
            let flag = arg.get_long().expect("a long flag");
            let variable = arg.get_env().expect("a variable").to_string_lossy().to_lowercase().replace('_', "-");
            let named_otherwise =
                [("log", "rust-log"), ("seed", "mock-seed"), ("start", "mock-start"), ("speed", "tape-speed")];
            assert!(variable == flag || named_otherwise.contains(&(flag, variable.as_str())), "{flag}: {variable}");
        }
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_allowed() {
        let check = |flag: &str, value: &str, allowed: &str| {
            let error = Settings::from_flags([flag, value]).expect_err(value);
            assert_eq!(error.exit_code(), 2);
            let (message, expected) = (error.to_string(), format!("error: {flag} is '{value}'; allowed: {allowed}"));
            assert!(message.starts_with(&expected), "{message}");
        };
        check("--port", "99999", "a number from 0 to 65535, where 0 is any free port");
        check("--tape-start", "later", "first-subscription or now");
        check("--speed", "0", "max, or a number from 0.001 to 1000000");
        check("--log", "a=b=c", "filters such as warn or info,topicast=debug");
    }

    #[test]
    fn switches_need_no_value() {
        let on = Settings::from_flags(["--ws-server-pings"]).expect("a flag alone");
        assert!(on.websocket.ws_server_pings);
        let off = Settings::from_flags(["--bar-broadcaster-enabled", "false"]).expect("a flag with a value");
        assert!(!off.broadcaster.bar_broadcaster_enabled);
    }

    #[test]
    fn what_only_a_tape_has_needs_one() {
        Settings::from_flags(["--speed", "max"]).expect_err("no tape");
        Settings::from_flags(["--tape-start", "now"]).expect_err("no tape");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let settings = Settings::from_flags(["--tape", file, "--tape", file, "--speed", "max"]).expect("two files");
        assert_eq!(settings.source.tape.len(), 2);
        assert_eq!(settings.source.speed, Speed::Max);
    }
}
