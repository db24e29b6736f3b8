//! Prints an expansion as source text, for the snapshots and for `cargo xtask expand`.

use proc_macro2::TokenStream;
use syn::{Expr, Item, Stmt};

/// Returns the formatted items. Replaces the `server!` call with its items, because formatters leave
/// the tokens of a macro call on one line.
pub(crate) fn items(tokens: &TokenStream) -> String {
    let mut file: syn::File = syn::parse2(tokens.clone()).unwrap_or_else(|error| panic!("{error}: {tokens}"));
    file.items = file.items.into_iter().flat_map(unfold).collect();
    prettyplease::unparse(&file)
}

fn unfold(item: Item) -> Vec<Item> {
    match item {
        Item::Macro(call) if is_server(&call.mac) => parse(call.mac.tokens),
        Item::Const(mut scope) => {
            if let Expr::Block(block) = &mut *scope.expr {
                block.block.stmts = std::mem::take(&mut block.block.stmts).into_iter().flat_map(unfold_stmt).collect();
            }
            vec![Item::Const(scope)]
        }
        item => vec![item],
    }
}

fn unfold_stmt(stmt: Stmt) -> Vec<Stmt> {
    match stmt {
        Stmt::Macro(call) if is_server(&call.mac) => parse(call.mac.tokens).into_iter().map(Stmt::Item).collect(),
        Stmt::Item(item) => unfold(item).into_iter().map(Stmt::Item).collect(),
        stmt => vec![stmt],
    }
}

fn is_server(mac: &syn::Macro) -> bool {
    mac.path.segments.last().is_some_and(|name| name.ident == "server")
}

fn parse(tokens: TokenStream) -> Vec<Item> {
    syn::parse2::<syn::File>(tokens).unwrap_or_else(|error| panic!("{error}")).items
}
