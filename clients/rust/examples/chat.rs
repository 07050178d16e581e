//! Chat: what is typed goes to a peer, what the peer types is printed.
//!
//!     chat PEER_ID
//!
//! The sidecar is found by SIDECAR_ENDPOINT; run it beside two sidecars, each with the other's peer id.

use std::error::Error;

use sidecar_client::{Incoming, Sidecar};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let peer_id = std::env::args().nth(1).ok_or("usage: chat PEER_ID")?;
    let sidecar = Sidecar::from_env()?;
    sidecar.wait_ready().await?;
    let mut chat = sidecar.receive("chat").await?;
    println!("chatting; end with Ctrl-D");
    let mut typed = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = typed.next_line() => match line? {
                Some(line) => say(&sidecar, &peer_id, line).await?,
                None => return Ok(()),
            },
            incoming = chat.next() => match incoming {
                Some(incoming) => show(incoming?),
                None => return Ok(()),
            },
        }
    }
}

async fn say(sidecar: &Sidecar, peer_id: &str, line: String) -> sidecar_client::Result<()> {
    match sidecar.send(peer_id, line).channel("chat").await {
        Err(error) if error.kind().is_peer() || error.kind().is_busy() => println!("(not delivered: {error})"),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    Ok(())
}

fn show(incoming: Incoming) {
    match incoming {
        Incoming::Message(message) => {
            let name: String = message.peer_id.chars().take(8).collect();
            println!("{name}> {}", String::from_utf8_lossy(&message.payload));
        }
        Incoming::Gap(_) => println!("(the sidecar was away: something may be missing)"),
    }
}
