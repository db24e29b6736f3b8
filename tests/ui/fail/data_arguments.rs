//! Arguments that data does not take.

#[topicast::data(route = "bars", derive = 1)]
struct Number {
    whole: u64,
}

fn main() {
    let _ = topicast::topic("n", &Number { whole: 1 });
}
