//! Types that hold themselves, alone and in a circle.

#![deny(warnings)]

use topicast::{channels, data, ws_router};

#[data]
pub struct Tree {
    pub left: Option<Box<Self>>,
    pub rest: Vec<Tree>,
}

#[data]
pub enum Even {
    End,
    More(Box<Odd>),
}

#[data]
pub struct Odd {
    pub even: Even,
    #[cfg(any())]
    pub never: Absent,
}

#[data]
pub struct Update {
    pub tree: Tree,
    pub even: Even,
}

#[ws_router(route = "trees", update = Update)]
pub struct Trees {
    pub name: String,
}

fn main() {
    assert!(topicast::Server::builder("Trees", "1").channels(channels![Trees]).build().is_ok());
    let tree = Tree { left: Some(Box::new(Tree { left: None, rest: Vec::new() })), rest: Vec::new() };
    let update = Update { tree, even: Even::More(Box::new(Odd { even: Even::End })) };
    let json = serde_json::to_string(&update).unwrap();
    assert_eq!(json, r#"{"tree":{"left":{"left":null,"rest":[]},"rest":[]},"even":{"More":{"even":"End"}}}"#);
}
