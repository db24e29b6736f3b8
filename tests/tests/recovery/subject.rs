//! The channels under test, one of each kind.

use topicast::{Publisher, Server, Topic};
use topicast_tests::{
    kinds::{Book, Event, Plain, Positions, Prices, Quotes, Row, Side, Trades, Truth},
    random::Random,
};

use crate::log::{Levels, State};

/// A channel under test, without its type.
pub(crate) trait Subject {
    const ROUTE: &'static str;
    type Handle: Clone;
    fn publisher(ws: &Server) -> Self;
    fn topic(&self, name: &str) -> Self::Handle;
    /// Publishes one update, and returns the state that follows from it.
    fn publish(
        topic: &Self::Handle,
        name: &str,
        truth: &Truth,
        state: &State,
        number: u64,
        random: &mut Random,
    ) -> Option<State>;
}

macro_rules! subject {
    ($channel:ident, $route:literal, |$topic:ident, $name:ident, $truth:ident, $state:ident, $number:ident, $random:ident| $publish:expr) => {
        impl Subject for Publisher<$channel> {
            const ROUTE: &'static str = $route;
            type Handle = Topic<$channel>;

            fn publisher(ws: &Server) -> Self {
                ws.publisher().unwrap()
            }

            fn topic(&self, name: &str) -> Topic<$channel> {
                Publisher::topic(self, &$channel { name: name.into() }).unwrap()
            }

            fn publish(
                $topic: &Topic<$channel>,
                $name: &str,
                $truth: &Truth,
                $state: &State,
                $number: u64,
                $random: &mut Random,
            ) -> Option<State> {
                $publish
            }
        }
    };
}

subject!(Plain, "plain", |topic, _name, _truth, _state, number, _random| {
    topic.publish(&Event { number }).unwrap();
    Some(State::Value(number))
});
subject!(Trades, "trades", |topic, _name, _truth, _state, number, _random| {
    topic.publish(&Event { number }).unwrap();
    Some(State::Value(number))
});
subject!(Quotes, "quotes", |topic, _name, _truth, _state, number, _random| {
    topic.publish(&Event { number }).unwrap();
    Some(State::Value(number))
});
subject!(Prices, "prices", |topic, name, truth, _state, number, _random| {
    truth.values.lock().unwrap().insert(name.into(), Event { number });
    topic.publish(&Event { number }).unwrap();
    Some(State::Value(number))
});
subject!(Book, "book", |topic, _name, _truth, state, number, random| {
    let (after, set, remove) = change(state, number, random);
    if random.below(4) == 0 {
        topic.replace(&set_of(&after)).unwrap();
    } else {
        topic
            .update(|rows| {
                remove.iter().try_for_each(|key| rows.remove(key))?;
                set.iter().try_for_each(|row| rows.set(row))
            })
            .unwrap();
    }
    (State::Rows(after.clone()) != *state).then_some(State::Rows(after))
});
subject!(Positions, "positions", |topic, name, truth, state, number, random| {
    let (after, set, remove) = change(state, number, random);
    truth.rows.lock().unwrap().insert(name.into(), set_of(&after));
    topic
        .update(|rows| {
            remove.iter().try_for_each(|key| rows.remove(key))?;
            set.iter().try_for_each(|row| rows.set(row))
        })
        .unwrap();
    (State::Rows(after.clone()) != *state).then_some(State::Rows(after))
});

/// Chooses rows to set and keys to remove. The first row to set is always a change.
fn change(state: &State, number: u64, random: &mut Random) -> (Levels, Vec<Row>, Vec<(Side, u32)>) {
    let State::Rows(before) = state else { unreachable!("tables have rows") };
    let side = |random: &mut Random| if random.below(2) == 0 { Side::Ask } else { Side::Bid };
    let mut after = before.clone();
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for _ in 0..random.below(3) {
        if let Some(key) = after.keys().nth(random.index(after.len().max(1))).copied() {
            after.remove(&key);
            remove.push(key);
        }
    }
    for _ in 0..=random.below(3) {
        let row = Row { side: side(random), level: u32::try_from(random.below(40)).unwrap(), size: number };
        after.insert((row.side, row.level), row.size);
        set.push(row);
    }
    (after, set, remove)
}

fn set_of(rows: &Levels) -> Vec<Row> {
    rows.iter().map(|(&(side, level), &size)| Row { side, level, size }).collect()
}
