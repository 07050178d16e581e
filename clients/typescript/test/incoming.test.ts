import assert from "node:assert/strict";
import { test } from "node:test";

import { Acks } from "../src/acks.js";
import { SidecarError } from "../src/errors.js";
import { type Chunk, Delivery, ReceiveResponse } from "../src/gen/overlay/v1/message.js";
import { Incoming } from "../src/incoming.js";

const LARGEST = (1n << 64n) - 1n;

function chunk(offset: bigint, data: string, total = 6n): Delivery {
  const part: Chunk = { messageId: "m", offset, total, data: Buffer.from(data), headers: new Map() };
  return Delivery.create({ peerId: "p", chunk: part });
}

test("numbers of 64 bits keep all of them, payloads are views, headers may have any name", () => {
  const message = { messageId: "", headers: new Map([["__proto__", "x"]]), payload: Buffer.from("payload") };
  const encoded = ReceiveResponse.encode({
    deliveries: [
      Delivery.create({
        messages: [message, message],
        instance: LARGEST,
        firstSequence: LARGEST - 1n,
        firstDeliveryId: 1n << 60n,
        receivedAt: { seconds: 1_700_000_000n, nanos: 250_000 },
      }),
    ],
  }).finish();
  const buffer = Buffer.from(encoded);
  const [first, second] = new Incoming().messages(ReceiveResponse.decode(buffer).deliveries);
  assert(first !== undefined && second !== undefined);
  assert.equal(first.instance, LARGEST);
  assert.equal(second.sequence, LARGEST);
  assert.equal(second.deliveryId, (1n << 60n) + 1n);
  assert.equal(first.receivedAt, 1_700_000_000_000.25);
  assert.equal(first.headers.get("__proto__"), "x");
  assert(Buffer.isBuffer(first.payload));
  assert.equal(first.payload.buffer, buffer.buffer);
});

test("chunks are put together, and must continue their series", () => {
  const incoming = new Incoming();
  assert.deepEqual(incoming.messages([chunk(0n, "abc")]), []);
  assert.equal(incoming.messages([chunk(3n, "def")])[0]?.payload.toString(), "abcdef");
  assert.throws(() => incoming.messages([chunk(3n, "def")]), SidecarError);
  incoming.messages([chunk(0n, "abc")]);
  assert.throws(() => incoming.messages([chunk(2n, "x")]), SidecarError);
  assert.throws(() => incoming.messages([chunk(0n, "abc"), chunk(3n, "defg")]), SidecarError);
  incoming.messages([chunk(0n, "abc")]);
  incoming.restart();
  assert.throws(() => incoming.messages([chunk(3n, "def")]), SidecarError);
});

test("acknowledgements become ranges, in their order", () => {
  const acks = new Acks();
  acks.add("ack", 1n);
  acks.add("ack", 2n);
  acks.add("ack", 4n);
  acks.add("nack", 5n, 250);
  acks.add("extend", 6n, 1000);
  const frames = [acks.next(), acks.next(), acks.next(), acks.next()].map((request) => request?.frame);
  const [ack, nack, extend] = [
    [
      { first: 1n, last: 2n },
      { first: 4n, last: 4n },
    ],
    [{ first: 5n, last: 5n }],
    [{ first: 6n, last: 6n }],
  ];
  assert.deepEqual(frames, [
    { $case: "ack", value: { ranges: ack } },
    { $case: "nack", value: { ranges: nack, delay: { seconds: 0n, nanos: 250_000_000 } } },
    { $case: "extend", value: { ranges: extend, deadline: { seconds: 1n, nanos: 0 } } },
    undefined,
  ]);
  acks.add("ack", 7n);
  acks.clear();
  assert.equal(acks.next(), undefined);
});
