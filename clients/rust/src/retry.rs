//! The one retry layer: `service_config.json`, which every client of the repository ships, applied here because tonic
//! does not read service configs (<https://github.com/grpc/proposal/blob/master/A6-client-retries.md>).
//!
//! Send is not in it: a call that was cut may have sent its message, and a repeat would send it again.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use serde_json::Value;
use tonic::Code;

use crate::errors::Error;

const SERVICE_CONFIG: &str = include_str!("service_config.json");

/// A method, as gRPC names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
}

/// How calls of a method are repeated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RetryPolicy {
    attempts: u32,
    first: Duration,
    most: Duration,
    factor: f64,
    codes: Vec<Code>,
}

impl RetryPolicy {
    /// How long to wait after attempt number `attempt` (from 1 on) failed; None when it was the last.
    pub(crate) fn wait(&self, attempt: u32, error: &Error) -> Option<Duration> {
        if attempt >= self.attempts || !self.codes.contains(&error.code()) {
            return None;
        }
        match error.pushback() {
            Some(milliseconds) => u64::try_from(milliseconds).ok().map(Duration::from_millis),
            None => {
                let grown = self.first.as_secs_f64() * self.factor.powi(attempt.saturating_sub(1) as i32);
                let wait = Duration::try_from_secs_f64(grown).unwrap_or(self.most).min(self.most);
                Some(wait.mul_f64(jitter()))
            }
        }
    }
}

/// The policies of a service config, by service and method; a service's own where no method is named.
#[derive(Debug, Default)]
pub(crate) struct RetryPolicies {
    by_name: HashMap<(String, Option<String>), RetryPolicy>,
}

impl RetryPolicies {
    /// The shared ones. The error says what cannot be read.
    pub(crate) fn shared() -> Result<RetryPolicies, String> {
        RetryPolicies::parsed(SERVICE_CONFIG)
    }

    fn parsed(text: &str) -> Result<RetryPolicies, String> {
        let config: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut by_name = HashMap::new();
        for entry in list(&config, "methodConfig")? {
            let Some(told) = entry.get("retryPolicy") else { continue };
            let policy = RetryPolicy {
                attempts: number(told, "maxAttempts")? as u32,
                first: seconds(told, "initialBackoff")?,
                most: seconds(told, "maxBackoff")?,
                factor: number(told, "backoffMultiplier")?,
                codes: list(told, "retryableStatusCodes")?.iter().map(code).collect::<Result<_, _>>()?,
            };
            for name in list(entry, "name")? {
                let service = text_of(name, "service")?.to_string();
                let method = name.get("method").and_then(Value::as_str).map(str::to_string);
                by_name.insert((service, method), policy.clone());
            }
        }
        Ok(RetryPolicies { by_name })
    }

    /// The policy of a method; None when it is not repeated.
    pub(crate) fn of(&self, method: Method) -> Option<&RetryPolicy> {
        let service = method.service.to_string();
        self.by_name
            .get(&(service.clone(), Some(method.name.to_string())))
            .or_else(|| self.by_name.get(&(service, None)))
    }
}

/// Between 0.8 and 1.2, so that many apps do not come back at once.
fn jitter() -> f64 {
    // Each RandomState is seeded anew; nobody needs more of this randomness than that it differs.
    let random = RandomState::new().build_hasher().finish();
    0.8 + 0.4 * (random as f64 / u64::MAX as f64)
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    value.get(key).and_then(Value::as_array).ok_or_else(|| format!("{key} is not a list"))
}

fn number(value: &Value, key: &str) -> Result<f64, String> {
    value.get(key).and_then(Value::as_f64).ok_or_else(|| format!("{key} is not a number"))
}

fn text_of<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("{key} is not a text"))
}

fn seconds(value: &Value, key: &str) -> Result<Duration, String> {
    let parsed = text_of(value, key)?.strip_suffix('s').and_then(|digits| digits.parse().ok());
    parsed.and_then(|it| Duration::try_from_secs_f64(it).ok()).ok_or_else(|| format!("{key} is not a time"))
}

fn code(value: &Value) -> Result<Code, String> {
    match value.as_str() {
        Some("UNAVAILABLE") => Ok(Code::Unavailable),
        Some("RESOURCE_EXHAUSTED") => Ok(Code::ResourceExhausted),
        Some("ABORTED") => Ok(Code::Aborted),
        _ => Err(format!("{value} is no code that is repeated")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorKind;

    const PING: Method = Method { service: "overlay.v1.PeerService", name: "Ping" };

    #[test]
    fn the_shared_policies_are_those_of_the_file() {
        let policies = RetryPolicies::shared().unwrap();
        let ping = policies.of(PING).unwrap();
        assert_eq!(ping.attempts, 4);
        assert_eq!((ping.first, ping.most), (Duration::from_millis(100), Duration::from_secs(1)));
        assert!(policies.of(Method { service: "overlay.v1.MessageService", name: "Send" }).is_none());
        assert!(policies.of(Method { service: "overlay.v1.PeerService", name: "BlockPeer" }).is_none());
        // A whole service.
        assert!(policies.of(Method { service: "overlay.v1.BootstrapService", name: "ListContacts" }).is_some());
    }

    #[test]
    fn waits_grow_and_end() {
        let policies = RetryPolicies::shared().unwrap();
        let ping = policies.of(PING).unwrap();
        let gone = Error::new(ErrorKind::SidecarUnavailable, "gone");
        for (attempt, expected) in [(1, 0.1), (2, 0.2), (3, 0.4)] {
            let wait = ping.wait(attempt, &gone).unwrap().as_secs_f64();
            assert!((expected * 0.79..expected * 1.21).contains(&wait), "{attempt}: {wait}");
        }
        assert!(ping.wait(4, &gone).is_none());
        assert!(ping.wait(1, &Error::new(ErrorKind::PeerUnknown, "?")).is_none());
    }

    #[test]
    fn the_sidecars_pushback_decides() {
        let policies = RetryPolicies::shared().unwrap();
        let ping = policies.of(PING).unwrap();
        for (pushback, expected) in [("-1", None), ("250", Some(Duration::from_millis(250))), ("soon", None)] {
            let mut status = tonic::Status::unavailable("final");
            status.metadata_mut().insert("grpc-retry-pushback-ms", pushback.parse().unwrap());
            assert_eq!(ping.wait(1, &Error::from(status)), expected, "{pushback}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert!(RetryPolicies::parsed("{").is_err());
        let error = RetryPolicies::parsed(r#"{"methodConfig": [{"retryPolicy": {"maxAttempts": "x"}}]}"#);
        assert!(error.unwrap_err().contains("maxAttempts"));
    }
}
