//! Snapshots of whole expansions, and a limit on their length.

use proc_macro2::TokenStream;
use syn::{DeriveInput, ItemFn};

use crate::{channel, entry, expand, list, operation, payload, pretty};

/// The maximum length of a pretty-printed expansion without the item and its derives.
const MAX_LINES: usize = 90;

fn pretty(tokens: &TokenStream) -> String {
    let text = pretty::items(tokens);
    assert!(text.lines().count() <= MAX_LINES, "{} lines, and {MAX_LINES} are allowed:\n{text}", text.lines().count());
    text
}

/// Formats the expression of a list inside a function.
fn pretty_list(tokens: &TokenStream) -> String {
    pretty(&format!("fn list() {{ let list = {tokens}; }}").parse().unwrap())
}

fn input(item: &str) -> DeriveInput {
    syn::parse_str(item).unwrap()
}

fn router(arguments: &str, item: &str) -> (String, String) {
    let (declared, channel) = channel::check(arguments.parse().unwrap(), &input(item)).ok().unwrap();
    (pretty(&expand::channel::channel(&channel)), pretty(&expand::item::item(&declared, &channel.runtime)))
}

const BARS: &str = r#"
    /// Real-time OHLC bars.
    #[serde(rename_all = "camelCase", default)]
    pub struct Bars {
        /// Ticker, for example "AAPL".
        #[schemars(length(min = 1))]
        pub symbol_name: String,
        pub resolution: Resolution,
        #[cfg(feature = "late")]
        pub r#type: Option<Kind>,
    }
"#;

