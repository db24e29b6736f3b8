//! A type within an update without `#[data]`.

struct Level {
    price: f64,
}

#[topicast::data]
struct Book {
    levels: Vec<Level>,
}

#[topicast::ws_router(route = "books", update = Book)]
struct Books {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Books];
}
