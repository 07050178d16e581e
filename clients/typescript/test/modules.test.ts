import assert from "node:assert/strict";
import { test } from "node:test";

import * as required from "quic-p2p-sidecar-client";

test("both builds have the same names, and are builds of their own", async () => {
  // What is compiled to CommonJS still imports, as Node does.
  const imported = await import("quic-p2p-sidecar-client");
  assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
  assert.notEqual(imported.Sidecar, required.Sidecar);
});
