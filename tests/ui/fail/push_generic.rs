//! A push has no parameters.

#[topicast::ws_push("notice")]
struct Notice<T> {
    text: T,
}

fn main() {}
