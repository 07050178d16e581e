//! What the load programs in Rust share: the commands of `../go/main.go` (a line of JSON each), the account of what
//! arrives, and the works over byte streams of any QUIC library.

pub mod command;
pub mod latencies;
pub mod ledger;
pub mod streams;

pub use command::{Failure, Work, serve};
