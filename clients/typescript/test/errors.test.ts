import assert from "node:assert/strict";
import { test } from "node:test";

import { Metadata, status } from "@grpc/grpc-js";
import * as client from "quic-p2p-sidecar-client";
import { BadRequest, ErrorInfo, RetryInfo } from "quic-p2p-sidecar-client/gen/google/rpc/error_details";
import { Status } from "quic-p2p-sidecar-client/gen/google/rpc/status";
import { ErrorReason } from "quic-p2p-sidecar-client/gen/overlay/v1/errors";

interface Detail {
  typeUrl: string;
  value: Uint8Array;
}

function detail(name: string, encoded: { finish(): Uint8Array }): Detail {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: encoded.finish() };
}

function end(code: status, ...details: Detail[]): client.EndOfCall {
  const metadata = new Metadata();
  if (details.length > 0) {
    const packed = Status.encode({ code, message: "", details }).finish();
    metadata.set("grpc-status-details-bin", Buffer.from(packed));
  }
  return { code, details: "in words", metadata };
}

function info(reason: string, more: [string, string][] = [], domain = "overlay.v1"): Detail {
  return detail("ErrorInfo", ErrorInfo.encode({ reason, domain, metadata: new Map(more) }));
}

test("every published reason has its kind", () => {
  for (const name of Object.values(ErrorReason)) {
    if (typeof name === "string" && name !== "ERROR_REASON_UNSPECIFIED") {
      const reason = name.slice("ERROR_REASON_".length);
      const error = client.errorOfReason(reason, "in words");
      assert.equal(error.reason, reason);
      assert.notEqual(error.name, "SidecarError", reason);
      assert.equal(error.name, error.constructor.name);
      assert.equal(error.code === status.UNKNOWN, reason === "OUTCOME_UNKNOWN", reason);
    }
  }
  assert(client.errorOfReason("PENDING", "") instanceof client.DeadlinePassed);
  assert(client.errorOfReason("DRAINING", "") instanceof client.SidecarUnavailable);
  assert(client.errorOfReason("QUEUE_FULL", "") instanceof client.Busy);
});

test("a status with details becomes the error of its reason", () => {
  const fields = [{ field: "peer_id", description: "52 characters", reason: "", localizedMessage: undefined }];
  const error = client.errorFromStatus(
    end(
      status.INVALID_ARGUMENT,
      info("ELSEWHERE", [], "another.domain"),
      info("INVALID_FIELD", [["a", "b"]]),
      detail("BadRequest", BadRequest.encode({ fieldViolations: fields })),
      detail("RetryInfo", RetryInfo.encode({ retryDelay: { seconds: 1n, nanos: 500_000_000 } })),
    ),
  );
  assert(error instanceof client.InvalidField);
  assert(error instanceof client.RequestError);
  assert.equal(error.message, "INVALID_FIELD: in words");
  assert.equal(error.metadata.get("a"), "b");
  assert.equal(error.fields[0]?.field, "peer_id");
  assert.equal(error.retryAfterMs, 1500);
});

test("a reason that is not known is a plain error that carries it", () => {
  const error = client.errorFromStatus(end(status.ABORTED, info("OF_TOMORROW")));
  assert.equal(error.constructor, client.SidecarError);
  assert.equal(error.reason, "OF_TOMORROW");
  assert.equal(error.code, status.ABORTED);
});

test("a status without details goes by its code", () => {
  const kinds: [status, string][] = [
    [status.UNAVAILABLE, "SidecarUnavailable"],
    [status.DEADLINE_EXCEEDED, "DeadlinePassed"],
    [status.CANCELLED, "Cancelled"],
    [status.UNAUTHENTICATED, "TokenInvalid"],
    [status.INTERNAL, "InternalError"],
    [status.NOT_FOUND, "SidecarError"],
  ];
  for (const [code, name] of kinds) {
    const error = client.errorFromStatus(end(code));
    assert.deepEqual([error.name, error.reason, error.code], [name, "", code]);
  }
});

test("details that are no protobuf do not hide the status", () => {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0x7f]));
  const error = client.errorFromStatus({ code: status.UNAVAILABLE, details: "gone", metadata });
  assert(error instanceof client.SidecarUnavailable);
});

test("a reset's code and an answer's word are told", () => {
  const reset = client.errorFromStatus(end(status.ABORTED, info("STREAM_RESET", [["code", "18446744073709551615"]])));
  assert(reset instanceof client.StreamReset);
  assert.equal(reset.resetCode, 18446744073709551615n);
  const failed = client.errorFromStatus(end(status.ABORTED, info("REQUEST_FAILED", [["code", "empty"]])));
  assert(failed instanceof client.RequestFailed);
  assert.equal(failed.answerCode, "empty");
});
