//! The account of a run: every payload is checked by length, counter and mark, so that a loss is an error.
//!
//! A payload is: counter (8 bytes, little endian), mark of the run (8 bytes), in streams of messages the CLOCK_MONOTONIC in
//! nanoseconds at which it was written (8 bytes), zeros to the size. The closing payload has the top bit of the counter set;
//! the rest of it is the number of messages sent.

use serde::Serialize;

use crate::Failure;
use crate::latencies::{monotonic, percentiles};

pub const HEAD: usize = 16;
const TIMED_HEAD: usize = 24;
/// One message of so many bytes is timed, which keeps the accounting small beside small messages.
const TIMED_BYTES: usize = 64 << 10;
pub const CLOSING: u64 = 1 << 63;

/// FNV-1a of a run's name.
pub fn mark(run: &str) -> u64 {
    run.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// A payload whose counter is set by `stamp`.
pub fn payload(size: usize, run: &str) -> Vec<u8> {
    let mut bytes = vec![0; size.max(HEAD)];
    bytes[8..HEAD].copy_from_slice(&mark(run).to_le_bytes());
    bytes
}

pub fn stamp(payload: &mut [u8], counter: u64) {
    payload[..8].copy_from_slice(&counter.to_le_bytes());
}

/// Says when a message was written, for how long it took until the other app had it.
pub fn stamp_time(payload: &mut [u8], now: u64) {
    payload[HEAD..TIMED_HEAD].copy_from_slice(&now.to_le_bytes());
}

/// The counter and the mark of what begins like a payload.
pub fn head(payload: &[u8]) -> (u64, u64) {
    let number = |at: usize| u64::from_le_bytes(payload[at..at + 8].try_into().expect("eight bytes"));
    (number(0), number(8))
}

/// What arrived in a run; times are CLOCK_MONOTONIC in nanoseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Received {
    pub count: u64,
    pub bytes: u64,
    pub first_ns: u64,
    pub last_ns: u64,
    /// From write to app, of some messages.
    pub p50_us: f64,
    pub p99_us: f64,
}

#[derive(Debug)]
pub struct Ledger {
    mark: u64,
    size: usize,
    /// A bit a counter, where messages may overtake each other and the closing one.
    seen: Option<Vec<u64>>,
    total: Option<u64>,
    received: Received,
    /// Nanoseconds from write to app.
    took: Vec<u64>,
}

impl Ledger {
    pub fn new(run: &str, size: usize, ordered: bool) -> Self {
        let seen = (!ordered).then(Vec::new);
        Self { mark: mark(run), size, seen, total: None, received: Received::default(), took: Vec::new() }
    }

    /// Enters payloads that arrived together; true when the run is complete.
    pub fn take<'a>(&mut self, payloads: impl Iterator<Item = &'a [u8]>) -> Result<bool, Failure> {
        let now = monotonic();
        for payload in payloads {
            self.enter(payload, now)?;
        }
        Ok(self.complete())
    }

    pub fn received(&self) -> Received {
        let (p50_us, p99_us) = percentiles(&mut self.took.clone()).unwrap_or_default();
        Received { p50_us, p99_us, ..self.received.clone() }
    }

    fn complete(&self) -> bool {
        self.total == Some(self.received.count)
    }

    fn enter(&mut self, payload: &[u8], now: u64) -> Result<(), Failure> {
        if payload.len() < HEAD {
            return Err(format!("a payload of {} bytes", payload.len()).into());
        }
        let (counter, mark) = head(payload);
        if mark != self.mark {
            return Err(format!("a payload of another run: mark {mark:x} instead of {:x}", self.mark).into());
        }
        if self.complete() {
            return Err(format!("a payload after the run was complete: counter {counter}").into());
        }
        if counter & CLOSING != 0 {
            let total = counter & !CLOSING;
            if self.received.count > total || (self.seen.is_none() && self.received.count != total) {
                return Err(format!("{} messages arrived of {total}", self.received.count).into());
            }
            self.total = Some(total);
            return Ok(());
        }
        if payload.len() != self.size {
            return Err(format!("message {counter} has {} bytes instead of {}", payload.len(), self.size).into());
        }
        match &mut self.seen {
            None if counter != self.received.count => {
                return Err(format!("message {counter} arrived where {} was due", self.received.count).into());
            }
            None => {}
            Some(seen) => enter_once(seen, counter)?,
        }
        if self.received.count == 0 {
            self.received.first_ns = now;
        }
        if self.size >= TIMED_HEAD && counter % (TIMED_BYTES / self.size).max(1) as u64 == 0 {
            let written = u64::from_le_bytes(payload[HEAD..TIMED_HEAD].try_into().expect("eight bytes"));
            self.took.push(now.saturating_sub(written));
        }
        self.received.count += 1;
        self.received.bytes += payload.len() as u64;
        self.received.last_ns = now;
        Ok(())
    }
}

fn enter_once(seen: &mut Vec<u64>, counter: u64) -> Result<(), Failure> {
    if counter > 1 << 32 {
        return Err(format!("counter {counter} is too large").into());
    }
    let (word, bit) = ((counter / 64) as usize, 1 << (counter % 64));
    if seen.len() <= word {
        seen.resize(word + 1, 0);
    }
    if seen[word] & bit != 0 {
        return Err(format!("message {counter} arrived twice").into());
    }
    seen[word] |= bit;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(run: &str, counter: u64, size: usize) -> Vec<u8> {
        let mut bytes = payload(size, run);
        stamp(&mut bytes, counter);
        bytes
    }

    fn take(ledger: &mut Ledger, payload: Vec<u8>) -> Result<bool, Failure> {
        ledger.take(std::iter::once(payload.as_slice()))
    }

    #[test]
    fn the_mark_is_fnv_1a() {
        assert_eq!(mark("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn a_run_is_complete_when_its_closing_message_agrees() {
        let mut ledger = Ledger::new("run", 256, true);
        assert!(!take(&mut ledger, message("run", 0, 256)).unwrap());
        assert!(!take(&mut ledger, message("run", 1, 256)).unwrap());
        assert!(take(&mut ledger, message("run", CLOSING | 2, 256)).unwrap());
    }

    #[test]
    fn what_may_overtake_must_all_come() {
        let mut ledger = Ledger::new("run", 256, false);
        for counter in [1, CLOSING | 3, 0] {
            assert!(!take(&mut ledger, message("run", counter, 256)).unwrap());
        }
        assert!(take(&mut ledger, message("run", 2, 256)).unwrap());
    }

    #[test]
    fn a_loss_is_an_error() {
        for (ordered, wrong) in [
            (true, message("run", 2, 256)),
            (true, message("run", 0, 256)),
            (false, message("run", 0, 256)),
            (true, message("run", 1, 255)),
            (true, message("another", 1, 256)),
            (true, message("run", CLOSING | 3, 256)),
            (false, message("run", CLOSING, 256)),
        ] {
            let mut ledger = Ledger::new("run", 256, ordered);
            take(&mut ledger, message("run", 0, 256)).unwrap();
            assert!(take(&mut ledger, wrong).is_err());
        }
    }
}
