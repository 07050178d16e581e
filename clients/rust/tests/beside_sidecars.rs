//! What only real sidecars show. `tests/clients/test_rust.py` of the repository starts them and tells where they are:
//! SIDECAR_TEST_ENDPOINTS names two that are linked, SIDECAR_TEST_VICTIM one that may be killed, and its process.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use sidecar_client::{AnswerError, Error, ErrorKind, Incoming, IncomingRequest, Message, Sidecar, Wait};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);

fn told(variable: &str) -> Vec<String> {
    let words = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set"));
    words.split(' ').map(str::to_string).collect()
}

fn client(endpoint: &str) -> Sidecar {
    Sidecar::builder().endpoint(endpoint).build().unwrap()
}

fn pair() -> (Sidecar, Sidecar) {
    let endpoints = told("SIDECAR_TEST_ENDPOINTS");
    (client(&endpoints[0]), client(&endpoints[1]))
}

async fn peer_id(sidecar: &Sidecar) -> String {
    sidecar.node().await.unwrap().peer_id
}

#[tokio::test]
#[ignore = "beside sidecars"]
async fn closing_ends_what_is_open() {
    let (a, b) = pair();
    let mut inbox = a.receive("closing").await.unwrap();
    let mut peers = a.watch_peers();
    peers.next().await.unwrap().unwrap();
    let mut datagrams = a.datagrams("closing").await.unwrap();
    let sender = a.sender(peer_id(&b).await).channel("closing").wait(Wait::Processed).await.unwrap();
    sender.send("never read").await.unwrap();
    let waiting = tokio::spawn(async move {
        let ended = inbox.next().await.is_none();
        // A loop over several things asks again.
        ended && inbox.next().await.is_none()
    });
    let clone = a.clone();
    clone.close();
    assert!(timeout(LONG, waiting).await.unwrap().unwrap(), "a subscription ends without an error");
    for _ in 0..2 {
        assert!(timeout(LONG, peers.next()).await.unwrap().is_none(), "a watch does too");
    }
    for _ in 0..2 {
        assert!(timeout(LONG, datagrams.next()).await.unwrap().is_none(), "and so do datagrams");
    }
    let failed = timeout(LONG, sender.close()).await.unwrap().unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::SendFailed);
    for refused in [
        timeout(LONG, a.node()).await.unwrap().map(drop),
        timeout(LONG, a.receive("closing")).await.unwrap().map(drop),
        timeout(LONG, a.datagrams("closing")).await.unwrap().map(drop),
        timeout(LONG, async { a.accept_stream("closing").await }).await.unwrap().map(drop),
        timeout(LONG, async { a.open_stream("peer", "closing").await }).await.unwrap().map(drop),
        timeout(LONG, a.reply("closing").open()).await.unwrap().map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.kind(), refused.detail()), (ErrorKind::SidecarUnavailable, "this client is closed"));
    }
    let ready = timeout(LONG, a.wait_ready()).await.unwrap().unwrap_err();
    assert_eq!(ready.kind(), ErrorKind::SidecarUnavailable);
}

#[tokio::test]
#[ignore = "beside sidecars"]
async fn a_sender_waits_when_too_much_has_no_outcome() {
    let (a, b) = pair();
    let sender = a.sender(peer_id(&b).await).channel("unread window").wait(Wait::Processed).await.unwrap();
    let mut taken = 0;
    // Nobody acknowledges: the seventeenth MiB has no room.
    while let Ok(sent) = timeout(Duration::from_secs(1), sender.send(vec![0; 1 << 20])).await {
        sent.unwrap();
        taken += 1;
        assert!(taken <= 16, "more than 16 MiB have no outcome");
    }
    assert_eq!(taken, 16);
    let flushed = timeout(Duration::from_millis(100), sender.flush()).await;
    assert!(flushed.is_err(), "there is nothing to tell yet");
    drop(sender);
}

#[tokio::test]
#[ignore = "beside sidecars"]
async fn a_stream_is_felt_to_its_writer() {
    let (a, b) = pair();
    let accepting = tokio::spawn(async move { b.accept_stream("slow").await.map(|stream| (stream, b)) });
    let (sidecar, other) = (a.clone(), pair().1);
    let mut stream = sidecar.open_stream(peer_id(&other).await, "slow").await.unwrap();
    stream.opened().await.unwrap();
    let (mut reader, _b) = accepting.await.unwrap().unwrap();
    let mut written = 0u64;
    while let Ok(step) = timeout(Duration::from_secs(1), stream.write(&[7; 64 << 10])).await {
        written += step.unwrap() as u64;
        assert!(written < 256 << 20, "an app that does not read is never felt");
    }
    let reading = tokio::spawn(async move {
        let mut read = 0u64;
        while let Some(bytes) = reader.read_bytes().await.unwrap() {
            read += bytes.len() as u64;
        }
        reader.close().await.unwrap();
        read
    });
    stream.shutdown().await.unwrap();
    stream.close().await.unwrap();
    assert_eq!(timeout(LONG, reading).await.unwrap().unwrap(), written);
}

