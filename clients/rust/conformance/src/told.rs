//! What the cases have in common: parameters, payloads, errors as they are told.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sidecar_client::{ConfigError, Error, ErrorKind, Priority, Queue, Readiness, Received, Wait};

pub type Outcome<T> = Result<T, Failure>;

/// Why a case could not be played.
#[derive(Debug)]
pub enum Failure {
    /// The wrapper said so.
    Client(Box<Error>),
    /// The driver did, by the kind and words.
    Driver(&'static str, String),
}

impl Failure {
    pub fn told(&self) -> Value {
        match self {
            Failure::Client(error) => error_told(error),
            Failure::Driver(kind, detail) => {
                json!({ "kind": kind, "reason": "", "detail": detail, "fields": [], "retry_after": null })
            }
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.told())
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Client(Box::new(error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match Error::of_io(&error) {
            Some(told) => told.clone().into(),
            None => Failure::Driver("Io", error.to_string()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Driver("ConfigError", error.to_string())
    }
}

macro_rules! bad_command {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::Driver("BadCommand", error.to_string())
            }
        })*
    };
}

bad_command!(serde_json::Error, base64::DecodeError);

/// An error as the page of the cases says.
pub fn error_told(error: &Error) -> Value {
    let mut told = json!({
        "kind": format!("{:?}", error.kind()),
        "reason": error.reason(),
        "detail": error.detail(),
        "fields": error.fields().iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(),
        "retry_after": error.retry_after().map(|time| time.as_secs_f64()),
    });
    let code = match (error.kind(), error.app_code()) {
        (ErrorKind::RequestFailed, Some(code)) => Some(json!(code)),
        (ErrorKind::StreamReset, Some(code)) => Some(code.parse::<u64>().map_or(json!(code), |number| json!(number))),
        _ => None,
    };
    if let (Some(code), Some(fields)) = (code, told.as_object_mut()) {
        fields.insert("code".into(), code);
    }
    told
}

/// The value of a verb, or what it raised.
pub fn raised(outcome: Outcome<Value>) -> Outcome<Value> {
    match outcome {
        Ok(value) => Ok(json!({ "value": value })),
        Err(Failure::Client(error)) => Ok(json!({ "raised": error_told(&error) })),
        Err(failure) => Err(failure),
    }
}

/// The parameters of a case or the arguments of a verb.
#[derive(Clone, Copy)]
pub struct Params<'a>(pub &'a Value);

impl Params<'_> {
    /// None where it is left out or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> String {
        self.get(name).and_then(Value::as_str).unwrap_or_default().to_string()
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.get(name).and_then(Value::as_array).into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_string).collect()
    }

    pub fn numbers(&self, name: &str) -> Vec<u64> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).collect()
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(Value::as_u64)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    pub fn time(&self, name: &str) -> Option<Duration> {
        self.get(name).and_then(Value::as_f64).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    pub fn headers(&self, name: &str) -> HashMap<String, String> {
        let pairs = self.get(name).and_then(Value::as_object).into_iter().flatten();
        pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_string())).collect()
    }

    /// `b64`, or the pattern of `size`; nothing where neither is given.
    pub fn payload(&self) -> Outcome<Vec<u8>> {
        match (self.get("b64").and_then(Value::as_str), self.number("size")) {
            (Some(text), _) => Ok(STANDARD.decode(text)?),
            (None, size) => Ok(pattern(size.unwrap_or_default())),
        }
    }

    pub fn wait(&self, name: &str) -> Outcome<Option<Wait>> {
        self.get(name).map(level).transpose()
    }

    pub fn priority(&self) -> Outcome<Option<Priority>> {
        let named = self.get("priority").and_then(Value::as_str);
        named
            .map(|name| match name {
                "high" => Ok(Priority::High),
                "normal" => Ok(Priority::Normal),
                "low" => Ok(Priority::Low),
                other => Err(Failure::Driver("BadCommand", format!("priority {other}"))),
            })
            .transpose()
    }

    pub fn readiness(&self) -> Outcome<Readiness> {
        match self.text("level").as_str() {
            "live" => Ok(Readiness::Live),
            "api" | "" => Ok(Readiness::Api),
            "overlay" => Ok(Readiness::Overlay),
            other => Err(Failure::Driver("BadCommand", format!("level {other}"))),
        }
    }

    pub fn queue(&self) -> Outcome<Queue> {
        match self.text("queue").to_lowercase().as_str() {
            "outgoing" => Ok(Queue::Outgoing),
            "incoming" => Ok(Queue::Incoming),
            "dead_incoming" => Ok(Queue::DeadIncoming),
            "dead_outgoing" => Ok(Queue::DeadOutgoing),
            other => Err(Failure::Driver("BadCommand", format!("queue {other}"))),
        }
    }
}

pub fn level(value: &Value) -> Outcome<Wait> {
    match value.as_str().unwrap_or_default().to_lowercase().as_str() {
        "sent" => Ok(Wait::Sent),
        "delivered" => Ok(Wait::Delivered),
        "processed" => Ok(Wait::Processed),
        other => Err(Failure::Driver("BadCommand", format!("level {other}"))),
    }
}

pub fn level_name(wait: Wait) -> &'static str {
    match wait {
        Wait::Sent => "sent",
        Wait::Delivered => "delivered",
        Wait::Processed => "processed",
    }
}

/// The payload of so many bytes in which every value is.
pub fn pattern(size: u64) -> Vec<u8> {
    (0..size).map(|index| (index.wrapping_mul(31).wrapping_add(size) & 0xff) as u8).collect()
}

pub fn b64(data: &[u8]) -> String {
    STANDARD.encode(data)
}

pub fn digest(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

pub fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn seconds(time: Option<SystemTime>) -> Option<f64> {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs_f64())
}

pub fn message_told(message: &Received) -> Value {
    json!({
        "size": message.payload.len(),
        "digest": digest(&message.payload),
        "headers": message.headers,
        "peer_id": &*message.peer_id,
        "channel": &*message.channel,
        "redelivery_count": message.redelivery_count,
    })
}
