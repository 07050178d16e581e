//! CLOCK_MONOTONIC, which all programs of a measurement share, and what a series of round trips comes to.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use crate::Failure;

/// CLOCK_MONOTONIC in nanoseconds.
pub fn monotonic() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec that lives through the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Round trips, summarised.
#[derive(Debug, Serialize)]
pub struct Latencies {
    pub count: usize,
    pub seconds: f64,
    pub p50_us: f64,
    pub p99_us: f64,
}

impl Latencies {
    /// `trips` and `elapsed`, the whole time they took, are in nanoseconds.
    pub fn of(mut trips: Vec<u64>, elapsed: u64) -> Result<Self, Failure> {
        let (p50_us, p99_us) = percentiles(&mut trips).ok_or("not one round trip was made")?;
        Ok(Self { count: trips.len(), seconds: elapsed as f64 / 1e9, p50_us, p99_us })
    }
}

/// The half and the 99th hundredth of nanoseconds, in microseconds; None of nothing.
pub fn percentiles(took: &mut [u64]) -> Option<(f64, f64)> {
    took.sort_unstable();
    let at = |place: usize| took.get(place).map(|&each| each as f64 / 1e3);
    Some((at(took.len() / 2)?, at(took.len() * 99 / 100)?))
}

/// Repeats an action for a time, `depth` at once.
pub async fn concurrently<F, R>(duration: Duration, depth: usize, action: F) -> Result<Latencies, Failure>
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let begin = monotonic();
    let until = begin + duration.as_nanos() as u64;
    let workers: Vec<_> = (0..depth)
        .map(|_| {
            let action = action.clone();
            tokio::spawn(async move {
                let mut trips = Vec::new();
                let mut began = monotonic();
                while began < until {
                    action().await?;
                    let now = monotonic();
                    trips.push(now - began);
                    began = now;
                }
                Ok::<_, Failure>(trips)
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await??);
    }
    Latencies::of(all, monotonic() - begin)
}
