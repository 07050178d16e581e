/**
 * A queue of work that nothing is lost from: jobs wait in the journals of both sidecars until a worker is done with
 * them, whoever restarts in between.
 *
 *     node build/examples/work-queue.js worker COUNT
 *     node build/examples/work-queue.js submit PEER_ID JOB...
 */
import { Sidecar } from "quic-p2p-sidecar-client";

async function submit(sidecar: Sidecar, peerId: string, jobs: readonly string[]): Promise<void> {
  for (const job of jobs) {
    // Called again with the same request id, for example after OutcomeUnknown, nothing is sent twice.
    const { level } = await sidecar.send(peerId, job, {
      channel: "jobs",
      durable: true,
      wait: "processed",
      requestId: `job ${job}`,
      timeoutMs: 60_000,
    });
    console.log(`${job}: ${level}`);
  }
}

async function work(sidecar: Sidecar, count: number): Promise<void> {
  await using jobs = await sidecar.consume("jobs", { credits: 4, ackDeadlineMs: 30_000, maxDeliveries: 5 });
  console.log("ready");
  let done = 0;
  for await (const job of jobs) {
    if (job.type === "gap") {
      continue;
    }
    const words = job.payload.toString();
    if (words.startsWith("again") && job.redeliveryCount === 0) {
      jobs.nack(job, { delayMs: 100 });
      continue;
    }
    console.log(`did ${words}${job.redeliveryCount > 0 ? `, delivery ${job.redeliveryCount + 1}` : ""}`);
    jobs.ack(job);
    done += 1;
    if (done === count) {
      return;
    }
  }
}

async function main([role, first, ...others]: readonly string[]): Promise<void> {
  await using sidecar = new Sidecar();
  await sidecar.waitReady();
  if (role === "worker" && first !== undefined) {
    await work(sidecar, Number(first));
  } else if (role === "submit" && first !== undefined) {
    await submit(sidecar, first, others);
  } else {
    throw new Error("usage: work-queue worker COUNT | submit PEER_ID JOB...");
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(String(error));
  process.exitCode = 1;
});
