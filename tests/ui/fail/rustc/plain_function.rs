//! A function without `#[ws_operation]` in a list.

use topicast::{Cx, Refusal};

mod orders {
    pub async fn cancel() {}
}

async fn place(_: &Cx<'_>) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![place, orders::cancel];
}
