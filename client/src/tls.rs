//! TLS for `wss` URLs, with rustls.

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

/// Returns a configuration with the system's root certificates, and rustls' installed provider
/// or else ring.
///
/// # Errors
/// Returns a message if the system has no root certificates.
pub(crate) fn system_config() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some of the system's certificates may be in a form that rustls does not support.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "the system has no root certificates ({}); provide some with `Builder::tls`",
            if why.is_empty() { "none was found".to_owned() } else { why.join("; ") }
        ));
    }
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Returns a connector that opens TLS over TCP.
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
