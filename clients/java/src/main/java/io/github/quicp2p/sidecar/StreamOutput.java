package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.errors.SidecarException;
import java.io.IOException;
import java.io.OutputStream;

/** The way out of a byte stream, as java.io has it. */
final class StreamOutput extends OutputStream {
  private final ByteStream stream;

  StreamOutput(ByteStream stream) {
    this.stream = stream;
  }

  @Override
  public void write(int one) throws IOException {
    write(new byte[] {(byte) one}, 0, 1);
  }

  @Override
  public void write(byte[] data, int offset, int length) throws IOException {
    try {
      stream.write(data, offset, length);
    } catch (SidecarException error) {
      throw StreamInput.failed(error);
    }
  }

  @Override
  public void close() {
    stream.finish();
  }
}