#[test]
fn a_channel() {
    let (channel, item) = router(r#"route = "bars", update = Bar"#, BARS);
    insta::assert_snapshot!("channel", channel);
    insta::assert_snapshot!("channel_item", item);
}

#[test]
fn a_channel_with_every_option() {
    let arguments = r#"route = "bars", update = Bar<u8>, tags = ["a", "b"], subject = "resolution", summary = "Bars",
        served, crate = crate::rt, derive = false"#;
    insta::assert_snapshot!(router(arguments, BARS).0);
}

#[test]
fn a_table() {
    let (channel, _) = router(
        r#"route = "orderbook", update = Level, table(key = (side, price), checksum), served"#,
        "struct OrderBook { symbol: String }",
    );
    insta::assert_snapshot!("table", channel);
}

#[test]
fn the_kinds_of_a_fragment() {
    let check = |kind: &str| {
        const SHOWN: [&str; 4] = ["type Kind", "type Key", "kind:", "history"];
        let (channel, _) = router(&format!("route = \"a\", update = Row, {kind}"), "struct A {}");
        let lines = channel.lines().filter(|line| SHOWN.iter().any(|word| line.contains(word)));
        lines.map(str::trim).collect::<Vec<_>>().join("\n")
    };
    let kinds = [
        "history(count = 1_000, age = \"5m\")",
        "history(count = 10)",
        "history(age = \"2h\")",
        "latest",
        "table(key = id)",
    ];
    insta::assert_snapshot!("kinds", kinds.map(check).join("\n\n"));
}

#[test]
fn a_channel_with_many_fields_stays_short() {
    let fields = |count: usize| -> String {
        (0..count).map(|at| format!("field_with_a_name_{at}: Option<Vec<String>>,")).collect()
    };
    router(r#"route = "wide", update = Wide"#, &format!("struct Wide {{ {} }}", fields(24)));
    let table = r#"route = "wide", update = Page<Wide>, table(key = (first, second, third, fourth), checksum), served"#;
    router(table, &format!("struct Wide {{ {} }}", fields(8)));
}

#[test]
fn a_unit_struct() {
    let (channel, item) = router(r#"route = "beat", update = Beat"#, "struct Beats;");
    insta::assert_snapshot!("unit", channel);
    insta::assert_snapshot!("unit_item", item);
}

#[test]
fn an_operation() {
    let function: ItemFn = syn::parse_str(
        "/// Places an order.\npub async fn place_order(cx: &Cx<'_, App>, order: Order) -> Result<Placed, Refusal> { place(order) }",
    )
    .unwrap();
    let arguments = r#""orders.place", reply = "orders.place.response", tags = ["orders"]"#.parse().unwrap();
    let operation = operation::check(arguments, &function).ok().unwrap();
    insta::assert_snapshot!(pretty(&expand::operation::operation(&operation)));
}

#[test]
fn an_operation_without_payload_and_reply() {
    let function: ItemFn =
        syn::parse_str("async fn touch(_: &topicast::Cx<'_>) -> Result<(), Refusal> { Ok(()) }").unwrap();
    let operation = operation::check(r#""touch""#.parse().unwrap(), &function).ok().unwrap();
    insta::assert_snapshot!(pretty(&expand::operation::operation(&operation)));
}

#[test]
fn a_push() {
    let item = input("/// Maintenance is due.\nstruct Notice { text: String }");
    let (_, push) = payload::check_push(r#""notice", summary = "A notice""#.parse().unwrap(), &item).ok().unwrap();
    insta::assert_snapshot!(pretty(&expand::payload::push(&push)));
}

#[test]
fn data() {
    let item = input("enum Side { Buy, Sell }");
    let (_, data) = payload::check_data(TokenStream::new(), &item).ok().unwrap();
    insta::assert_snapshot!(pretty(&expand::payload::data(&data)));
}

#[test]
fn a_row() {
    let item = input(
        r#"
        #[serde(rename_all = "camelCase")]
        pub struct Level<T: Clone> {
            side: Side,
            pub(crate) order_count: T,
            pub r#type: String,
            #[cfg(feature = "late")]
            #[serde(rename = "px")]
            pub price: Price,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub note: Option<String>,
        }
        "#,
    );
    let (_, data) = payload::check_data(TokenStream::new(), &item).ok().unwrap();
    insta::assert_snapshot!(pretty(&expand::payload::data(&data)));
}

#[test]
fn lists() {
    let check = |words: &str, kind: &expand::list::ListKind| {
        pretty_list(&expand::list::list(&list::check(words.parse().unwrap(), "").ok().unwrap(), kind))
    };
    insta::assert_snapshot!("channels", check("App; Bars, orders::Orders,", &expand::list::CHANNELS));
    insta::assert_snapshot!("operations", check("crate = crate::rt; place_order, Notice", &expand::list::OPERATIONS));
    check("", &expand::list::CHANNELS);
    check("App;", &expand::list::CHANNELS);
    check("crate::App<u8>; crate::Bars", &expand::list::CHANNELS);
}

/// A macro returns tokens and does not panic on any input.
#[test]
fn no_input_panics() {
    let arguments = [
        "",
        ",",
        ",,",
        "route",
        "route =",
        "route = ,",
        "= = =",
        "1 2 3",
        "\"a\" \"b\"",
        "'a'",
        "route(\"x\")",
        "crate = 1",
        "tags = [1]",
        "tags = [",
        "update = <",
        "update = fn(",
        "derive",
        "derive = 3",
        "served = true",
        "r#route = \"x\"",
        "route = \"x\" update = Y",
        "unknown = a<b, c>, route = \"x\"",
        "route = b\"x\"",
        "subject = \"é\"",
        "#[a] route",
        "route = \"bars\", update = B, subject = \"\"",
        "route = \"bars\", update = B, table(key = (é, _, r#type, Self, 1))",
        "route = \"bars\", update = B, table(key = (a, b, c, d, e)), latest, history",
        "route = \"bars\", update = B, table(key = (_, crate), checksum)",
        "table(key)",
        "table(key = ), history()",
        "table(, key = (,))",
        "history(count = 0x_, age = \"é\")",
        "history(count = 1u8, count = -9999999999999999999999, age = \"9h\u{301}\")",
    ];
    let items = [
        "",
        "struct A;",
        "struct A(u8);",
        "struct A {}",
        "struct A<'a, T: B, const N: usize> where T: C { a: &'a [T; N] }",
        "enum A {}",
        "enum A { B = 1, C(u8) }",
        "union A { a: u8 }",
        "fn a() {}",
        "async fn a(self) {}",
        "async fn a(x: &Cx, ...) -> Result {}",
        "async unsafe fn a<T>(x: &mut Cx<T>) -> Result<T> {}",
        "mod a {}",
        "use a;",
        "impl A {}",
        "type A = B;",
        "trait A {}",
        "const A: u8 = 1;",
        "a!{}",
        "not rust at all",
        "#[serde(rename_all)] struct A { #[serde()] _é: u8, r#type: u8 }",
        "#[serde = 1] #[derive] #[derive(1)] struct A { #[serde(rename)] a: u8, #[serde(rename(serialize))] b: u8 }",
        "#[serde(rename_all = \"camelCase\")] struct A { é: u8, ___: u8 }",
        "#[doc] #[doc = 1] #[doc = concat!(1)] struct A {}",
        "#[cfg_attr] #[cfg_attr(a, serde(b))] struct A { #[cfg_attr(x, serde(skip))] a: u8 }",
    ];
    for arguments in arguments.iter().filter_map(|arguments| arguments.parse::<TokenStream>().ok()) {
        for item in items.iter().map(|item| item.parse::<TokenStream>().unwrap()) {
            for expand in [entry::channel, entry::push, entry::data, entry::operation] {
                expand(arguments.clone(), item.clone());
            }
        }
        entry::list(arguments.clone(), "", &expand::list::CHANNELS);
    }
}
