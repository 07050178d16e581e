//! An app with quinn inside, at its defaults: `load-quinn ADDRESS CERTIFICATES ROLE`, the address one of its own, the role the
//! name of its certificate in that directory (see `load certificates`). Both ends prove themselves by certificates.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use app::Failure;
use app::streams::{App, Connection, Endpoint};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

const ALPN: &[u8] = b"load";
/// What `load certificates` writes into its certificates.
const SERVER_NAME: &str = "load.test";

struct Quinn(quinn::Endpoint);

#[derive(Clone)]
struct Link(quinn::Connection);

impl Endpoint for Quinn {
    type Connection = Link;

    fn identity(&self) -> Result<String, Failure> {
        Ok(self.0.local_addr()?.to_string())
    }

    async fn dial(&self, peer: &str) -> Result<Link, Failure> {
        Ok(Link(self.0.connect(peer.parse()?, SERVER_NAME)?.await?))
    }

    async fn accept(&self) -> Option<Result<Link, Failure>> {
        let incoming = self.0.accept().await?;
        Some(incoming.await.map(Link).map_err(Failure::from))
    }
}

impl Connection for Link {
    type Writer = quinn::SendStream;
    type Reader = quinn::RecvStream;

    async fn open(&self) -> Result<(Self::Writer, Self::Reader), Failure> {
        Ok(self.0.open_bi().await?)
    }

    async fn accept(&self) -> Result<(Self::Writer, Self::Reader), Failure> {
        Ok(self.0.accept_bi().await?)
    }

    fn close(&self) {
        self.0.close(0u32.into(), b"");
    }
}

fn endpoint(address: IpAddr, directory: &Path, role: &str) -> Result<quinn::Endpoint, Box<dyn Error + Send + Sync>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(directory.join("ca.pem"))?)?;
    let roots = Arc::new(roots);
    let chain = vec![CertificateDer::from_pem_file(directory.join(format!("{role}.pem")))?];
    let key = PrivateKeyDer::from_pem_file(directory.join(format!("{role}.key")))?;

    let clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build()?;
    let mut server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain.clone(), key.clone_key())?;
    server.alpn_protocols = vec![ALPN.to_vec()];
    // Every connection of a measurement proves both sides anew.
    server.send_tls13_tickets = 0;
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    client.alpn_protocols = vec![ALPN.to_vec()];
    client.resumption = rustls::client::Resumption::disabled();

    let server = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server)?));
    let mut endpoint = quinn::Endpoint::server(server, SocketAddr::new(address, 0))?;
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(client)?)));
    Ok(endpoint)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, directory, role] = arguments.as_slice() else {
        return Err("usage: load-quinn ADDRESS CERTIFICATES ROLE".into());
    };
    let app = App::start(Quinn(endpoint(address.parse()?, Path::new(directory), role)?));
    app::serve(move |work| app.clone().obey(work)).await
}
