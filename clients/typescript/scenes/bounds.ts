/**
 * What a client must not do, beside two sidecars: hold bytes without bound, ignore an AbortSignal, end iterations with
 * errors when it is closed, or keep a process alive.
 *
 *     SIDECAR_ENDPOINT=... OTHER_ENDPOINT=... node build/scenes/bounds.js
 */
import assert from "node:assert/strict";
import { once } from "node:events";

import {
  Cancelled,
  InvalidField,
  OutcomeUnknown,
  SendFailed,
  Sidecar,
  SidecarUnavailable,
  StreamReset,
} from "quic-p2p-sidecar-client";

const PIECE = Buffer.alloc(256 << 10, 7);

/** A stream's writer waits for its reader; with everything in between, less than this is under way. */
const UNDER_WAY_BYTES = 16 << 20;

async function streamWaitsForItsReader(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  const accepting = there.acceptStream("slow");
  const writer = here.openStream(peerId, "slow");
  const reader = await accepting;
  const total = 2 * UNDER_WAY_BYTES;
  let written = 0;
  let read = 0;
  let most = 0;
  const writing = (async () => {
    for (let left = total; left > 0; left -= PIECE.length) {
      if (!writer.write(PIECE, () => (written += PIECE.length))) {
        await once(writer, "drain");
      }
    }
    writer.end();
  })();
  // Nobody reads until the writer has not come further for some round trips between the sidecars.
  for (let before = -1; before !== written || written === 0;) {
    before = written;
    for (let trip = 0; trip < 20; trip += 1) {
      await here.ping(peerId);
    }
  }
  for await (const bytes of reader) {
    most = Math.max(most, written - read);
    read += bytes.length;
  }
  await writing;
  assert.equal(read, total);
  assert(most < UNDER_WAY_BYTES, `${most} bytes were under way`);
  reader.end();
  await Promise.all([reader.close(), writer.close()]);
}

async function halfAStreamIsNotTakenForTheWhole(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  const accepting = there.acceptStream("half");
  const left = (async () => {
    await using writer = here.openStream(peerId, "half");
    writer.write("the first half");
    await writer.opened();
    throw new Error("the app fails");
  })();
  await assert.rejects(left, /the app fails/);
  await assert.rejects((await accepting).readAll(), StreamReset);
}

async function signalsAreHeard(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  const aborted = new AbortController();
  const { signal } = aborted;
  const cancelled = { name: "Cancelled", reason: "" };
  const inbox = await here.receive("aborted", { signal });
  const jobs = await here.consume("aborted too", { signal });
  const watch = here.watchPeers({ signal });
  await watch.next();
  const told = new Promise((resolve) => {
    void there.reply("nobody answers", (asked) => {
      asked.signal.addEventListener("abort", resolve);
      aborted.abort(new Error("enough"));
      return new Promise(() => undefined);
    });
  });
  await Promise.all([
    assert.rejects(inbox.next(), cancelled),
    assert.rejects(jobs.next(), cancelled),
    assert.rejects(watch.next(), cancelled),
    assert.rejects(here.acceptStream("nobody opens", { signal }), cancelled),
    assert.rejects(untilAnswered(here, peerId, signal), (error: unknown) => {
      return error instanceof Cancelled && (error.cause as Error).message === "enough";
    }),
  ]);
  await told;
  assert.deepEqual(await inbox.next(), { done: true, value: undefined });
  await assert.rejects(here.node({ signal }), cancelled);
}

async function oneSignalForManyCalls(here: Sidecar, peerId: string): Promise<void> {
  const aborted = new AbortController();
  const { signal } = aborted;
  const asked = Array.from({ length: 100 }, () => here.request(peerId, "?", { channel: "nobody is there", signal }));
  await here.node({ signal });
  aborted.abort();
  for (const outcome of await Promise.allSettled(asked)) {
    assert(outcome.status === "rejected" && outcome.reason instanceof Cancelled);
  }
}

/** Asks until the app that answers is there. */
async function untilAnswered(here: Sidecar, peerId: string, signal: AbortSignal): Promise<void> {
  await here.request(peerId, "?", { channel: "nobody answers", signal });
}

async function leavingALoopEndsASubscription(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  const jobs = await there.consume("left", { credits: 2 });
  for (const job of ["one", "two"]) {
    await here.send(peerId, job, { channel: "left" });
  }
  for await (const job of jobs) {
    assert(job.type === "message");
    jobs.ack(job);
    break;
  }
  assert.deepEqual(await jobs.next(), { done: true, value: undefined });
  await using others = await there.consume("left");
  const { value } = await others.next();
  assert(value?.type === "message");
  assert.equal(value.payload.toString(), "two");
  others.ack(value);
}

