//! Requests: a service that answers, and who asks it.
//!
//!     requests serve                   answers until its input ends
//!     requests ask PEER_ID WORDS       asks the service beside a peer
//!
//! The sidecar is found by SIDECAR_ENDPOINT.

use std::error::Error;
use std::time::Duration;

use sidecar_client::{AnswerError, ErrorKind, IncomingRequest, Sidecar};
use tokio::io::AsyncReadExt as _;

const CHANNEL: &str = "upper";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sidecar = Sidecar::from_env()?;
    sidecar.wait_ready().await?;
    match words.as_slice() {
        ["serve"] => serve(&sidecar).await?,
        ["ask", peer_id, words] => ask(&sidecar, peer_id, words).await?,
        _ => return Err("usage: requests serve | requests ask PEER_ID WORDS".into()),
    }
    Ok(())
}

async fn serve(sidecar: &Sidecar) -> sidecar_client::Result<()> {
    let service = sidecar.reply(CHANNEL).credits(8).open().await?;
    println!("serving");
    let end = async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    };
    // At the end, those that are being answered are answered still.
    service.serve_until(answer, end).await
}

async fn answer(asked: IncomingRequest) -> Result<Vec<u8>, AnswerError> {
    if asked.payload.is_empty() {
        return Err(AnswerError::new("empty", "ask something"));
    }
    Ok(asked.payload.to_ascii_uppercase())
}

async fn ask(sidecar: &Sidecar, peer_id: &str, words: &str) -> Result<(), Box<dyn Error>> {
    let request = sidecar.request(peer_id, words.to_string()).channel(CHANNEL);
    match request.timeout(Duration::from_secs(10)).await {
        Ok(reply) => println!("{}", String::from_utf8_lossy(&reply.payload)),
        Err(error) if error.kind() == ErrorKind::RequestFailed => {
            let code = error.app_code().unwrap_or_default();
            return Err(format!("the service says {code}: {}", error.detail()).into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
