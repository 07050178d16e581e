//! The driver of `tests/conformance`: it runs one case by its name through the client, as `tests/conformance/README.md`
//! says.

mod calls;
mod cases;
mod flows;
mod lines;
mod told;

use serde_json::{Value, json};
use sidecar_client::Sidecar;

use crate::lines::Lines;
use crate::told::Outcome;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sidecar = Sidecar::from_env()?;
    let mut lines = Lines::new();
    while let Some(command) = lines.read().await? {
        let case = command.get("case").and_then(Value::as_str).unwrap_or_default().to_string();
        let role = command.get("role").and_then(Value::as_str).unwrap_or_default().to_string();
        let params = command.get("params").cloned().unwrap_or_else(|| json!({}));
        let last = match cases::run(&sidecar, &mut lines, &case, &role, &params).await {
            Ok(result) => json!({ "result": result }),
            Err(failure) => json!({ "error": failure.told() }),
        };
        lines.write(&last).await?;
    }
    Ok(())
}

/// What a case gives, or why it could not be played.
pub type Played = Outcome<Value>;
