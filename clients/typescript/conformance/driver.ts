/** The conformance driver: tests/conformance/README.md says what it reads and writes. */
import { Sidecar } from "quic-p2p-sidecar-client";

import { CASES } from "./cases.js";
import { nextLine, type Params, say, text, toldError } from "./lines.js";

async function main(): Promise<void> {
  const sidecar = new Sidecar();
  for (;;) {
    const command = await nextLine();
    if (command === undefined) {
      break;
    }
    const run = CASES[`${text(command, "case")} ${text(command, "role")}`];
    if (run === undefined) {
      const detail = `no case ${JSON.stringify(command["case"])} for role ${JSON.stringify(command["role"])}`;
      say({ error: { kind: "UnknownCase", reason: "", detail, fields: [], retry_after: null } });
      continue;
    }
    try {
      say({ result: await run(sidecar, (command["params"] ?? {}) as Params) });
    } catch (error) {
      say({ error: toldError(error) });
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    }
  }
  await sidecar.close();
}

void main();
