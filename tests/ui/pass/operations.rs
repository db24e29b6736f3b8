//! Functions of every permitted form, wherever they stand.

#![deny(warnings)]

use topicast::{Cx, Refusal, operations, ws_operation};

pub struct App {
    pub fee: u32,
}

pub mod orders {
    use super::{App, Cx, Refusal, ws_operation};

    #[topicast::data]
    pub struct Order {
        pub lots: u32,
    }

    /// A result of the module's own.
    pub type Result<T, E = Refusal> = std::result::Result<T, E>;

    #[ws_operation("orders.place", reply = "orders.place.response")]
    pub async fn place(cx: &Cx<'_, App>, Order { lots }: Order) -> Result<u32> {
        Ok(lots * cx.state().fee)
    }

    #[ws_operation("orders.cancel")]
    pub(crate) async fn cancel(_cx: &::topicast::Cx<'_, super::App>, mut order: Order) -> Result<(), Refusal> {
        order.lots = 0;
        drop(order);
        Ok(())
    }
}

use orders::place;

#[ws_operation("status", reply = "status.response")]
async fn status(_: &Cx<'_, App>) -> Result<Option<(u8, String)>, Refusal> {
    Err(Refusal::unavailable("not yet"))
}

#[ws_operation("touch")]
async fn touch(_: &Cx<'_>) -> std::result::Result<(), topicast::Refusal> {
    Ok(())
}

fn main() {
    let server = topicast::Server::builder("Operations", "1")
        .state(App { fee: 2 })
        .operations(operations![App; place, orders::cancel, status])
        .build();
    assert!(server.is_ok(), "{:?}", server.err());
    assert!(topicast::Server::builder("Plain", "1").operations(operations![touch]).build().is_ok());
    // The functions are what they were.
    let _ = (place, orders::cancel, status, touch);
}
