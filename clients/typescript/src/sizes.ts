import { MessageTooLarge } from "./errors.js";
import type { Limits } from "./gen/overlay/v1/node.js";
import { ENVELOPE_BYTES, WHOLE_BYTES } from "./outgoing.js";

/** Payloads up to this size are within any sidecar's limits. */
const SURE_BYTES = 1 << 20;

/** What the sidecar takes, asked once, when there is a payload for which it matters. */
export class Sizes {
  readonly #ask: () => Promise<Limits | undefined>;
  #limits: Promise<Limits | undefined> | undefined;

  constructor(ask: () => Promise<Limits | undefined>) {
    this.#ask = ask;
  }

  /** Whether the limits have to be known for a payload of so many bytes. */
  matters(bytes: number): boolean {
    return bytes > SURE_BYTES;
  }

  /** Whether a payload goes in chunks. MessageTooLarge where it is more than the sidecar takes. */
  async inChunks(bytes: number): Promise<boolean> {
    if (!this.matters(bytes)) {
      return false;
    }
    const limits = await this.#learnt();
    const limit = Number(limits?.maxMessageBytes ?? 0n);
    if (limit > 0 && bytes > limit) {
      throw new MessageTooLarge(`a payload of ${String(bytes)} bytes; the sidecar takes at most ${String(limit)}`, {
        metadata: new Map([
          ["limit", String(limit)],
          ["size", String(bytes)],
        ]),
      });
    }
    const frame = Number(limits?.maxGrpcBytes ?? 0n);
    return bytes > (frame > ENVELOPE_BYTES ? Math.min(frame - ENVELOPE_BYTES, WHOLE_BYTES) : WHOLE_BYTES);
  }

  async #learnt(): Promise<Limits | undefined> {
    this.#limits ??= this.#ask();
    try {
      return await this.#limits;
    } catch (error) {
      this.#limits = undefined;
      throw error;
    }
  }
}
