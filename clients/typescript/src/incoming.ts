import { SidecarError } from "./errors.js";
import type { Chunk, Delivery } from "./gen/overlay/v1/message.js";
import { Priority as PriorityNumber } from "./gen/overlay/v1/message.js";
import { millisOf, type Priority, type Received, viewOf } from "./messages.js";

/**
 * The receiver's end of Receive and Consume, without any I/O: unfolds deliveries into messages and puts the chunks of a
 * large one together.
 */
export class Incoming {
  /** Counts the calls: 0 is the first. */
  opening = 0;
  #assembling: { readonly whole: Buffer; filled: number; readonly headers: ReadonlyMap<string, string> } | undefined;

  /** A new call begins. A series of chunks that the last one did not finish is dropped: its message comes anew. */
  restart(): void {
    this.opening += 1;
    this.#assembling = undefined;
  }

  /** The messages that these deliveries complete. SidecarError when chunks do not continue their series. */
  messages(deliveries: readonly Delivery[]): Received[] {
    const messages: Received[] = [];
    for (const delivery of deliveries) {
      if (delivery.chunk !== undefined) {
        const whole = this.#chunk(delivery.chunk);
        if (whole !== undefined) {
          messages.push(this.#received(delivery, 0, delivery.chunk.messageId, whole.headers, whole.payload));
        }
        continue;
      }
      let index = 0;
      for (const message of delivery.messages) {
        messages.push(this.#received(delivery, index, message.messageId, message.headers, message.payload));
        index += 1;
      }
    }
    return messages;
  }

  #chunk(chunk: Chunk): { payload: Buffer; headers: ReadonlyMap<string, string> } | undefined {
    const total = Number(chunk.total);
    if (chunk.offset === 0n) {
      this.#assembling = { whole: Buffer.allocUnsafe(total), filled: 0, headers: chunk.headers };
    }
    const series = this.#assembling;
    if (
      Number(chunk.offset) !== series?.filled ||
      total !== series.whole.length ||
      series.filled + chunk.data.length > total
    ) {
      throw new SidecarError(
        `the sidecar sent a chunk at ${String(chunk.offset)} of ${String(chunk.total)} that continues nothing`,
      );
    }
    series.whole.set(chunk.data, series.filled);
    series.filled += chunk.data.length;
    if (series.filled < total) {
      return undefined;
    }
    this.#assembling = undefined;
    return { payload: series.whole, headers: series.headers };
  }

  #received(
    delivery: Delivery,
    index: number,
    messageId: string,
    headers: ReadonlyMap<string, string>,
    payload: Uint8Array,
  ): Received {
    const step = BigInt(index);
    return {
      type: "message",
      payload: viewOf(payload),
      headers,
      messageId,
      peerId: delivery.peerId,
      channel: delivery.channel,
      priority: PRIORITY_NAMES[delivery.priority],
      instance: delivery.instance,
      bulk: delivery.bulk,
      sequence: delivery.firstSequence + step,
      redeliveryCount: delivery.redeliveryCount,
      receivedAt: millisOf(delivery.receivedAt) ?? 0,
      deliveryId: delivery.firstDeliveryId === 0n ? 0n : delivery.firstDeliveryId + step,
      durable: delivery.durable,
      opening: this.opening,
    };
  }
}

const PRIORITY_NAMES: Readonly<Record<PriorityNumber, Priority>> = {
  [PriorityNumber.PRIORITY_UNSPECIFIED]: "normal",
  [PriorityNumber.PRIORITY_HIGH]: "high",
  [PriorityNumber.PRIORITY_NORMAL]: "normal",
  [PriorityNumber.PRIORITY_LOW]: "low",
};
