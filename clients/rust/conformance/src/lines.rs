//! One JSON object a line: commands in, events and results out.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines as AsyncLines, Stdin, Stdout};

use crate::told::{Failure, Outcome};

/// Standard input and output.
pub struct Lines {
    input: AsyncLines<BufReader<Stdin>>,
    output: Stdout,
}

impl Lines {
    pub fn new() -> Lines {
        Lines { input: BufReader::new(tokio::io::stdin()).lines(), output: tokio::io::stdout() }
    }

    /// The next object; None at the end of the input.
    pub async fn read(&mut self) -> Outcome<Option<Value>> {
        loop {
            match self.input.next_line().await? {
                None => return Ok(None),
                Some(line) if line.trim().is_empty() => continue,
                Some(line) => return Ok(Some(serde_json::from_str(&line)?)),
            }
        }
    }

    pub async fn write(&mut self, object: &Value) -> Outcome<()> {
        self.output.write_all(format!("{object}\n").as_bytes()).await?;
        self.output.flush().await?;
        Ok(())
    }

    pub async fn ready(&mut self) -> Outcome<()> {
        self.write(&json!({ "event": "ready" })).await
    }

    /// Waits for `{"continue": true}`.
    pub async fn wait(&mut self) -> Outcome<()> {
        match self.read().await? {
            Some(line) if line.get("continue").is_some() => Ok(()),
            other => Err(Failure::Driver("BadCommand", format!("instead of a continue came {other:?}"))),
        }
    }
}
