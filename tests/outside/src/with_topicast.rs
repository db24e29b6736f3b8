//! The private channel with topicast: declaration, behaviour, documents and test.

use std::sync::Arc;

use topicast::{Cx, Error, Refusal, Serve, Server};

use crate::{App, User};

/// What an account owns, for its owner only.
#[topicast::ws_router(route = "equity", update = Equity, tags = ["account"], served)]
#[serde(rename_all = "camelCase")]
pub struct EquityOf {
    /// The account, for example "TEST-001".
    pub account_id: String,
}

/// What an account owns.
#[topicast::data]
#[derive(Debug, PartialEq)]
pub struct Equity {
    /// Cash in the account's currency.
    pub cash: f64,
}

impl Serve<Arc<App>> for EquityOf {
    async fn authorize(&self, cx: &Cx<'_, Arc<App>>) -> Result<(), Refusal> {
        let own = cx.extension::<User>().is_some_and(|user| user.account == self.account_id);
        if own { Ok(()) } else { Err(Refusal::forbidden("this account is not yours")) }
    }

    async fn snapshot(&self, cx: &Cx<'_, Arc<App>>) -> Result<Option<Equity>, Refusal> {
        Ok(cx.state().cash_of(&self.account_id).map(|cash| Equity { cash }))
    }
}

/// The server of the channel; `ws.router("/ws")` goes into the application's routes, with
/// the AsyncAPI documents and the page.
///
/// # Errors
/// When the channel cannot be described.
pub fn websockets(app: &Arc<App>) -> Result<Server, Error> {
    let channels = topicast::channels![Arc<App>; EquityOf];
    Server::builder("Accounts", "1.0.0").state(Arc::clone(app)).channels(channels).build()
}

#[cfg(test)]
mod tests {
    use topicast::testing::Connect;

    use super::*;

    fn equity_of(account: &str) -> EquityOf {
        EquityOf { account_id: account.into() }
    }

    #[tokio::test]
    async fn an_owner_sees_the_snapshot_and_then_updates() {
        let app = App::new();
        let ws = websockets(&app).unwrap();
        let mut client = Connect::new(&ws).extension(app.tokens["secret"].clone()).open().await.unwrap();
        assert_eq!(client.subscribe_refused(&equity_of("SOMEBODY")).await.code(), "forbidden");
        client.subscribe(&equity_of("TEST-001")).await;
        assert_eq!(client.message().await["payload"]["cash"], 100.0);
        let topic = ws.publisher::<EquityOf>().unwrap().topic(&equity_of("TEST-001")).unwrap();
        topic.publish(&Equity { cash: 90.0 }).unwrap();
        assert_eq!(client.update::<EquityOf, Equity>().await, Equity { cash: 90.0 });
    }

    #[test]
    fn the_documents_describe_the_channel() {
        let documents = websockets(&App::new()).unwrap().asyncapi("/ws");
        assert_eq!(documents.v3()["components"]["schemas"]["Equity"]["properties"]["cash"]["type"], "number");
    }
}
