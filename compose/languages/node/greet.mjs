// An app that greets every peer its sidecar is linked to, and says when it has been greeted by each of the others.
import { setTimeout as pause } from "node:timers/promises";

import { Sidecar } from "quic-p2p-sidecar-client";

const NAME = "node";
const OTHERS = 2;

const sidecar = new Sidecar();
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    stopping.abort();
    void sidecar.close();
  });
}

async function greet() {
  while (!stopping.signal.aborted) {
    try {
      for (const peer of await sidecar.peers({ linkedOnly: true })) {
        await sidecar.send(peer.peerId, `hello from ${NAME}`, { channel: "greetings" });
      }
    } catch (error) {
      console.error(`${NAME}: a greeting failed: ${error}`);
    }
    await pause(1000, undefined, { signal: stopping.signal }).catch(() => undefined);
  }
}

async function listen() {
  const heard = new Set();
  for await (const message of await sidecar.receive("greetings")) {
    if (message.type === "gap" || heard.has(message.peerId)) {
      continue;
    }
    heard.add(message.peerId);
    console.log(`${NAME}: ${message.peerId.slice(0, 8)} says: ${message.payload.toString()}`);
    if (heard.size === OTHERS) {
      console.log(`${NAME}: everybody has greeted me`);
    }
  }
}

await sidecar.waitReady();
await Promise.all([greet(), listen()]).catch((error) => {
  if (!stopping.signal.aborted) {
    throw error;
  }
});
