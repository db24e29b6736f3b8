//! Arguments that a push does not take.

#[topicast::ws_push("notice", reply = "seen", name = "notice")]
struct Notice {
    text: String,
}

fn main() {
    let _ = topicast::operations![Notice];
}
