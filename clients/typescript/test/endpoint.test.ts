import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Endpoint } from "quic-p2p-sidecar-client";

const root = `${__dirname}/../..`;

test("what is given counts, then the environment, then the default", () => {
  assert.equal(Endpoint.from({}, {}).address, "127.0.0.1:7401");
  assert.equal(Endpoint.from({}, { SIDECAR_ENDPOINT: "" }).address, "127.0.0.1:7401");
  assert.equal(Endpoint.from({}, { SIDECAR_ENDPOINT: "unix:/run/sidecar.sock" }).address, "unix:/run/sidecar.sock");
  assert.equal(Endpoint.from({ endpoint: "[::1]:7401" }, { SIDECAR_ENDPOINT: "a:1" }).address, "[::1]:7401");
  assert.equal(Endpoint.from({}, { SIDECAR_TOKEN: "t-1" }).token, "t-1");
  assert.equal(Endpoint.from({ token: "t-2" }, { SIDECAR_TOKEN: "t-1" }).token, "t-2");
});

test("what is malformed is told by its name", () => {
  for (const endpoint of ["localhost", "a:0", "a:65536", "a:b", "::1:7401", "http://a:1", "unix:relative", "a b:1"]) {
    assert.throws(() => Endpoint.from({ endpoint }, {}), { name: "TypeError", message: /write / }, endpoint);
  }
  for (const token of [" a", "a ", "a\n", "ü"]) {
    assert.throws(() => Endpoint.from({ token }, {}), /SIDECAR_TOKEN/);
  }
  assert.throws(() => Endpoint.from({}, { SIDECAR_TLS_CA: "/nowhere/ca.pem" }), /SIDECAR_TLS_CA=\/nowhere\/ca.pem/);
  for (const name of ["SIDECAR_TLS_CA", "SIDECAR_TLS_CERT", "SIDECAR_TLS_KEY"]) {
    const message = /package.json holds no (certificate|key) in PEM/;
    assert.throws(() => Endpoint.from({}, { [name]: `${root}/package.json` }), { name: "TypeError", message });
  }
  const folder = mkdtempSync(join(tmpdir(), "endpoint-"));
  const file = join(folder, "all.pem");
  writeFileSync(file, "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n");
  assert.throws(() => Endpoint.from({}, { SIDECAR_TLS_CERT: file }), /belong together/);
  assert.throws(() => Endpoint.from({}, { SIDECAR_TLS_CERT: file, SIDECAR_TLS_KEY: file }), /needs SIDECAR_TLS_CA/);
  const { tls } = Endpoint.from({}, { SIDECAR_TLS_CA: file, SIDECAR_TLS_SERVER_NAME: "sidecar" });
  assert.equal(tls?.serverName, "sidecar");
  assert.equal(Endpoint.from({ endpoint: "unix:/s" }, { SIDECAR_TLS_CA: file }).tls, undefined);
  rmSync(folder, { recursive: true });
});

test("the channel is told what every client tells its own", () => {
  const options = Endpoint.from({}, {}).options();
  assert.equal(options["grpc.keepalive_time_ms"], 30_000);
  assert.equal(options["grpc.keepalive_timeout_ms"], 15_000);
  assert.equal(options["grpc.max_receive_message_length"], 17 << 20);
  assert.equal(options["grpc.max_send_message_length"], 17 << 20);
  assert.equal(options["grpc.service_config"], readFileSync(`${root}/service_config.json`, "utf8"));
});
