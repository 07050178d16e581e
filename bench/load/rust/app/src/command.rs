//! Commands are lines of JSON on stdin, run concurrently, each answered by a line of JSON on stdout.

use std::future::Future;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a command may take beyond its seconds.
const GRACE: Duration = Duration::from_secs(30);

/// A command. Which fields count depends on `action`.
#[derive(Clone, Debug, Deserialize)]
pub struct Work {
    id: u64,
    #[serde(rename = "do")]
    pub action: String,
    /// Names the run; its mark is in every payload.
    #[serde(default)]
    pub run: String,
    /// The other end, as its `identity` says.
    #[serde(default)]
    pub peer: String,
    /// Bytes of payload.
    #[serde(default)]
    pub size: usize,
    /// Messages in one write.
    #[serde(default)]
    pub batch: usize,
    #[serde(default)]
    seconds: f64,
    /// How many requests are under way at once.
    #[serde(default)]
    depth: usize,
}

impl Work {
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub fn depth(&self) -> usize {
        self.depth.max(1)
    }
}

/// Says that the program is ready, and obeys until stdin ends.
pub async fn serve<F, R>(obey: F) -> Result<(), Failure>
where
    F: Fn(Work) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Value, Failure>> + Send + 'static,
{
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let read = line.map_err(Failure::from).and_then(|line| Ok(serde_json::from_str::<Work>(&line)?));
            if tell.send(read).is_err() {
                return;
            }
        }
    });
    let out = Arc::new(Mutex::new(std::io::stdout()));
    say(&out, &json!({"ready": true}));
    let obey = Arc::new(obey);
    while let Some(work) = told.recv().await {
        let work = work?;
        let (out, obey) = (out.clone(), obey.clone());
        tokio::spawn(async move {
            let (id, limit) = (work.id, work.duration() + GRACE);
            let outcome = match tokio::time::timeout(limit, obey(work)).await {
                Ok(outcome) => outcome,
                Err(_) => Err("the time was up".into()),
            };
            match outcome {
                Ok(result) => say(&out, &json!({"id": id, "result": result})),
                Err(error) => say(&out, &json!({"id": id, "error": error.to_string()})),
            }
        });
    }
    Ok(())
}

fn say(out: &Mutex<std::io::Stdout>, line: &Value) {
    let mut out = out.lock().expect("no thread panics while it prints");
    // Whoever reads this may have ended, and then stdin ends as well.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
