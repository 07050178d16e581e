//! Where the sidecar is, and the channel to it.

use std::fmt;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint as TonicEndpoint};

use crate::tasks::Tasks;

/// Where a sidecar listens when nothing else is said.
pub const DEFAULT_ENDPOINT: &str = "127.0.0.1:7401";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// What is wrong with the settings of a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The endpoint is neither `host:port` nor `unix:/path`.
    #[error("endpoint {0:?}: write host:port with a port from 1 to 65535, or unix:/absolute/path")]
    Endpoint(String),
    /// The token is not one.
    #[error("SIDECAR_TOKEN holds blanks at its ends or characters that no HTTP header takes")]
    Token,
    /// A file that a variable names cannot be read.
    #[error("{name}={path}: {error}")]
    File {
        /// The variable.
        name: &'static str,
        /// What it says.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// A file that a variable names holds no certificate, or no key, in PEM.
    #[error("{name}={path} holds no {what} in PEM")]
    Pem {
        /// The variable.
        name: &'static str,
        /// What it says.
        path: String,
        /// What it should hold.
        what: &'static str,
    },
    /// A certificate without its key, a key without its certificate, or one of them without a CA.
    #[error("SIDECAR_TLS_CERT and SIDECAR_TLS_KEY belong together, and with SIDECAR_TLS_CA")]
    TlsPair,
    /// A Unix socket is not encrypted.
    #[error("a Unix socket is not encrypted: leave SIDECAR_TLS_CA out")]
    TlsOverUnix,
    /// The certificates or the key cannot be used, or the crate was built without the feature `tls`.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// A client was made where no tokio runtime is.
    #[error("a client belongs to a tokio runtime: make it inside of one")]
    NoRuntime,
    /// The retry policy that the crate carries cannot be read.
    #[error("the service config cannot be read: {0}")]
    ServiceConfig(String),
}

/// How the way to the sidecar is encrypted: PEM, all of it.
#[derive(Clone)]
pub struct Tls {
    ca: Vec<u8>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    server_name: Option<String>,
}

impl Tls {
    /// The certificates that may have signed the sidecar's.
    pub fn new(ca: impl Into<Vec<u8>>) -> Tls {
        Tls { ca: ca.into(), identity: None, server_name: None }
    }

    /// This app's certificate chain and private key, where the sidecar asks for them.
    pub fn identity(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Tls {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// The name to expect in the sidecar's certificate where it is not the endpoint's host.
    pub fn server_name(mut self, name: impl Into<String>) -> Tls {
        self.server_name = Some(name.into());
        self
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("identity", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// A sidecar's gRPC listener and how to reach it.
#[derive(Clone, Default)]
pub(crate) struct Endpoint {
    pub(crate) address: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) tls: Option<Tls>,
}

impl Endpoint {
    /// What is given, else what the environment says, else the default.
    pub(crate) fn completed(self, env: impl Fn(&str) -> Option<String>) -> Result<Endpoint, ConfigError> {
        let said = |name: &str| env(name).filter(|value| !value.is_empty());
        let address = self.address.or_else(|| said("SIDECAR_ENDPOINT")).unwrap_or_else(|| DEFAULT_ENDPOINT.into());
        Location::parse(&address)?;
        let token = self.token.or_else(|| said("SIDECAR_TOKEN"));
        if token.as_deref().is_some_and(|token| !is_token(token)) {
            return Err(ConfigError::Token);
        }
        let tls = match self.tls {
            Some(tls) => Some(tls),
            None => tls_from(said)?,
        };
        Ok(Endpoint { address: Some(address), token, tls })
    }

    /// A channel that connects when it is used, and again whenever it was broken.
    pub(crate) fn channel(&self, tasks: Tasks) -> Result<Channel, ConfigError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(ConfigError::NoRuntime);
        }
        let address = self.address.as_deref().unwrap_or(DEFAULT_ENDPOINT);
        let uri = match Location::parse(address)? {
            Location::Unix(_) if self.tls.is_some() => return Err(ConfigError::TlsOverUnix),
            Location::Unix(path) => format!("unix://{path}"),
            Location::Tcp(authority) => {
                format!("{}://{authority}", if self.tls.is_some() { "https" } else { "http" })
            }
        };
        let endpoint = TonicEndpoint::from_shared(uri)
            .and_then(|endpoint| endpoint.user_agent(concat!("quic-p2p-sidecar-client/", env!("CARGO_PKG_VERSION"))))
            .map_err(|_| ConfigError::Endpoint(address.into()))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_TIME)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .executor(tasks);
        Ok(encrypted(endpoint, self.tls.as_ref())?.connect_lazy())
    }
}

#[cfg(feature = "tls")]
fn encrypted(endpoint: TonicEndpoint, tls: Option<&Tls>) -> Result<TonicEndpoint, ConfigError> {
    use tonic::transport::{Certificate, ClientTlsConfig, Identity};
    let Some(tls) = tls else { return Ok(endpoint) };
    let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.ca));
    if let Some((certificate, key)) = &tls.identity {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    endpoint.tls_config(config).map_err(|error| ConfigError::Tls(words(&error)))
}

#[cfg(feature = "tls")]
fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", words(cause)),
        None => error.to_string(),
    }
}

#[cfg(not(feature = "tls"))]
fn encrypted(endpoint: TonicEndpoint, tls: Option<&Tls>) -> Result<TonicEndpoint, ConfigError> {
    match tls {
        Some(_) => Err(ConfigError::Tls("build quic-p2p-sidecar-client with its feature `tls`".into())),
        None => Ok(endpoint),
    }
}

#[derive(Debug, PartialEq)]
enum Location {
    Unix(String),
    Tcp(String),
}

