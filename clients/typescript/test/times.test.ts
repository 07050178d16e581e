import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidField } from "../src/errors.js";
import { deadlineOf, durationOf, timerMs } from "../src/times.js";

test("a duration is what it was", () => {
  assert.deepEqual(durationOf("ttlMs", 1500), { seconds: 1n, nanos: 500_000_000 });
  assert.deepEqual(durationOf("ttlMs", -1500.5), { seconds: -1n, nanos: -500_500_000 });
  assert.equal(durationOf("ttlMs", undefined), undefined);
});

test("a time that is none is an error where it is given", () => {
  for (const wrong of [NaN, Infinity, -Infinity, 1e300, "5" as unknown as number]) {
    assert.throws(
      () => durationOf("ttlMs", wrong),
      (error: unknown) => error instanceof InvalidField && error.fields[0]?.field === "ttlMs",
    );
  }
  assert.throws(() => deadlineOf(NaN), InvalidField);
});

test("a deadline that is too far to be told is none", () => {
  assert.equal(deadlineOf(undefined), undefined);
  assert.equal(deadlineOf(Infinity), undefined);
  assert.equal(deadlineOf(1e300), undefined);
  const soon = deadlineOf(1000) ?? 0;
  assert(soon > Date.now() && soon <= Date.now() + 1000);
});

test("a timer waits no longer than Node's can", () => {
  assert.equal(timerMs(Infinity), 2_147_483_647);
  assert.equal(timerMs(5), 5);
});
