package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.errors.CursorExpiredException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Cursor;
import io.github.quicp2p.sidecar.gen.overlay.v1.NodeServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.Peer;
import io.github.quicp2p.sidecar.gen.overlay.v1.PeerServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What changes at the sidecar. When the sidecar was away the watch goes on where it was.
 *
 * @param <T> what it tells
 */
public abstract sealed class Watch<T> extends Subscription<T> permits Watch.Peers, Watch.Events {
  Cursor cursor;

  private Watch(Core core) {
    super(core, null);
  }

  @Override
  final T resumed(Gap gap) {
    return null;
  }

  /** A snapshot of the peers, then every change. */
  static final class Peers extends Watch<PeerNews> {
    private List<Peer> snapshot = new ArrayList<>();

    Peers(Core core) {
      super(core);
    }

    @Override
    void begin(CallOptions options) {
      WatchPeersRequest.Builder request = WatchPeersRequest.newBuilder();
      if (cursor == null) {
        snapshot = new ArrayList<>();
      } else {
        request.setCursor(cursor);
      }
      Reading<WatchPeersResponse> reading =
          new Reading<>() {
            @Override
            void take(WatchPeersResponse response) {
              news(response);
            }
          };
      ClientCall<WatchPeersRequest, WatchPeersResponse> call =
          reading.start(PeerServiceGrpc.getWatchPeersMethod(), options);
      call.sendMessage(request.build());
      call.halfClose();
    }

    private void news(WatchPeersResponse response) {
      if (snapshot == null) {
        cursor = response.getCursor();
        response
            .getChangesList()
            .forEach(change -> offer(new PeerChange(change.getPeer(), change.getRemoved())));
        return;
      }
      response.getChangesList().stream()
          .filter(change -> !change.getRemoved())
          .forEach(change -> snapshot.add(change.getPeer()));
      if (response.getSnapshotComplete()) {
        cursor = response.getCursor();
        offer(new PeersSnapshot(List.copyOf(snapshot)));
        snapshot = null;
      }
    }

    @Override
    Optional<PeerNews> expired(CursorExpiredException error) {
      cursor = null;
      return Optional.empty();
    }
  }

  /** What happens, from a cursor or from now on. */
  static final class Events extends Watch<EventNews> {
    Events(Core core, Cursor from) {
      super(core);
      cursor = from;
    }

    @Override
    void begin(CallOptions options) {
      WatchEventsRequest.Builder request = WatchEventsRequest.newBuilder();
      if (cursor != null) {
        request.setCursor(cursor);
      }
      Reading<WatchEventsResponse> reading =
          new Reading<>() {
            @Override
            void take(WatchEventsResponse response) {
              cursor = response.getCursor();
              response.getEventsList().forEach(event -> offer(new NodeEvent(event)));
            }
          };
      ClientCall<WatchEventsRequest, WatchEventsResponse> call =
          reading.start(NodeServiceGrpc.getWatchEventsMethod(), options);
      call.sendMessage(request.build());
      call.halfClose();
    }

    @Override
    Optional<EventNews> expired(CursorExpiredException error) {
      cursor = null;
      return Optional.of(
          new Gap("events between the end of the former watch and now are not known", true));
    }
  }
}
