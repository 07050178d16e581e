import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { whenAborted } from "../src/aborts.js";

test("whoever waits for a signal is told, by one listener", () => {
  const aborted = new AbortController();
  const heard: number[] = [];
  const forgets = Array.from({ length: 100 }, (_, index) => whenAborted(aborted.signal, () => heard.push(index)));
  assert.equal(getEventListeners(aborted.signal, "abort").length, 1);
  forgets[7]?.();
  aborted.abort();
  assert.equal(heard.length, 99);
  assert(!heard.includes(7));
});

test("without a signal there is nothing to wait for", () => {
  whenAborted(undefined, () => assert.fail("nobody aborts"))();
});
