package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.errors.CancelledException;
import io.github.quicp2p.sidecar.errors.SidecarException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Objects;

/** The way in of a byte stream, as java.io has it. */
final class StreamInput extends InputStream {
  private final ByteStream stream;
  private ByteString left = ByteString.EMPTY;

  StreamInput(ByteStream stream) {
    this.stream = stream;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, into.length);
    if (length == 0) {
      return 0;
    }
    if (left.isEmpty()) {
      try {
        left = stream.read();
      } catch (SidecarException error) {
        throw failed(error);
      }
    }
    if (left.isEmpty()) {
      return -1;
    }
    int size = Math.min(length, left.size());
    left.substring(0, size).copyTo(into, offset);
    left = left.substring(size);
    return size;
  }

  @Override
  public int available() {
    return left.size();
  }

  @Override
  public void close() throws IOException {
    try {
      stream.close();
    } catch (SidecarException error) {
      throw failed(error);
    }
  }

  /** As whoever reads or writes by java.io expects it. */
  static IOException failed(SidecarException error) {
    IOException failed =
        error instanceof CancelledException && Thread.currentThread().isInterrupted()
            ? new InterruptedIOException(error.getMessage())
            : new IOException(error.getMessage());
    failed.initCause(error);
    return failed;
  }
}
