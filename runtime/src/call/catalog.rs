//! The operations of a server, by the `type` of their messages.

use std::{any::TypeId, collections::HashMap, sync::Arc};

use crate::{
    Refusal,
    call::{
        erased::{ChannelRow, OperationRow, RequestRow},
        pushes::Pushes,
    },
    declare::{Exchange, Fragment, exchange, refusal},
    error::Error,
    profile::Profile,
};

/// The built-in heartbeat.
pub(crate) const PING: Exchange = exchange("ping", "ping.response");

/// The rows of a server, indexed by the `type` of the messages that clients send.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) channels: Vec<ChannelRow>,
    pub(crate) requests: Vec<RequestRow>,
    pub(crate) pushes: Arc<Pushes>,
    targets: HashMap<&'static str, Target>,
    /// The refusal codes in the documents.
    codes: Vec<String>,
}

/// The row that handles a client's message, as an index into the catalog's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Subscribe(usize),
    Unsubscribe(usize),
    Request(usize),
    Ping,
}

impl Catalog {
    /// Builds the catalog from the lists of channels and operations.
    ///
    /// # Errors
    /// When two rows use the same `type`; the error names both. When a channel is incompatible
    /// with the profile.
    pub(crate) fn new(
        channels: Vec<ChannelRow>,
        operations: Vec<OperationRow>,
        codes: &[String],
        profile: Profile,
    ) -> Result<Self, Error> {
        let mut names = Names::default();
        for name in [PING.request, PING.reply] {
            names.claim(name, "the built-in `ping`")?;
        }
        names.claim("error", "the built-in `error`")?;
        let codes = refusal::CODES.iter().map(|code| (*code).to_owned()).chain(codes.iter().cloned()).collect();
        let mut catalog = Self { codes, ..Self::default() };
        let mut pushes = Pushes::default();
        catalog.targets.insert(PING.request, Target::Ping);
        for row in channels {
            catalog.add_channel(row, profile, &mut names)?;
        }
        for row in operations {
            match row {
                OperationRow::Request(row) => catalog.add_request(row, &mut names)?,
                OperationRow::Push(row) => {
                    names.claim(row.fragment.name, &format!("push `{}`", row.fragment.type_name))?;
                    pushes.0.push(row);
                }
            }
        }
        catalog.pushes = Arc::new(pushes);
        Ok(catalog)
    }

    fn add_channel(&mut self, row: ChannelRow, profile: Profile, names: &mut Names) -> Result<(), Error> {
        let fragment = row.fragment;
        let owner = format!("channel `{}` ({})", fragment.route, fragment.type_name);
        if profile.nested_params && fragment.fields.contains(&"params") {
            return Err(Error::configuration(format!(
                "{owner} has a field `params`, which `compat::fastws()` needs for nested requests; \
                 rename the field or use the default profile"
            )));
        }
        let Fragment { subscribe, unsubscribe, .. } = fragment;
        for name in [subscribe.request, subscribe.reply, unsubscribe.request, unsubscribe.reply] {
            names.claim(name, &owner)?;
        }
        for name in [fragment.snapshot, fragment.update, fragment.unsubscribed] {
            names.claim(name, &owner)?;
        }
        let at = self.channels.len();
        self.targets.insert(subscribe.request, Target::Subscribe(at));
        self.targets.insert(unsubscribe.request, Target::Unsubscribe(at));
        self.channels.push(row);
        Ok(())
    }

    fn add_request(&mut self, row: RequestRow, names: &mut Names) -> Result<(), Error> {
        let name = row.fragment.name;
        let owner = format!("operation `{name}`");
        names.claim(name, &owner)?;
        if let Some(reply) = row.fragment.reply {
            names.claim(reply, &owner)?;
        }
        self.targets.insert(name, Target::Request(self.requests.len()));
        self.requests.push(row);
        Ok(())
    }

    pub(crate) fn target(&self, kind: &str) -> Option<Target> {
        self.targets.get(kind).copied()
    }

    /// Logs a refusal whose code is not in the documents, so that clients do not know it.
    pub(crate) fn check_code(&self, refusal: &Refusal) {
        if !self.codes.iter().any(|code| code == refusal.code()) {
            tracing::error!(
                code = refusal.code(),
                "a refusal has a code that is not in the documents; add it with `Builder::refusal_codes`"
            );
        }
    }

    pub(crate) fn channel(&self, type_id: TypeId) -> Option<&ChannelRow> {
        self.channels.iter().find(|row| row.type_id == type_id)
    }
}

/// The row that owns each `type`.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn claim(&mut self, name: &str, owner: &str) -> Result<(), Error> {
        match self.0.insert(name.to_owned(), owner.to_owned()) {
            None => Ok(()),
            Some(earlier) if earlier == owner => {
                Err(Error::configuration(format!("{owner} is listed twice, or uses `{name}` for two things")))
            }
            Some(earlier) => Err(Error::configuration(format!("{owner} and {earlier} both use the type `{name}`"))),
        }
    }
}
