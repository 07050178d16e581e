//! What a Consume call still has to tell, without any I/O: acknowledgements gathered into ranges.

use std::collections::VecDeque;
use std::time::Duration;

use crate::call::proto_duration;
use crate::overlay::v1 as pb;
use crate::overlay::v1::consume_request::Frame;

/// What is said of messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Ack,
    Nack(Duration),
    Extend(Duration),
}

/// Gathers delivery ids until the next request is made, in their order; consecutive ones become one range.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    gathered: VecDeque<(Verdict, Vec<pb::DeliveryRange>)>,
}

impl Acks {
    pub(crate) fn add(&mut self, verdict: Verdict, id: u64) {
        match self.gathered.back_mut() {
            Some((last, ranges)) if *last == verdict => match ranges.last_mut() {
                Some(range) if range.last.checked_add(1) == Some(id) => range.last = id,
                _ => ranges.push(pb::DeliveryRange { first: id, last: id }),
            },
            _ => self.gathered.push_back((verdict, vec![pb::DeliveryRange { first: id, last: id }])),
        }
    }

    /// Forgets what was gathered: it was for a call that is over.
    pub(crate) fn clear(&mut self) {
        self.gathered.clear();
    }

    /// The next frame; None when there is nothing to tell.
    pub(crate) fn next_request(&mut self) -> Option<pb::ConsumeRequest> {
        let (verdict, ranges) = self.gathered.pop_front()?;
        let frame = match verdict {
            Verdict::Ack => Frame::Ack(pb::ConsumeAck { ranges }),
            Verdict::Nack(delay) => {
                let delay = (!delay.is_zero()).then(|| proto_duration(delay));
                Frame::Nack(pb::ConsumeNack { ranges, delay })
            }
            Verdict::Extend(time) => Frame::Extend(pb::ConsumeExtend { ranges, deadline: Some(proto_duration(time)) }),
        };
        Some(pb::ConsumeRequest { frame: Some(frame) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(request: Option<pb::ConsumeRequest>) -> Vec<(u64, u64)> {
        let ranges = match request.and_then(|request| request.frame).unwrap() {
            Frame::Ack(ack) => ack.ranges,
            Frame::Nack(nack) => nack.ranges,
            Frame::Extend(extend) => extend.ranges,
            other => panic!("{other:?}"),
        };
        ranges.iter().map(|range| (range.first, range.last)).collect()
    }

    #[test]
    fn consecutive_ids_become_one_range_and_order_is_kept() {
        let mut acks = Acks::default();
        for id in [1, 2, 3, 7, 8, 5] {
            acks.add(Verdict::Ack, id);
        }
        acks.add(Verdict::Nack(Duration::from_secs(5)), 9);
        acks.add(Verdict::Nack(Duration::ZERO), 10);
        acks.add(Verdict::Ack, 11);
        assert_eq!(ranges(acks.next_request()), [(1, 3), (7, 8), (5, 5)]);
        let nack = acks.next_request();
        match nack.clone().and_then(|request| request.frame) {
            Some(Frame::Nack(nack)) => assert_eq!(nack.delay.map(|delay| delay.seconds), Some(5)),
            other => panic!("{other:?}"),
        }
        assert_eq!(ranges(nack), [(9, 9)]);
        assert_eq!(ranges(acks.next_request()), [(10, 10)]);
        assert_eq!(ranges(acks.next_request()), [(11, 11)]);
        assert!(acks.next_request().is_none());
    }

    #[test]
    fn what_is_cleared_is_not_told() {
        let mut acks = Acks::default();
        acks.add(Verdict::Extend(Duration::from_secs(1)), u64::MAX);
        acks.add(Verdict::Extend(Duration::from_secs(1)), 0);
        assert_eq!(ranges(acks.next_request()), [(u64::MAX, u64::MAX), (0, 0)]);
        acks.add(Verdict::Ack, 1);
        acks.clear();
        assert!(acks.next_request().is_none());
    }
}
