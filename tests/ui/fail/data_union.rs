//! Data is a struct or an enum.

#[topicast::data]
union Number {
    whole: u64,
    real: f64,
}

#[topicast::ws_push("number")]
union Pushed {
    whole: u64,
}

#[topicast::data]
fn number() {}

fn main() {}