#[tokio::test]
#[ignore = "beside sidecars"]
async fn a_stream_that_is_dropped_or_reset_fails_at_the_other_end() {
    let (a, b) = pair();
    let id = peer_id(&b).await;
    for code in [None, Some(77)] {
        let accepted = b.accept_stream("ends");
        let accepting = tokio::spawn(async move { accepted.await });
        let mut stream = a.open_stream(&id, "ends").header("k", "v").await.unwrap();
        stream.opened().await.unwrap();
        let mut other = timeout(LONG, accepting).await.unwrap().unwrap().unwrap();
        assert_eq!(other.headers().get("k").map(String::as_str), Some("v"));
        match code {
            None => drop(stream),
            Some(code) => stream.reset(code, "enough").await,
        }
        let broken = timeout(LONG, other.read_u8()).await.unwrap().unwrap_err();
        let error = Error::of_io(&broken).unwrap();
        assert_eq!(error.kind(), ErrorKind::StreamReset);
        if let Some(code) = code {
            assert_eq!(error.app_code(), Some(code.to_string().as_str()));
        }
        // Writing says the same, once it is known.
        let late = timeout(LONG, async { while other.write_bytes("x").await.is_ok() {} }).await;
        assert!(late.is_ok(), "who writes to a stream that was reset is told");
    }
}

#[tokio::test]
#[ignore = "beside sidecars"]
async fn one_answer_that_panics_ends_nothing_else() {
    let (a, b) = pair();
    let id = peer_id(&b).await;
    let service = b.reply("panics").credits(2).open().await.unwrap();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(service.serve_until(
        |asked: IncomingRequest| {
            assert!(asked.payload != "before", "a bug of the app, before its future");
            async move {
                if asked.payload.is_empty() {
                    panic!("a bug of the app");
                }
                Ok::<_, AnswerError>(asked.payload)
            }
        },
        async move {
            let _ = ended.await;
        },
    ));
    for bug in ["", "before"] {
        let error = a.request(&id, bug).channel("panics").await.unwrap_err();
        assert_eq!((error.kind(), error.app_code()), (ErrorKind::RequestFailed, Some("internal")));
    }
    assert_eq!(a.request(&id, "still here").channel("panics").await.unwrap().payload, "still here");
    end.send(()).unwrap();
    timeout(LONG, serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
#[ignore = "beside sidecars"]
async fn what_goes_in_chunks_comes_whole_and_in_its_turn() {
    let (a, b) = pair();
    let mut inbox = b.receive("chunks").await.unwrap();
    let sender = a.sender(peer_id(&b).await).channel("chunks").await.unwrap();
    let large: Vec<u8> = (0..(17u32 << 20)).map(|index| (index % 251) as u8).collect();
    sender.send("before").await.unwrap();
    let number = sender.send(Message::new(large.clone()).id("large").header("größe", "17")).await.unwrap();
    assert_eq!(number, 2);
    sender.result(number).await.unwrap();
    sender.close().await.unwrap();
    let mut sizes = Vec::new();
    while sizes.len() < 2 {
        if let Some(Incoming::Message(message)) = timeout(LONG, inbox.next()).await.unwrap().transpose().unwrap() {
            if message.bulk {
                assert!(message.payload == large);
                assert_eq!(message.headers.get("größe").map(String::as_str), Some("17"));
                assert_eq!(message.message_id, "large");
            }
            sizes.push(message.payload.len());
        }
    }
    sizes.sort_unstable();
    assert_eq!(sizes, [6, 17 << 20]);
    let error = a.send(peer_id(&b).await, vec![0; 65 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
}

#[tokio::test]
#[ignore = "beside sidecars"]
async fn a_sender_whose_sidecar_dies_names_what_it_does_not_know() {
    let victim = told("SIDECAR_TEST_VICTIM");
    let (a, _) = pair();
    let dying = client(&victim[0]);
    let sender = dying.sender(peer_id(&a).await).channel("dying").wait(Wait::Processed).await.unwrap();
    let mut orders = a.consume("dying").await.unwrap();
    sender.send("nobody acknowledges").await.unwrap();
    timeout(LONG, orders.next()).await.unwrap().unwrap().unwrap();
    let killed = std::process::Command::new("kill").args(["-9", &victim[1]]).status().unwrap();
    assert!(killed.success());
    let failed = timeout(LONG, sender.flush()).await.unwrap().unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::SendFailed);
    assert_eq!(failed.failures()[0].error.kind(), ErrorKind::OutcomeUnknown, "{failed}");
    let again = timeout(LONG, sender.send("late")).await.unwrap().unwrap_err();
    assert_eq!(again.kind(), ErrorKind::SidecarUnavailable, "{again}");
    let refused = dying.with_timeout(LONG).node().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::SidecarUnavailable, "{refused}");
}
