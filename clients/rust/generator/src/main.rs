//! Prints the committed Rust code of `overlay.v1`: `tools/proto_rust.py` gives it the descriptors that the repository's
//! pinned protoc made of `proto/`, and the folder to print into.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;
use prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [descriptors, folder] = arguments.as_slice() else {
        return Err("usage: sidecar-proto-generator DESCRIPTORS FOLDER".into());
    };
    let described = FileDescriptorSet::decode(std::fs::read(descriptors)?.as_slice())?;
    tonic_prost_build::configure()
        .build_server(false)
        // Payloads are slices of what HTTP/2 has read, not copies.
        .bytes(".")
        .out_dir(folder)
        .compile_fds(described)?;
    Ok(())
}
