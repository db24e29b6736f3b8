//! A push without a name.

#[topicast::ws_push]
struct Notice {
    text: String,
}

fn main() {
    let _ = topicast::operations![Notice];
}
