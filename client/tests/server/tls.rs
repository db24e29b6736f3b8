//! `wss` URLs: a TLS proxy in front of a real server, with a certificate made for the test.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use topicast_client::{
    Cause, Connection, Disconnect, Event, Item, Status,
    rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::PrivateKeyDer},
};
use topicast_tests::channels::Bar;

use crate::harness::{TestServer, bars, eager, next, until};

/// TLS in front of a server, whose connections can be cut.
struct Tls {
    address: SocketAddr,
    /// A configuration that trusts the server's certificate only.
    trust: Arc<ClientConfig>,
    cuts: watch::Sender<()>,
}

impl Tls {
    async fn before(server: SocketAddr) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a good certificate");
        let trust = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key that rustls knows");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key of the certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let cuts = watch::Sender::new(());
        let newcomers = cuts.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, mut cut) = (acceptor.clone(), newcomers.subscribe());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut behind = TcpStream::connect(server).await.expect("the server is there");
                    tokio::select! {
                        _ = copy_bidirectional(&mut stream, &mut behind) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, trust: Arc::new(trust), cuts }
    }

    fn url(&self) -> String {
        format!("wss://localhost:{}/", self.address.port())
    }
}

#[tokio::test]
async fn over_tls_it_subscribes_is_cut_and_comes_back() {
    let server = TestServer::start();
    let tls = Tls::before(server.address).await;
    let client = eager(&tls.url()).tls(Arc::clone(&tls.trust)).build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    assert_eq!(next(&mut stream).await, Item::Status(Status::Live));
    let topic = server.topic("A");
    for time in 1..=3 {
        topic.publish(&Bar { time, close: 0.0 }).unwrap();
        assert_eq!(next(&mut stream).await, Item::Update(Bar { time, close: 0.0 }));
        tls.cuts.send_replace(());
        let Item::Status(Status::Stale(why)) = next(&mut stream).await else { panic!("it was cut") };
        assert_eq!(why.cause, Cause::Lost);
        until(&mut stream, |item| (item == Item::Status(Status::Live)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = TestServer::start();
    let (tls, other) = (Tls::before(server.address).await, Tls::before(server.address).await);
    refused(&tls.url(), &other.trust).await;
    // The certificate is trusted, but it is for another host.
    let why = refused(&tls.url().replace("localhost", "127.0.0.1"), &tls.trust).await;
    assert!(why.reason.contains("not valid for name"), "{why}");
}

/// Returns why the first attempt failed.
async fn refused(url: &str, trust: &Arc<ClientConfig>) -> Disconnect {
    let client = eager(url).tls(Arc::clone(trust)).build().expect("a client");
    let why = until(&mut client.events(), |event| match event {
        Event::Connection(Connection::Waiting { why, .. }) => Some(why),
        _ => None,
    })
    .await;
    assert_eq!(why.cause, Cause::Unreachable);
    assert!(why.reason.starts_with("invalid peer certificate: "), "{why}");
    why
}
