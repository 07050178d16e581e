use sidecar_client::{Incoming, Sidecar};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let peer_id = std::env::args().nth(1).ok_or("usage: ten_lines PEER_ID")?;
    let sidecar = Sidecar::from_env()?; // SIDECAR_ENDPOINT, or 127.0.0.1:7401
    sidecar.wait_ready().await?;
    println!("I am {}", sidecar.node().await?.peer_id);
    let mut chat = sidecar.receive("chat").await?;
    sidecar.send(&peer_id, "hello").channel("chat").await?; // returns when it is in the other sidecar's inbox
    while let Some(incoming) = chat.next().await {
        if let Incoming::Message(message) = incoming? {
            // a Gap tells that the sidecar restarted in between
            println!("{} {:?}", message.peer_id, message.payload);
        }
    }
    Ok(())
}
