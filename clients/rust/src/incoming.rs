//! The receiver's end of Receive and Consume, without any I/O: deliveries in, whole messages out.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::errors::{Error, ErrorKind, Result};
use crate::messages::{Incoming, Priority, Received, system_time};
use crate::overlay::v1 as pb;

/// Memory is reserved for so much of a large message before its bytes have come.
const RESERVED_BYTES: u64 = 64 << 20;

/// Unfolds deliveries into messages and puts the chunks of a large one together.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// Counts the calls: 0 is the first.
    opening: u64,
    series: Option<Series>,
}

#[derive(Debug)]
struct Series {
    total: u64,
    headers: HashMap<String, String>,
    payload: BytesMut,
}

impl Assembly {
    pub(crate) fn opening(&self) -> u64 {
        self.opening
    }

    /// A new call begins. A series of chunks that the last one did not finish is dropped: the sidecar hands the message
    /// out anew.
    pub(crate) fn restart(&mut self) {
        self.opening += 1;
        self.series = None;
    }

    /// Adds the messages that these deliveries complete to `into`.
    pub(crate) fn take(&mut self, deliveries: Vec<pb::Delivery>, into: &mut Vec<Incoming>) -> Result<()> {
        for mut delivery in deliveries {
            let messages = match delivery.chunk.take() {
                None => std::mem::take(&mut delivery.messages),
                Some(chunk) => self.chunk(chunk)?.into_iter().collect(),
            };
            let peer_id: Arc<str> = Arc::from(delivery.peer_id.as_str());
            let channel: Arc<str> = Arc::from(delivery.channel.as_str());
            for (index, message) in (0u64..).zip(messages) {
                into.push(Incoming::Message(Received {
                    payload: message.payload,
                    headers: message.headers,
                    message_id: message.message_id,
                    peer_id: peer_id.clone(),
                    channel: channel.clone(),
                    priority: Priority::of_number(delivery.priority()),
                    instance: delivery.instance,
                    bulk: delivery.bulk,
                    sequence: delivery.first_sequence.wrapping_add(index),
                    redelivery_count: delivery.redelivery_count,
                    received_at: system_time(delivery.received_at),
                    delivery_id: match delivery.first_delivery_id {
                        0 => 0,
                        first => first.wrapping_add(index),
                    },
                    durable: delivery.durable,
                    opening: self.opening,
                }));
            }
        }
        Ok(())
    }

    /// The whole message, when this was its last chunk.
    fn chunk(&mut self, chunk: pb::Chunk) -> Result<Option<pb::Message>> {
        if chunk.offset == 0 {
            let reserved = usize::try_from(chunk.total.min(RESERVED_BYTES)).unwrap_or_default();
            self.series =
                Some(Series { total: chunk.total, headers: chunk.headers, payload: BytesMut::with_capacity(reserved) });
        }
        let mut series = match self.series.take() {
            Some(series) if series.total == chunk.total && series.payload.len() as u64 == chunk.offset => series,
            _ => {
                let detail =
                    format!("the sidecar sent a chunk at {} of {} that continues nothing", chunk.offset, chunk.total);
                return Err(Error::new(ErrorKind::SidecarError, detail));
            }
        };
        series.payload.extend_from_slice(&chunk.data);
        if (series.payload.len() as u64) < series.total {
            self.series = Some(series);
            return Ok(None);
        }
        let payload: Bytes = series.payload.freeze();
        Ok(Some(pb::Message { message_id: chunk.message_id, headers: series.headers, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(offset: u64, total: u64, data: &'static [u8]) -> pb::Delivery {
        let headers = if offset == 0 { HashMap::from([("k".into(), "v".into())]) } else { HashMap::new() };
        pb::Delivery {
            peer_id: "p".into(),
            first_delivery_id: 9,
            chunk: Some(pb::Chunk { message_id: "m".into(), offset, total, data: Bytes::from_static(data), headers }),
            ..pb::Delivery::default()
        }
    }

    fn taken(assembly: &mut Assembly, delivery: pb::Delivery) -> Result<Vec<Received>> {
        let mut into = Vec::new();
        assembly.take(vec![delivery], &mut into)?;
        Ok(into.into_iter().filter_map(Incoming::message).collect())
    }

    #[test]
    fn a_run_is_counted_on() {
        let run = pb::Delivery {
            messages: vec![pb::Message::default(), pb::Message { message_id: "b".into(), ..Default::default() }],
            peer_id: "p".into(),
            first_sequence: 5,
            first_delivery_id: 7,
            redelivery_count: 2,
            ..pb::Delivery::default()
        };
        let messages = taken(&mut Assembly::default(), run).unwrap();
        let numbers: Vec<_> = messages.iter().map(|it| (it.sequence, it.delivery_id, it.redelivery_count)).collect();
        assert_eq!(numbers, [(5, 7, 2), (6, 8, 2)]);
        assert_eq!((&*messages[1].peer_id, messages[1].message_id.as_str()), ("p", "b"));
    }

    #[test]
    fn chunks_become_one_message() {
        let mut assembly = Assembly::default();
        assert!(taken(&mut assembly, chunk(0, 5, b"abc")).unwrap().is_empty());
        let whole = taken(&mut assembly, chunk(3, 5, b"de")).unwrap();
        assert_eq!(whole[0].payload, Bytes::from_static(b"abcde"));
        assert_eq!(whole[0].headers.get("k").map(String::as_str), Some("v"));
        assert_eq!((whole[0].message_id.as_str(), whole[0].delivery_id), ("m", 9));
    }

    #[test]
    fn a_chunk_that_continues_nothing_is_an_error() {
        let mut assembly = Assembly::default();
        assert!(taken(&mut assembly, chunk(3, 5, b"de")).is_err());
        assert!(taken(&mut assembly, chunk(0, 5, b"abc")).unwrap().is_empty());
        assert!(taken(&mut assembly, chunk(2, 5, b"cde")).is_err());
        taken(&mut assembly, chunk(0, 5, b"abc")).unwrap();
        assembly.restart();
        assert!(taken(&mut assembly, chunk(3, 5, b"de")).is_err());
        assert_eq!(assembly.opening(), 1);
    }
}
