//! An expansion causes no lint, however strict the crate is.

#![deny(
    warnings,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    unused,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unsafe_code,
    unused_crate_dependencies,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

use serde_json as _;
use topicast::{Cx, Refusal, Serve, channels, data, operations, topic_of, ws_operation, ws_push, ws_router};
use topicast_client as _;

/// The state.
#[derive(Debug, Clone, Copy)]
pub struct App;

/// A bar.
#[data]
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    /// The last price.
    pub close: f64,
}

/// Bars.
#[ws_router(route = "bars", update = Bar)]
#[derive(Debug, Clone, Default)]
#[serde(default)]
pub struct Bars {
    /// The ticker.
    pub symbol: String,
    /// How long.
    pub kind: Kind,
}

/// A kind.
#[data]
#[derive(Debug, Clone, Copy, Default)]
pub enum Kind {
    /// One.
    #[default]
    One,
}

/// Served.
#[ws_router(route = "orders", update = Bar, served)]
#[derive(Debug, Clone, Copy)]
pub struct Orders;

impl Serve<App> for Orders {}

/// A page.
#[data]
#[derive(Debug)]
pub struct Page<T> {
    /// Items.
    pub items: Vec<T>,
}

/// A notice.
#[ws_push("notice")]
#[derive(Debug)]
pub struct Notice {
    /// A text.
    pub text: String,
}

/// Places an order.
///
/// # Errors
/// Never.
#[ws_operation("place", reply = "placed")]
async fn place(_: &Cx<'_, App>, order: Bar) -> Result<Page<Bar>, Refusal> {
    Ok(Page { items: vec![order] })
}

/// Like a function of a library.
pub mod public {
    use super::{App, Cx, Refusal};

    /// Touches.
    ///
    /// # Errors
    /// Never.
    #[topicast::ws_operation("touch")]
    pub async fn touch(_: &Cx<'_, App>) -> Result<(), Refusal> {
        Ok(())
    }
}

fn main() {
    let server = topicast::Server::builder("Strict", "1")
        .state(App)
        .channels(channels![App; Bars, Orders])
        .operations(operations![App; place, public::touch, Notice])
        .build();
    assert!(server.is_ok() && topic_of(&Bars::default()).is_ok());
}