impl Location {
    fn parse(address: &str) -> Result<Location, ConfigError> {
        Location::parsed(address).ok_or_else(|| ConfigError::Endpoint(address.into()))
    }

    fn parsed(address: &str) -> Option<Location> {
        if let Some(rest) = address.strip_prefix("unix:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            return path.starts_with('/').then(|| Location::Unix(path.into()));
        }
        let (host, port) = address.rsplit_once(':')?;
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        if host.is_empty() || !digits || port.parse::<u16>().ok()? == 0 {
            return None;
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]%".contains(&byte);
        if !host.bytes().all(plain) {
            return None;
        }
        let bare_v6 = host.contains(':') && !host.starts_with('[');
        Some(Location::Tcp(if bare_v6 { format!("[{host}]:{port}") } else { address.into() }))
    }
}

fn is_token(token: &str) -> bool {
    let printable = token.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    printable && !token.is_empty() && token.trim() == token
}

fn tls_from(said: impl Fn(&str) -> Option<String>) -> Result<Option<Tls>, ConfigError> {
    let read = |name: &'static str| -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(path) = said(name) else { return Ok(None) };
        let content = match std::fs::read(&path) {
            Ok(content) => content,
            Err(error) => return Err(ConfigError::File { name, path, error }),
        };
        let key = name == "SIDECAR_TLS_KEY";
        let (what, mark) =
            if key { ("key", "PRIVATE KEY-----") } else { ("certificate", "-----BEGIN CERTIFICATE-----") };
        if !content.windows(mark.len()).any(|held| held == mark.as_bytes()) {
            return Err(ConfigError::Pem { name, path, what });
        }
        Ok(Some(content))
    };
    let (ca, certificate, key) = (read("SIDECAR_TLS_CA")?, read("SIDECAR_TLS_CERT")?, read("SIDECAR_TLS_KEY")?);
    let Some(ca) = ca else {
        return if certificate.is_none() && key.is_none() { Ok(None) } else { Err(ConfigError::TlsPair) };
    };
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(ConfigError::TlsPair),
    };
    Ok(Some(Tls { ca, identity, server_name: said("SIDECAR_TLS_SERVER_NAME") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(pairs: &'static [(&str, &str)]) -> Result<Endpoint, ConfigError> {
        Endpoint::default()
            .completed(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string()))
    }

    #[test]
    fn addresses() {
        for (address, expected) in [
            ("127.0.0.1:7401", Some(Location::Tcp("127.0.0.1:7401".into()))),
            ("sidecar:1", Some(Location::Tcp("sidecar:1".into()))),
            ("[::1]:7401", Some(Location::Tcp("[::1]:7401".into()))),
            ("::1:7401", Some(Location::Tcp("[::1]:7401".into()))),
            ("unix:/run/s.sock", Some(Location::Unix("/run/s.sock".into()))),
            ("unix:///run/s.sock", Some(Location::Unix("/run/s.sock".into()))),
            ("unix:run/s.sock", None),
            ("sidecar", None),
            (":7401", None),
            ("sidecar:0", None),
            ("sidecar:65536", None),
            ("sidecar:+1", None),
            ("sidecar:", None),
            ("http://sidecar:1", None),
            ("a b:1", None),
        ] {
            assert_eq!(Location::parsed(address), expected, "{address}");
        }
    }

    #[test]
    fn the_environment_fills_in_what_is_not_given() {
        let env = &[("SIDECAR_ENDPOINT", "elsewhere:1"), ("SIDECAR_TOKEN", "secret")];
        let from_env = completed(env).expect("valid");
        assert_eq!(from_env.address.as_deref(), Some("elsewhere:1"));
        assert_eq!(from_env.token.as_deref(), Some("secret"));
        assert!(from_env.tls.is_none());
        let nothing = completed(&[("SIDECAR_ENDPOINT", "")]).expect("valid");
        assert_eq!(nothing.address.as_deref(), Some(DEFAULT_ENDPOINT));
        assert!(nothing.token.is_none());
    }

    #[test]
    fn what_is_malformed_is_named() {
        assert!(matches!(completed(&[("SIDECAR_ENDPOINT", "nowhere")]), Err(ConfigError::Endpoint(_))));
        assert!(matches!(completed(&[("SIDECAR_TOKEN", " secret")]), Err(ConfigError::Token)));
        assert!(matches!(completed(&[("SIDECAR_TOKEN", "se\ncret")]), Err(ConfigError::Token)));
        let missing = completed(&[("SIDECAR_TLS_CA", "/nowhere/ca.pem")]);
        assert!(missing.is_err_and(|error| error.to_string().starts_with("SIDECAR_TLS_CA=/nowhere/ca.pem: ")));
        for name in ["SIDECAR_TLS_CA", "SIDECAR_TLS_CERT", "SIDECAR_TLS_KEY"] {
            let none = Endpoint::default().completed(|asked| (asked == name).then(|| "/dev/null".to_string()));
            assert!(matches!(none, Err(ConfigError::Pem { name: told, .. }) if told == name));
        }
    }

    #[test]
    fn outside_of_a_runtime_there_is_an_error() {
        let endpoint = completed(&[]).expect("valid");
        assert!(matches!(endpoint.channel(Tasks::default()), Err(ConfigError::NoRuntime)));
    }

    #[tokio::test]
    async fn a_unix_socket_is_not_encrypted() {
        let mut endpoint = completed(&[("SIDECAR_ENDPOINT", "unix:/run/s.sock")]).expect("valid");
        assert!(endpoint.channel(Tasks::default()).is_ok());
        endpoint.tls = Some(Tls::new("no certificate"));
        assert!(matches!(endpoint.channel(Tasks::default()), Err(ConfigError::TlsOverUnix)));
    }
}
