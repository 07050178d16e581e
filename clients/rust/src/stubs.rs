//! The generated stubs over one channel, for whatever the wrappers do not say.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::health_client::HealthClient;

use crate::overlay::v1::bootstrap_service_client::BootstrapServiceClient;
use crate::overlay::v1::message_service_client::MessageServiceClient;
use crate::overlay::v1::node_service_client::NodeServiceClient;
use crate::overlay::v1::peer_service_client::PeerServiceClient;
use crate::overlay::v1::queue_service_client::QueueServiceClient;
use crate::overlay::v1::stream_service_client::StreamServiceClient;

/// What the stubs speak through: the channel, and the token on every call.
pub type Transport = InterceptedService<Channel, Token>;

/// Puts the token on every call.
#[derive(Clone)]
pub struct Token(Option<MetadataValue<Ascii>>);

impl Token {
    /// None where the token holds what no header takes.
    pub(crate) fn new(token: Option<&str>) -> Option<Token> {
        let Some(token) = token else { return Some(Token(None)) };
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse().ok()?;
        value.set_sensitive(true);
        Some(Token(Some(value)))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Token").field(&self.0.is_some()).finish()
    }
}

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// The services of a sidecar.
///
/// They are the plain ones: requests and responses are the messages of [`overlay::v1`](crate::overlay::v1), errors are
/// tonic's own ([`Error::of_status`](crate::Error::of_status) translates them), nothing is repeated and nothing has a
/// deadline. Only the token is added to each call, and the size limits are the sidecar's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stubs {
    /// Messages, requests and datagrams.
    pub messages: MessageServiceClient<Transport>,
    /// Byte streams.
    pub streams: StreamServiceClient<Transport>,
    /// Other sidecars.
    pub peers: PeerServiceClient<Transport>,
    /// The way in.
    pub bootstrap: BootstrapServiceClient<Transport>,
    /// The sidecar itself.
    pub node: NodeServiceClient<Transport>,
    /// What the sidecar keeps.
    pub queues: QueueServiceClient<Transport>,
    /// `grpc.health.v1`, with the services `live`, `api`, `overlay` and `reachable`.
    pub health: HealthClient<Transport>,
}

impl Stubs {
    /// Stubs whose messages have at most so many bytes, either way.
    pub(crate) fn new(channel: Channel, token: Token, most: usize) -> Stubs {
        let transport = InterceptedService::new(channel, token);
        macro_rules! limited {
            ($client:ident) => {
                $client::new(transport.clone()).max_decoding_message_size(most).max_encoding_message_size(most)
            };
        }
        Stubs {
            messages: limited!(MessageServiceClient),
            streams: limited!(StreamServiceClient),
            peers: limited!(PeerServiceClient),
            bootstrap: limited!(BootstrapServiceClient),
            node: limited!(NodeServiceClient),
            queues: limited!(QueueServiceClient),
            health: HealthClient::new(transport.clone()),
        }
    }
}
