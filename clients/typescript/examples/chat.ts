/**
 * A chat: what is typed goes to a peer, what comes is printed.
 *
 *     node build/examples/chat.js PEER_ID
 */
import { createInterface } from "node:readline";

import { Sidecar } from "quic-p2p-sidecar-client";

async function main(peerId: string): Promise<void> {
  await using sidecar = new Sidecar();
  await sidecar.waitReady();
  await using inbox = await sidecar.receive("chat");
  console.log(`I am ${(await sidecar.node()).peerId}`);

  const printing = (async () => {
    for await (const message of inbox) {
      console.log(
        message.type === "gap" ? `(${message.detail})` : `${message.peerId.slice(0, 8)}: ${message.payload.toString()}`,
      );
    }
  })();
  for await (const line of createInterface({ input: process.stdin })) {
    await sidecar.send(peerId, line, { channel: "chat" });
  }
  await inbox.close();
  await printing;
}

const [peerId] = process.argv.slice(2);
if (peerId === undefined) {
  console.error("usage: chat PEER_ID");
  process.exitCode = 2;
} else {
  main(peerId).catch((error: unknown) => {
    console.error(String(error));
    process.exitCode = 1;
  });
}
