import { type Bounds, type Connection, type StreamCall } from "./connection.js";
import type { ReceiveDatagramsResponse } from "./gen/overlay/v1/datagram.js";
import { MessageServiceService } from "./gen/overlay/v1/message.js";
import { type Datagram, viewOf } from "./messages.js";
import { Resuming } from "./resuming.js";

/** Iterates over the datagrams of a channel; ends with an error where the sidecar goes away. */
export class DatagramReceiver extends Resuming<ReceiveDatagramsResponse, Datagram> {
  /** How many the sidecar has dropped because this app was slower than they came. */
  dropped = 0;
  protected override readonly resumes = false;
  readonly #channel: string;

  /** Opened by Sidecar.datagrams. */
  constructor(connection: Connection, channel: string, bounds: Bounds) {
    super(connection, bounds);
    this.#channel = channel;
  }

  protected override begin(bounds: Bounds): StreamCall<never, ReceiveDatagramsResponse> {
    return this.connection.serverStream(MessageServiceService.receiveDatagrams, { channel: this.#channel }, bounds);
  }

  protected override take(response: ReceiveDatagramsResponse): readonly Datagram[] {
    this.dropped += Number(response.dropped);
    return response.datagrams.map(({ peerId, payload }) => ({ peerId, payload: viewOf(payload) }));
  }

  protected override resumed(): readonly Datagram[] {
    return [];
  }

  protected override excused(): undefined {
    return undefined;
  }
}
