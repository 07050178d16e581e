import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";

import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";

import { SERVICE_CONFIG } from "./service-config.js";

/** Where a sidecar listens unless something else is said. */
export const DEFAULT_ENDPOINT = "127.0.0.1:7401";

/** What the channel lets through: room for envelopes around the 16 MiB of payload that one gRPC message carries. */
export const TRANSPORT_BYTES = 17 << 20;

/** How the channel is encrypted: PEM, all of it. */
export interface Tls {
  /** The certificates that may have signed the sidecar's. */
  readonly ca: Buffer;
  /** This app's certificate chain, where the sidecar asks for one. */
  readonly certificate?: Buffer;
  /** Its private key. */
  readonly key?: Buffer;
  /** The name to expect in the sidecar's certificate; the endpoint's host where it is not given. */
  readonly serverName?: string;
}

/** What may be given to say where the sidecar is; the rest comes from the environment. */
export interface EndpointOptions {
  /** `host:port`, `[v6]:port` or `unix:/absolute/path`; else SIDECAR_ENDPOINT, else 127.0.0.1:7401. */
  readonly endpoint?: string | undefined;
  /** Sent with every call as `authorization: Bearer TOKEN`; else SIDECAR_TOKEN. */
  readonly token?: string | undefined;
  /** Else what SIDECAR_TLS_CA, _CERT, _KEY and _SERVER_NAME say. */
  readonly tls?: Tls | undefined;
}

/** A sidecar's gRPC listener and how to reach it. */
export class Endpoint {
  private constructor(
    readonly address: string,
    readonly token: string | undefined,
    readonly tls: Tls | undefined,
  ) {}

  /** What is given, else what the environment says, else the default. A TypeError says what is malformed. */
  static from(given: EndpointOptions, environment: NodeJS.ProcessEnv = process.env): Endpoint {
    const address = orUndefined(given.endpoint) ?? orUndefined(environment["SIDECAR_ENDPOINT"]) ?? DEFAULT_ENDPOINT;
    checkAddress(address);
    const token = orUndefined(given.token) ?? orUndefined(environment["SIDECAR_TOKEN"]);
    if (token !== undefined && !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(token)) {
      throw new TypeError("SIDECAR_TOKEN holds blanks at its ends or characters that no HTTP header takes");
    }
    // A sidecar speaks no TLS on its Unix socket, which the file system guards.
    const tls = given.tls ?? tlsFrom(environment);
    return new Endpoint(address, token, address.startsWith("unix:") ? undefined : tls);
  }

  /** The channel's options: sizes, keepalive, reconnection and the retry policy. */
  options(): ChannelOptions {
    return {
      "grpc.max_receive_message_length": TRANSPORT_BYTES,
      "grpc.max_send_message_length": TRANSPORT_BYTES,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 15_000,
      "grpc.keepalive_permit_without_calls": 1,
      "grpc.enable_retries": 1,
      "grpc.service_config": SERVICE_CONFIG,
      "grpc.service_config_disable_resolution": 1,
      // The sidecar is next door: when it restarts, it is back within a second.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
      // Two clients of one process share nothing: one's broken connection is not the other's.
      "grpc.use_local_subchannel_pool": 1,
      // No proxy stands between an app and its own sidecar.
      "grpc.enable_http_proxy": 0,
      // What HTTP/2 may have under way on one call: with its own 64 KiB large messages crawl.
      "grpc-node.flow_control_window": 1 << 20,
      // What may be kept for a repeat within gRPC is also what may be written ahead of the sidecar.
      "grpc.per_rpc_retry_buffer_size": 256 << 10,
      ...this.#serverName(),
    };
  }

  /** The channel's credentials. */
  credentials(): ChannelCredentials {
    if (this.tls === undefined) {
      return credentials.createInsecure();
    }
    const { ca, key = null, certificate = null } = this.tls;
    const address = this.#ipAddress();
    return credentials.createSsl(
      ca,
      key,
      certificate,
      address === undefined ? {} : { checkServerIdentity: (_, peer) => checkServerIdentity(address, peer) },
    );
  }

  #serverName(): ChannelOptions {
    if (this.tls?.serverName !== undefined) {
      return {
        "grpc.ssl_target_name_override": this.tls.serverName,
        "grpc.default_authority": this.tls.serverName,
      };
    }
    // An IP address is no server name in TLS; the certificate is checked for it all the same.
    return this.#ipAddress() === undefined ? {} : { "grpc.ssl_target_name_override": "localhost" };
  }

  /** The IP address that the certificate has to be for, where it is one. */
  #ipAddress(): string | undefined {
    if (this.tls === undefined || this.tls.serverName !== undefined) {
      return undefined;
    }
    const host = this.address.slice(0, this.address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
    return isIP(host) === 0 ? undefined : host;
  }
}

/** TypeError unless `address` is `host:port`, `[v6]:port` or `unix:/path`. */
export function checkAddress(address: string): void {
  if (address.startsWith("unix:")) {
    if (!/^unix:(?:\/\/)?\//.test(address)) {
      throw new TypeError(`endpoint ${JSON.stringify(address)}: write unix:/absolute/path`);
    }
    return;
  }
  const parts = /^(?:\[[0-9a-fA-F:.%]+\]|[^:/[\]\s]+):(\d{1,5})$/.exec(address);
  const port = Number(parts?.[1]);
  if (parts === null || port < 1 || port > 65_535) {
    throw new TypeError(
      `endpoint ${JSON.stringify(address)}: write host:port or [v6]:port with a port from 1 to 65535, or unix:/path`,
    );
  }
}

/** What a file in PEM has that holds one. */
const CERTIFICATE_MARK = "-----BEGIN CERTIFICATE-----";
const KEY_MARK = "PRIVATE KEY-----";

/** An empty variable says nothing. */
function orUndefined(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function tlsFrom(environment: NodeJS.ProcessEnv): Tls | undefined {
  const read = (name: string): Buffer | undefined => {
    const path = environment[name];
    if (!path) {
      return undefined;
    }
    let content: Buffer;
    try {
      content = readFileSync(path);
    } catch (error) {
      throw new TypeError(`${name}=${path}: ${(error as Error).message}`, { cause: error });
    }
    const [what, mark] = name === "SIDECAR_TLS_KEY" ? ["key", KEY_MARK] : ["certificate", CERTIFICATE_MARK];
    if (!content.includes(mark)) {
      throw new TypeError(`${name}=${path} holds no ${what} in PEM`);
    }
    return content;
  };
  const ca = read("SIDECAR_TLS_CA");
  const certificate = read("SIDECAR_TLS_CERT");
  const key = read("SIDECAR_TLS_KEY");
  if ((certificate === undefined) !== (key === undefined)) {
    throw new TypeError("SIDECAR_TLS_CERT and SIDECAR_TLS_KEY belong together: set both or neither");
  }
  if (ca === undefined) {
    if (certificate !== undefined) {
      throw new TypeError("SIDECAR_TLS_CERT needs SIDECAR_TLS_CA: the CA that the sidecar's certificate is checked by");
    }
    return undefined;
  }
  const serverName = environment["SIDECAR_TLS_SERVER_NAME"];
  return {
    ca,
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName ? { serverName } : {}),
  };
}
