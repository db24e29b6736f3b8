//! Only channels can be listed as such.

struct App;

#[topicast::data]
struct Bar {
    close: f64,
}

fn main() {
    let _ = topicast::channels![App; Bar];
    let _ = Bar { close: 1.0 };
}
