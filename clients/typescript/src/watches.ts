import type { Bounds, Connection, StreamCall } from "./connection.js";
import { CursorExpired, type SidecarError } from "./errors.js";
import type { Cursor } from "./gen/overlay/v1/cursor.js";
import { NodeServiceService, type WatchEventsResponse } from "./gen/overlay/v1/node.js";
import { type Peer, PeerServiceService, type WatchPeersResponse } from "./gen/overlay/v1/peer.js";
import type { Gap, Happened, PeerChange, PeersSnapshot } from "./messages.js";
import { Resuming } from "./resuming.js";

/** What both watches do: they go on at the cursor of what was read last. */
abstract class Watch<Response, Item> extends Resuming<Response, Item> {
  /** Where the watch would go on; good for one run of the sidecar. */
  cursor: Cursor | undefined;

  protected override resumed(): readonly Item[] {
    return [];
  }
}

/** Iterates over a snapshot of the peers, then every change; over a new snapshot where changes are not known. */
export class PeerWatch extends Watch<WatchPeersResponse, PeersSnapshot | PeerChange> {
  #snapshot: Peer[] | undefined;

  protected override begin(bounds: Bounds): StreamCall<never, WatchPeersResponse> {
    if (this.cursor === undefined) {
      this.#snapshot = [];
    }
    return this.connection.serverStream(PeerServiceService.watchPeers, { cursor: this.cursor }, bounds);
  }

  protected override excused(broken: SidecarError): readonly never[] | undefined {
    if (!(broken instanceof CursorExpired)) {
      return undefined;
    }
    this.cursor = undefined;
    return [];
  }

  protected override take(response: WatchPeersResponse): readonly (PeersSnapshot | PeerChange)[] {
    if (this.#snapshot === undefined) {
      this.cursor = response.cursor;
      return response.changes.flatMap(({ peer, removed }) => (peer ? [{ type: "change", peer, removed }] : []));
    }
    for (const { peer, removed } of response.changes) {
      if (peer !== undefined && !removed) {
        this.#snapshot.push(peer);
      }
    }
    if (!response.snapshotComplete) {
      return [];
    }
    const peers = this.#snapshot;
    this.#snapshot = undefined;
    this.cursor = response.cursor;
    return [{ type: "snapshot", peers }];
  }
}

/** Iterates over what happens to the sidecar; a Gap stands for events that are not known any more. */
export class EventWatch extends Watch<WatchEventsResponse, Happened | Gap> {
  constructor(connection: Connection, cursor: Cursor | undefined, bounds: Bounds) {
    super(connection, bounds);
    this.cursor = cursor;
  }

  protected override begin(bounds: Bounds): StreamCall<never, WatchEventsResponse> {
    return this.connection.serverStream(NodeServiceService.watchEvents, { cursor: this.cursor }, bounds);
  }

  protected override excused(broken: SidecarError): readonly Gap[] | undefined {
    if (!(broken instanceof CursorExpired)) {
      return undefined;
    }
    this.cursor = undefined;
    return [
      {
        type: "gap",
        detail: "events between the end of the former watch and now are not known",
        restarted: true,
      },
    ];
  }

  protected override take(response: WatchEventsResponse): readonly Happened[] {
    this.cursor = response.cursor;
    return response.events.map((event) => ({ type: "event", event }));
  }
}
