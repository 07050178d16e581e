import type { ConsumeRequest, DeliveryRange } from "./gen/overlay/v1/message.js";
import { durationOf } from "./times.js";

/** What is said of a run of messages: done, hand out again after a while, or more time. */
export type Verdict = "ack" | "nack" | "extend";

/**
 * What a Consume call still has to tell, without any I/O: gathers delivery ids until the next request is made, in their
 * order; consecutive ones become one range.
 */
export class Acks {
  readonly #gathered: { readonly verdict: Verdict; readonly millis: number; readonly ranges: DeliveryRange[] }[] = [];

  /** Takes what is said of a message. */
  add(verdict: Verdict, deliveryId: bigint, millis = 0): void {
    let last = this.#gathered.at(-1);
    if (last?.verdict !== verdict || last.millis !== millis) {
      last = { verdict, millis, ranges: [] };
      this.#gathered.push(last);
    }
    const range = last.ranges.at(-1);
    if (range !== undefined && range.last + 1n === deliveryId) {
      range.last = deliveryId;
    } else {
      last.ranges.push({ first: deliveryId, last: deliveryId });
    }
  }

  /** Forgets what was gathered: it was for a call that is over. */
  clear(): void {
    this.#gathered.length = 0;
  }

  /** The next frame; undefined when there is nothing to tell. */
  next(): ConsumeRequest | undefined {
    const told = this.#gathered.shift();
    if (told === undefined) {
      return undefined;
    }
    const { verdict, millis, ranges } = told;
    switch (verdict) {
      case "ack":
        return { frame: { $case: "ack", value: { ranges } } };
      case "nack":
        return {
          frame: { $case: "nack", value: { ranges, delay: millis ? durationOf("delayMs", millis) : undefined } },
        };
      case "extend":
        return { frame: { $case: "extend", value: { ranges, deadline: durationOf("millis", millis) } } };
    }
  }
}