async function whatIsNoTimeIsAnErrorHere(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  await assert.rejects(here.node({ timeoutMs: NaN }), InvalidField);
  assert.throws(() => new Sidecar({ timeoutMs: NaN }), TypeError);
  await here.node({ timeoutMs: Infinity });
  await here.node({ timeoutMs: Number.MAX_VALUE });
  await using jobs = await there.consume("times");
  await using out = here.sender(peerId, { channel: "times", wait: "processed" });
  const number = await out.send("job");
  await assert.rejects(out.result(number + 1), InvalidField);
  await assert.rejects(out.result(NaN), InvalidField);
  const outcome = out.result(number, { timeoutMs: Infinity });
  const { value } = await jobs.next();
  assert(value?.type === "message");
  for (const wrong of [NaN, Infinity]) {
    assert.throws(() => {
      jobs.nack(value, { delayMs: wrong });
    }, InvalidField);
    assert.throws(() => {
      jobs.extend(value, wrong);
    }, InvalidField);
  }
  // None of that was gathered: what is said behind it is told.
  jobs.ack(value);
  await outcome;
  await assert.rejects(
    there.reply("credits", () => "", { credits: 0 }),
    InvalidField,
  );
}

async function orderOfCallsIsOrderOfMessages(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  await using inbox = await there.receive("order");
  await using out = here.sender(peerId, { channel: "order" });
  // Nobody waits between the calls, and the fourth has to ask for the limits first.
  const numbers = await Promise.all(
    ["1", "2", "3", Buffer.alloc((1 << 20) + 1), "5", "6"].map((payload) => out.send(payload)),
  );
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6]);
  await out.flush();
  const came: number[] = [];
  while (came.length < 6) {
    const { value } = await inbox.next();
    assert(value?.type === "message");
    came.push(value.payload.length);
  }
  // A message of more than 64 KiB takes its place when it is complete.
  assert.deepEqual(came.sort(), [1, 1, 1, 1, 1, (1 << 20) + 1]);
}

async function sendingLetsTheEventLoopTurn(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  await using inbox = await there.receive("loop");
  await using out = here.sender(peerId, { channel: "loop" });
  const count = 10_000;
  let turns = 0;
  let sending = true;
  const turn = (): void => {
    turns += 1;
    if (sending) {
      setImmediate(turn);
    }
  };
  setImmediate(turn);
  // All of it is within what may be without an outcome: nothing but the loop's turn makes it wait.
  for (let sent = 0; sent < count; sent += 1) {
    await out.send(PIECE.subarray(0, 256));
  }
  sending = false;
  assert(turns > 10, `the event loop had ${turns} turns`);
  await out.flush();
  for (let came = 0; came < count; came += 1) {
    await inbox.next();
  }
}

async function answersInHandGoOut(here: Sidecar, there: Sidecar, peerId: string): Promise<void> {
  let asked: () => void = () => undefined;
  let answer: (words: string) => void = () => undefined;
  const came = new Promise<void>((resolve) => (asked = resolve));
  const service = await there.reply("closing", ({ payload }) => {
    if (payload.length === 0) {
      throw Object.create(null);
    }
    asked();
    return new Promise((resolve) => (answer = resolve));
  });
  await assert.rejects(here.request(peerId, "", { channel: "closing" }), { name: "RequestFailed" });
  const reply = here.request(peerId, "?", { channel: "closing" });
  await came;
  const closed = service.close();
  await here.ping(peerId);
  answer("late, and in time");
  assert.equal((await reply).payload.toString(), "late, and in time");
  await closed;
  await service.finished();
}

async function closingEndsWhatIsOpen(peerId: string): Promise<void> {
  const sidecar = new Sidecar();
  const inbox = await sidecar.receive("closed");
  const watch = sidecar.events();
  const waiting = [inbox.next(), watch.next()];
  const out = sidecar.sender(peerId, { channel: "nobody reads this", wait: "processed" });
  await out.send("no outcome");
  const asked = sidecar.acceptStream("nobody opens");
  const refused = assert.rejects(asked, (error: unknown) => error instanceof SidecarUnavailable);
  await sidecar.node();
  await sidecar.close();
  await refused;
  for (const ended of await Promise.all(waiting)) {
    assert.equal(ended.done, true);
  }
  await assert.rejects(out.close(), (error: unknown) => {
    assert(error instanceof SendFailed);
    assert(error.failures[0]?.error instanceof OutcomeUnknown);
    return true;
  });
  await assert.rejects(sidecar.node(), { name: "SidecarUnavailable", detail: "this client is closed" });
  await sidecar.close();
}

async function main(): Promise<void> {
  // Timers that do not wait, listeners that are too many: whatever Node warns of.
  const told: string[] = [];
  process.on("warning", ({ name }) => told.push(name));
  await using here = new Sidecar();
  await using there = new Sidecar({ endpoint: process.env["OTHER_ENDPOINT"] });
  await Promise.all([here.waitReady({ level: "overlay" }), there.waitReady({ level: "overlay" })]);
  const { peerId } = await there.node();
  await streamWaitsForItsReader(here, there, peerId);
  await halfAStreamIsNotTakenForTheWhole(here, there, peerId);
  await leavingALoopEndsASubscription(here, there, peerId);
  await whatIsNoTimeIsAnErrorHere(here, there, peerId);
  await orderOfCallsIsOrderOfMessages(here, there, peerId);
  await answersInHandGoOut(here, there, peerId);
  await sendingLetsTheEventLoopTurn(here, there, peerId);
  await signalsAreHeard(here, there, peerId);
  await oneSignalForManyCalls(here, peerId);
  await closingEndsWhatIsOpen(peerId);
  assert.deepEqual(told, []);
  console.log("all well");
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
