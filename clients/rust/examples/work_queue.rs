//! Work queue: jobs that must not be lost. They survive the death of either sidecar and of both apps.
//!
//!     work_queue put PEER_ID JOB...   hands jobs to the workers beside a peer
//!     work_queue work COUNT           does so many jobs
//!
//! The sidecar is found by SIDECAR_ENDPOINT. Several workers beside one sidecar share its jobs.

use std::error::Error;
use std::time::Duration;

use sidecar_client::{Incoming, Sidecar, Wait};

const CHANNEL: &str = "jobs";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sidecar = Sidecar::from_env()?;
    sidecar.wait_ready().await?;
    match words.as_slice() {
        ["put", peer_id, jobs @ ..] => put(&sidecar, peer_id, jobs).await?,
        ["work", count] => work(&sidecar, count.parse()?).await?,
        _ => return Err("usage: work_queue put PEER_ID JOB... | work_queue work COUNT".into()),
    }
    Ok(())
}

/// Returns once every job is in this sidecar's journal, whether the peer is there or not.
async fn put(sidecar: &Sidecar, peer_id: &str, jobs: &[&str]) -> sidecar_client::Result<()> {
    for job in jobs {
        // Whoever runs this again with the same job, because it was broken off, puts no job twice.
        let name = format!("put-{job}");
        let send = sidecar.send(peer_id, job.to_string()).channel(CHANNEL);
        send.durable(true).wait(Wait::Sent).request_id(name).await?;
        println!("put {job}");
    }
    Ok(())
}

/// Acks a job when it is done: one that is not done within 30 s is handed out again, and after the fifth time it is a
/// dead letter.
async fn work(sidecar: &Sidecar, count: usize) -> sidecar_client::Result<()> {
    let deadline = Duration::from_secs(30);
    let mut jobs = sidecar.consume(CHANNEL).credits(4).ack_deadline(deadline).max_deliveries(5).await?;
    println!("working");
    let mut done = 0;
    while done < count {
        match jobs.next().await.transpose()? {
            None => break,
            Some(Incoming::Gap(_)) => println!("(the sidecar was away: what was not acked comes again)"),
            Some(Incoming::Message(job)) => {
                let name = String::from_utf8_lossy(&job.payload);
                if name == "stumble" && job.redelivery_count == 0 {
                    println!("stumbled");
                    jobs.nack_after(&job, Duration::from_millis(100));
                    continue;
                }
                let again = if job.redelivery_count > 0 { ", again" } else { "" };
                println!("done {name}{again}");
                jobs.ack(&job);
                done += 1;
            }
        }
    }
    jobs.close().await; // hands over the last acks
    Ok(())
}
