import assert from "node:assert/strict";
import { test } from "node:test";

import { OutcomeUnknown, PeerUnknown, SendFailed, SidecarUnavailable } from "../src/errors.js";
import { ErrorReason } from "../src/gen/overlay/v1/errors.js";
import {
  DeliveryLevel,
  SendRequest,
  SendStreamRequest,
  type SendStreamResponse,
} from "../src/gen/overlay/v1/message.js";
import { CHUNK_BYTES, FRAME_BYTES, MESSAGE_BYTES, Outgoing } from "../src/outgoing.js";
import { sendRequest } from "../src/whole.js";

const PEER = "a".repeat(52);

function receipt(
  through: number,
  failed: [number, number][] = [],
  level = DeliveryLevel.DELIVERY_LEVEL_DELIVERED,
): SendStreamResponse {
  const exceptions = failed.map(([first, last]) => ({
    first: BigInt(first),
    last: BigInt(last),
    reason: ErrorReason.ERROR_REASON_NO_SUBSCRIBER,
    detail: "nobody",
  }));
  return { receipts: [{ level, throughSequence: BigInt(through), exceptions, time: undefined }] };
}

test("messages are gathered into frames, and are what the generated code reads", () => {
  const book = new Outgoing(PEER, { channel: "c", wait: "processed", durable: true, ttlMs: 1500 });
  const { open } = SendStreamRequest.decode(book.opening);
  assert.deepEqual(
    [open?.peerId, open?.channel, open?.level, open?.durable, open?.ttl],
    [PEER, "c", DeliveryLevel.DELIVERY_LEVEL_PROCESSED, true, { seconds: 1n, nanos: 500_000_000 }],
  );
  const payloads = [0, 1, 127, 128, 16_383, 16_384, 3].map((size) => Buffer.alloc(size, size));
  payloads.forEach((payload, index) => {
    const named = index % 2 ? { headers: { ä: "ö" }, messageId: `m${index}` } : {};
    assert.equal(book.add(payload, named, false), index + 1);
  });
  const frame = book.nextFrame();
  assert(frame !== undefined);
  const { messages } = SendStreamRequest.decode(frame);
  assert.deepEqual(
    messages.map(({ payload }) => Buffer.from(payload)),
    payloads,
  );
  assert.deepEqual(messages[1]?.headers, new Map([["ä", "ö"]]));
  assert.equal(messages[1].messageId, "m1");
  assert.equal(book.nextFrame(), undefined);
});

test("a frame is bounded, and the app may change its buffer once it has a number", () => {
  const book = new Outgoing(PEER, {});
  const payload = Buffer.alloc(FRAME_BYTES / 2 - 100, 1);
  for (let index = 0; index < 3; index += 1) {
    book.add(payload, {}, false);
    payload.fill(2);
  }
  const [first, second] = [book.nextFrame(), book.nextFrame()];
  assert(first !== undefined && second !== undefined);
  assert(first.length <= FRAME_BYTES);
  const { messages } = SendStreamRequest.decode(first);
  assert.deepEqual([messages.length, messages[0]?.payload[0], messages[1]?.payload[0]], [2, 1, 2]);
  assert.equal(SendStreamRequest.decode(second).messages.length, 1);
});

test("a large message goes in chunks, nothing between them", () => {
  const book = new Outgoing(PEER, {});
  const payload = Buffer.alloc(2 * CHUNK_BYTES + 5);
  payload.writeUInt32BE(77, 2 * CHUNK_BYTES);
  book.add(Buffer.from("before"), {}, false);
  book.add(payload, { headers: { a: "b" }, messageId: "large" }, true);
  book.add(Buffer.from("after"), {}, false);
  const frames = [];
  for (let frame = book.nextFrame(); frame !== undefined; frame = book.nextFrame()) {
    frames.push(SendStreamRequest.decode(frame));
  }
  const chunks = frames.slice(1, -1).map(({ chunk }) => chunk);
  assert.deepEqual(
    chunks.map((chunk) => chunk?.offset),
    [0n, BigInt(CHUNK_BYTES), BigInt(2 * CHUNK_BYTES)],
  );
  assert.deepEqual(
    chunks.map((chunk) => chunk?.headers.size),
    [1, 0, 0],
  );
  assert(chunks.every((chunk) => chunk?.messageId === "large" && chunk.total === BigInt(payload.length)));
  assert(Buffer.concat(chunks.map((chunk) => chunk?.data ?? Buffer.alloc(0))).equals(payload));
  assert.equal(Buffer.from(frames.at(-1)?.messages[0]?.payload ?? []).toString(), "after");
});

test("receipts of the sender's level settle messages and give their room back", () => {
  const book = new Outgoing(PEER, {}, 3 * (100 + MESSAGE_BYTES));
  for (let index = 0; index < 3; index += 1) {
    assert(!book.full());
    book.add(Buffer.alloc(100), {}, false);
  }
  assert(book.full());
  book.receipts(receipt(3, [], DeliveryLevel.DELIVERY_LEVEL_SENT));
  assert(book.full());
  book.receipts(receipt(2, [[2, 2]]));
  assert.equal(book.through, 2);
  assert.equal(book.pendingBytes, 100 + MESSAGE_BYTES);
  assert.equal(book.errorOf(1), undefined);
  assert.equal(book.errorOf(2)?.reason, "NO_SUBSCRIBER");
  assert.throws(
    () => {
      book.throwNewFailures();
    },
    (error: unknown) => error instanceof SendFailed && error.failures.length === 1 && error.reason === "NO_SUBSCRIBER",
  );
  book.throwNewFailures();
});

test("the end of the call settles what has no outcome", () => {
  for (const [error, kind] of [
    [new SidecarUnavailable("gone"), OutcomeUnknown],
    [new PeerUnknown("who"), PeerUnknown],
  ] as const) {
    const book = new Outgoing(PEER, {});
    book.add(Buffer.from("1"), {}, false);
    book.nextFrame();
    book.add(Buffer.from("2"), {}, false);
    book.end(error);
    assert.equal(book.through, 2);
    assert.equal(book.pendingBytes, 0);
    assert(book.errorOf(1) instanceof kind);
    assert.equal(book.errorOf(2), error);
    assert.throws(() => book.add(Buffer.from("3"), {}, false), error);
  }
});

test("a whole message is what the generated code reads", () => {
  for (const size of [0, 1, 200, 70_000]) {
    const request = SendRequest.decode(
      sendRequest(PEER, Buffer.alloc(size, 9), { channel: "c", headers: { a: "b" }, requestId: "r", durable: true }),
    );
    assert.deepEqual(
      [request.peerId, request.channel, request.requestId, request.durable, request.message?.headers.get("a")],
      [PEER, "c", "r", true, "b"],
    );
    assert(Buffer.from(request.message?.payload ?? []).equals(Buffer.alloc(size, 9)));
  }
});
