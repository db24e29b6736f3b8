//! A unit struct is `null` to a serde derive of the user's own.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
#[derive(topicast::serde::Serialize, topicast::serde::Deserialize)]
#[serde(crate = "topicast::serde")]
struct Bars;

fn main() {
    let _ = topicast::channels![Bars];
}
