//! The trading API from outside: over real sockets, and as the program that people start.

mod client;
mod history;
mod http;
mod live;
mod process;
mod recordings;
mod settings;
mod support;
mod tape;
