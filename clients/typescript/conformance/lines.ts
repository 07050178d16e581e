/** The lines a driver reads and writes. */
import { createInterface } from "node:readline";

import { RequestFailed, SidecarError, StreamReset } from "quic-p2p-sidecar-client";

/** What a case is told. */
export type Params = Readonly<Record<string, unknown>>;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line that was written to this driver; undefined at the end. */
export async function nextLine(): Promise<Params | undefined> {
  const line = await lines.next();
  return line.done === true ? undefined : (JSON.parse(line.value) as Params);
}

/** Waits for the line that says to go on. */
export async function goOn(): Promise<void> {
  const line = await nextLine();
  if (line?.["continue"] !== true) {
    throw new Error(`expected {"continue": true}, not ${JSON.stringify(line)}`);
  }
}

/** Writes a line. Large integers are written as the digits they have. */
export function say(line: Params): void {
  process.stdout.write(
    `${JSON.stringify(line, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value))}\n`,
  );
}

/** Writes an event. */
export function event(name: string, more: Params = {}): void {
  say({ event: name, ...more });
}

/** How an error is told. */
export function toldError(error: unknown): Params {
  if (!(error instanceof SidecarError)) {
    const kind = error instanceof Error ? error.name : "Error";
    return { kind, reason: "", detail: String(error), fields: [], retry_after: null };
  }
  const told: Record<string, unknown> = {
    kind: error.name,
    reason: error.reason,
    detail: error.detail,
    fields: error.fields.map(({ field }) => field),
    retry_after: error.retryAfterMs === undefined ? null : error.retryAfterMs / 1000,
  };
  if (error instanceof RequestFailed) {
    told["code"] = error.answerCode;
  } else if (error instanceof StreamReset && error.resetCode !== undefined) {
    told["code"] = error.resetCode;
  }
  return told;
}

/** What `action` throws, as it is told. */
export async function raised(action: () => Promise<unknown>): Promise<Params> {
  try {
    await action();
  } catch (error) {
    return toldError(error);
  }
  throw new Error("nothing was raised");
}

/** The payload of so many bytes whose byte `i` is `(i * 31 + size) mod 256`. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let index = 0; index < size; index += 1) {
    bytes[index] = (index * 31 + size) & 0xff;
  }
  return bytes;
}

export function text(params: Params, name: string): string {
  const value = params[name];
  return typeof value === "string" ? value : "";
}

export function number(params: Params, name: string): number {
  const value = params[name];
  if (typeof value !== "number") {
    throw new TypeError(`${name}: a number, not ${JSON.stringify(value)}`);
  }
  return value;
}

/** Seconds as milliseconds; undefined where they are not given. */
export function millis(params: Params, name: string): number | undefined {
  const value = params[name];
  return typeof value === "number" ? value * 1000 : undefined;
}

export function strings(params: Params, name: string): readonly string[] {
  return arrayIn(params, name) as readonly string[];
}

export function numbers(params: Params, name: string): readonly number[] {
  return arrayIn(params, name) as readonly number[];
}

/** The steps of a case, in order. */
export function stepsIn(params: Params): readonly Params[] {
  return arrayIn(params, "steps") as readonly Params[];
}

function arrayIn(params: Params, name: string): readonly unknown[] {
  const value = params[name];
  return Array.isArray(value) ? value : [];
}

export function headersIn(params: Params, name = "headers"): ReadonlyMap<string, string> {
  return new Map(Object.entries((params[name] ?? {}) as Readonly<Record<string, string>>));
}

/** The payload that `b64` or `size` names. */
export function payloadIn(params: Params): Buffer {
  return typeof params["size"] === "number" ? pattern(params["size"]) : Buffer.from(text(params, "b64"), "base64");
}
