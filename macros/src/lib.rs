//! The attributes of topicast. Use them through the `topicast` crate, where they are documented.

mod entry;
mod fallback;
mod expand;
mod list;
mod operation;
mod payload;
mod channel;
mod kind;
mod row;
mod docs;
mod args;
mod item;
mod message_type;
mod fields;
mod errors;
mod place;
mod tokens;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod pretty;
#[cfg(test)]
mod tests;

/// Implemented in the crate `topicast-macros`.
#[proc_macro_attribute]
pub fn ws_router(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    entry::channel(arguments.into(), item.into()).into()
}

/// Implemented in the crate `topicast-macros`.
#[proc_macro_attribute]
pub fn ws_operation(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    entry::operation(arguments.into(), item.into()).into()
}

/// Implemented in the crate `topicast-macros`.
#[proc_macro_attribute]
pub fn ws_push(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    entry::push(arguments.into(), item.into()).into()
}

/// Implemented in the crate `topicast-macros`.
#[proc_macro_attribute]
pub fn data(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    entry::data(arguments.into(), item.into()).into()
}

/// Implemented in the crate `topicast-macros`.
#[proc_macro]
pub fn channels(words: proc_macro::TokenStream) -> proc_macro::TokenStream {
    entry::list(words.into(), "channels![App; Bars, Orders]", &expand::list::CHANNELS).into()
}

/// Implemented in the crate `topicast-macros`.
#[proc_macro]
pub fn operations(words: proc_macro::TokenStream) -> proc_macro::TokenStream {
    entry::list(words.into(), "operations![App; place_order, Notice]", &expand::list::OPERATIONS).into()
}
