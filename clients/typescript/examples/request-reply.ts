/**
 * A service that answers requests, and an app that asks it.
 *
 *     node build/examples/request-reply.js serve
 *     node build/examples/request-reply.js ask PEER_ID WORDS...
 */
import { AnswerError, RequestFailed, Sidecar } from "quic-p2p-sidecar-client";

async function serve(sidecar: Sidecar): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      stopping.abort();
    });
  }
  await using service = await sidecar.reply("upper", ({ payload }) => {
    if (payload.length === 0) {
      throw new AnswerError("empty", "ask something");
    }
    return payload.toString().toUpperCase();
  });
  console.log("ready");
  stopping.signal.addEventListener("abort", () => void service.close());
  await service.finished();
}

async function ask(sidecar: Sidecar, peerId: string, words: string): Promise<void> {
  try {
    const { payload } = await sidecar.request(peerId, words, { channel: "upper", timeoutMs: 10_000 });
    console.log(payload.toString());
  } catch (error) {
    if (!(error instanceof RequestFailed)) {
      throw error;
    }
    console.log(`${error.answerCode}: ${error.detail}`);
  }
}

async function main([role, peerId, ...words]: readonly string[]): Promise<void> {
  await using sidecar = new Sidecar();
  await sidecar.waitReady();
  if (role === "serve") {
    await serve(sidecar);
  } else if (role === "ask" && peerId !== undefined) {
    await ask(sidecar, peerId, words.join(" "));
  } else {
    throw new Error("usage: request-reply serve | ask PEER_ID WORDS...");
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(String(error));
  process.exitCode = 1;
});
