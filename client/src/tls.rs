//! TLS for addresses that begin with `wss:`, over rustls.

use std::{io, sync::Arc};

use http::Uri;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::{CryptoProvider, ring},
        pki_types::ServerName,
    },
};

use crate::dial::{self, Connector};

/// What the program has installed as rustls' provider, else ring, and the certificates that
/// the system trusts.
///
/// # Errors
/// Why there are none.
pub(crate) fn of_the_system() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system has certificates that rustls does not understand, and trusts others.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "the system has no certificates to trust ({}); give some with `Builder::tls`",
            if why.is_empty() { "none was found".to_owned() } else { why.join("; ") }
        ));
    }
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// TCP, and TLS over it.
pub(crate) fn connector(config: Arc<ClientConfig>) -> Connector {
    let tls = TlsConnector::from(config);
    dial::connector(move |uri: Uri| {
        let tls = tls.clone();
        async move {
            let host = dial::host(&uri).to_owned();
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            tls.connect(name, dial::tcp(uri).await?).await
        }
    })
}
