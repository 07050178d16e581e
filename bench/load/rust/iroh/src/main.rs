//! An app with iroh inside, by direct addresses alone, neither relay nor discovery: `load-iroh ADDRESS`, one of its own. Both
//! ends prove their keys.

use std::net::{IpAddr, SocketAddr};

use app::Failure;
use app::streams::{App, Connection, Endpoint};
use iroh::endpoint::presets;
use iroh::{EndpointAddr, EndpointId, RelayMode};

const ALPN: &[u8] = b"load";

struct Iroh(iroh::Endpoint);

#[derive(Clone)]
struct Link(iroh::endpoint::Connection);

impl Endpoint for Iroh {
    type Connection = Link;

    fn identity(&self) -> Result<String, Failure> {
        let address = *self.0.bound_sockets().first().ok_or("no socket")?;
        Ok(format!("{}@{address}", self.0.id()))
    }

    async fn dial(&self, peer: &str) -> Result<Link, Failure> {
        let (id, address) = peer.split_once('@').ok_or("a peer is ID@ADDRESS")?;
        let id: EndpointId = id.parse()?;
        let address: SocketAddr = address.parse()?;
        Ok(Link(self.0.connect(EndpointAddr::new(id).with_ip_addr(address), ALPN).await?))
    }

    async fn accept(&self) -> Option<Result<Link, Failure>> {
        let incoming = self.0.accept().await?;
        Some(incoming.await.map(Link).map_err(Failure::from))
    }
}

impl Connection for Link {
    type Writer = iroh::endpoint::SendStream;
    type Reader = iroh::endpoint::RecvStream;

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

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address] = arguments.as_slice() else {
        return Err("usage: load-iroh ADDRESS".into());
    };
    let address: IpAddr = address.parse()?;
    let endpoint = iroh::Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_ip_transports()
        .bind_addr(SocketAddr::new(address, 0))?
        .alpns(vec![ALPN.to_vec()])
        .bind()
        .await?;
    let app = App::start(Iroh(endpoint));
    app::serve(move |work| app.clone().obey(work)).await
}
