//! The tasks of a channel, so that closing a client ends what it has open.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs what hyper and tonic spawn for one channel: its connection, and what pumps the bodies of its calls.
#[derive(Clone, Debug)]
pub(crate) struct Tasks(Arc<Mutex<Option<JoinSet<()>>>>);

impl Default for Tasks {
    fn default() -> Tasks {
        Tasks(Arc::new(Mutex::new(Some(JoinSet::new()))))
    }
}

impl Tasks {
    /// Ends them all, and with the connection every call; those that come later are not run.
    pub(crate) fn close(&self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Dropping the set aborts what is in it.
        drop(tasks);
    }

    /// Whether `close` was called.
    pub(crate) fn closed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl hyper::rt::Executor<Task> for Tasks {
    fn execute(&self, task: Task) {
        if let Some(tasks) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
    }
}
