//! What the verbs of [`Sidecar`](crate::Sidecar) with options give: each is built up and then awaited.
//!
//! `sidecar.send(peer_id, "hello").channel("chat").await` sends; without the `await` nothing happens.

pub use crate::broadcast::{Broadcast, SendDatagram};
pub use crate::byte_stream::{AcceptStream, OpenStream};
pub use crate::replies::{Ask, Reply};
pub use crate::send::{OpenSender, Send};
pub use crate::sidecar::{ChooseLetters, Drain, WaitReady};
pub use crate::subscriptions::Consume;

/// Makes a builder something that is awaited: `$verb::run`, boxed.
macro_rules! awaited {
    ($verb:ident -> $output:ty) => {
        impl std::future::IntoFuture for $verb {
            type Output = crate::errors::Result<$output>;
            type IntoFuture = std::pin::Pin<Box<dyn std::future::Future<Output = Self::Output> + std::marker::Send>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.run())
            }
        }
    };
}

pub(crate) use awaited;
