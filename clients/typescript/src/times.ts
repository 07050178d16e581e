/** Times that apps give, in milliseconds: what is none is an error where it is given, and not of whoever comes to it. */
import { InvalidField } from "./errors.js";
import type { Duration } from "./gen/google/protobuf/duration.js";

/** What a Duration holds at most, in milliseconds: about ten thousand years. */
const DURATION_MS = 315_576_000_000_000;

/** The longest that a timer of Node's waits; a longer one does not wait at all. */
const TIMER_MS = 2 ** 31 - 1;

/** InvalidField for a time that is no number. */
export function checkMillis(name: string, millis: number | undefined): void {
  if (millis !== undefined && (typeof millis !== "number" || Number.isNaN(millis))) {
    throw invalidTime(name, millis);
  }
}

/** When a call ends that may take so long, in milliseconds since 1970; undefined where it may take any time. */
export function deadlineOf(timeoutMs: number | undefined): number | undefined {
  checkMillis("timeoutMs", timeoutMs);
  return timeoutMs === undefined || timeoutMs > DURATION_MS ? undefined : Date.now() + timeoutMs;
}

/** The same for a timer. */
export function timerMs(millis: number): number {
  return Math.min(millis, TIMER_MS);
}

/** A Duration of so many milliseconds. */
export function durationOf(name: string, millis: number): Duration;
export function durationOf(name: string, millis: number | undefined): Duration | undefined;
export function durationOf(name: string, millis: number | undefined): Duration | undefined {
  if (millis === undefined) {
    return undefined;
  }
  if (typeof millis !== "number" || !(Math.abs(millis) <= DURATION_MS)) {
    throw invalidTime(name, millis);
  }
  const seconds = Math.trunc(millis / 1e3);
  return { seconds: BigInt(seconds), nanos: Math.trunc((millis - seconds * 1e3) * 1e6) };
}

function invalidTime(name: string, millis: unknown): InvalidField {
  const description = `${String(millis)} is no number of milliseconds that can be told`;
  return new InvalidField(`${name}: ${description}`, { fields: [{ field: name, description }] });
}
