package io.github.quicp2p.sidecar.gen.overlay.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * PeerService tells about other sidecars and links to them.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class PeerServiceGrpc {

  private PeerServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "overlay.v1.PeerService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse> getListPeersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListPeers",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse> getListPeersMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse> getListPeersMethod;
    if ((getListPeersMethod = PeerServiceGrpc.getListPeersMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getListPeersMethod = PeerServiceGrpc.getListPeersMethod) == null) {
          PeerServiceGrpc.getListPeersMethod = getListPeersMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListPeers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("ListPeers"))
              .build();
        }
      }
    }
    return getListPeersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse> getGetPeerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetPeer",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse> getGetPeerMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest, io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse> getGetPeerMethod;
    if ((getGetPeerMethod = PeerServiceGrpc.getGetPeerMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getGetPeerMethod = PeerServiceGrpc.getGetPeerMethod) == null) {
          PeerServiceGrpc.getGetPeerMethod = getGetPeerMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest, io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetPeer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("GetPeer"))
              .build();
        }
      }
    }
    return getGetPeerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse> getWatchPeersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchPeers",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse> getWatchPeersMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse> getWatchPeersMethod;
    if ((getWatchPeersMethod = PeerServiceGrpc.getWatchPeersMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getWatchPeersMethod = PeerServiceGrpc.getWatchPeersMethod) == null) {
          PeerServiceGrpc.getWatchPeersMethod = getWatchPeersMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchPeers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("WatchPeers"))
              .build();
        }
      }
    }
    return getWatchPeersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse> getConnectMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Connect",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse> getConnectMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse> getConnectMethod;
    if ((getConnectMethod = PeerServiceGrpc.getConnectMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getConnectMethod = PeerServiceGrpc.getConnectMethod) == null) {
          PeerServiceGrpc.getConnectMethod = getConnectMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Connect"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("Connect"))
              .build();
        }
      }
    }
    return getConnectMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse> getDisconnectMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Disconnect",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse> getDisconnectMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest, io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse> getDisconnectMethod;
    if ((getDisconnectMethod = PeerServiceGrpc.getDisconnectMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getDisconnectMethod = PeerServiceGrpc.getDisconnectMethod) == null) {
          PeerServiceGrpc.getDisconnectMethod = getDisconnectMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest, io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Disconnect"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("Disconnect"))
              .build();
        }
      }
    }
    return getDisconnectMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse> getBlockPeerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BlockPeer",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse> getBlockPeerMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest, io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse> getBlockPeerMethod;
    if ((getBlockPeerMethod = PeerServiceGrpc.getBlockPeerMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getBlockPeerMethod = PeerServiceGrpc.getBlockPeerMethod) == null) {
          PeerServiceGrpc.getBlockPeerMethod = getBlockPeerMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest, io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BlockPeer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("BlockPeer"))
              .build();
        }
      }
    }
    return getBlockPeerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse> getUnblockPeerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UnblockPeer",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse> getUnblockPeerMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest, io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse> getUnblockPeerMethod;
    if ((getUnblockPeerMethod = PeerServiceGrpc.getUnblockPeerMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getUnblockPeerMethod = PeerServiceGrpc.getUnblockPeerMethod) == null) {
          PeerServiceGrpc.getUnblockPeerMethod = getUnblockPeerMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest, io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UnblockPeer"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("UnblockPeer"))
              .build();
        }
      }
    }
    return getUnblockPeerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse> getPingMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Ping",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse> getPingMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest, io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse> getPingMethod;
    if ((getPingMethod = PeerServiceGrpc.getPingMethod) == null) {
      synchronized (PeerServiceGrpc.class) {
        if ((getPingMethod = PeerServiceGrpc.getPingMethod) == null) {
          PeerServiceGrpc.getPingMethod = getPingMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest, io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Ping"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PeerServiceMethodDescriptorSupplier("Ping"))
              .build();
        }
      }
    }
    return getPingMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static PeerServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PeerServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PeerServiceStub>() {
        @java.lang.Override
        public PeerServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PeerServiceStub(channel, callOptions);
        }
      };
    return PeerServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static PeerServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PeerServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PeerServiceBlockingV2Stub>() {
        @java.lang.Override
        public PeerServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PeerServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return PeerServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static PeerServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PeerServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PeerServiceBlockingStub>() {
        @java.lang.Override
        public PeerServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PeerServiceBlockingStub(channel, callOptions);
        }
      };
    return PeerServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static PeerServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PeerServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PeerServiceFutureStub>() {
        @java.lang.Override
        public PeerServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PeerServiceFutureStub(channel, callOptions);
        }
      };
    return PeerServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * PeerService tells about other sidecars and links to them.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * ListPeers pages through the peers this sidecar knows, by peer id.
     * </pre>
     */
    default void listPeers(io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListPeersMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetPeer tells about one peer.
     * </pre>
     */
    default void getPeer(io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetPeerMethod(), responseObserver);
    }

    /**
     * <pre>
     * WatchPeers streams a snapshot, then every change; it resumes at a cursor.
     * </pre>
     */
    default void watchPeers(io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchPeersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Connect links to a peer or contact; a peer already linked is answered at once.
     * </pre>
     */
    default void connect(io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getConnectMethod(), responseObserver);
    }

    /**
     * <pre>
     * Disconnect ends the link to a peer after what was sent is acknowledged or the deadline passed.
     * </pre>
     */
    default void disconnect(io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDisconnectMethod(), responseObserver);
    }

    /**
     * <pre>
     * BlockPeer puts a peer on the block list, which outlasts restarts, and cuts its link at once. A peer that is on it is
     * neither dialled nor let in.
     * </pre>
     */
    default void blockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBlockPeerMethod(), responseObserver);
    }

    /**
     * <pre>
     * UnblockPeer takes a peer off the block list.
     * </pre>
     */
    default void unblockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUnblockPeerMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ping measures the round trip to a linked peer's sidecar, linking first where needed.
     * </pre>
     */
    default void ping(io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPingMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service PeerService.
   * <pre>
   * PeerService tells about other sidecars and links to them.
   * </pre>
   */
  public static abstract class PeerServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return PeerServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service PeerService.
   * <pre>
   * PeerService tells about other sidecars and links to them.
   * </pre>
   */
  public static final class PeerServiceStub
      extends io.grpc.stub.AbstractAsyncStub<PeerServiceStub> {
    private PeerServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PeerServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PeerServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPeers pages through the peers this sidecar knows, by peer id.
     * </pre>
     */
    public void listPeers(io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListPeersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetPeer tells about one peer.
     * </pre>
     */
    public void getPeer(io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetPeerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * WatchPeers streams a snapshot, then every change; it resumes at a cursor.
     * </pre>
     */
    public void watchPeers(io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchPeersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Connect links to a peer or contact; a peer already linked is answered at once.
     * </pre>
     */
    public void connect(io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getConnectMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Disconnect ends the link to a peer after what was sent is acknowledged or the deadline passed.
     * </pre>
     */
    public void disconnect(io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDisconnectMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * BlockPeer puts a peer on the block list, which outlasts restarts, and cuts its link at once. A peer that is on it is
     * neither dialled nor let in.
     * </pre>
     */
    public void blockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBlockPeerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * UnblockPeer takes a peer off the block list.
     * </pre>
     */
    public void unblockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUnblockPeerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ping measures the round trip to a linked peer's sidecar, linking first where needed.
     * </pre>
     */
    public void ping(io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPingMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service PeerService.
   * <pre>
   * PeerService tells about other sidecars and links to them.
   * </pre>
   */
  public static final class PeerServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<PeerServiceBlockingV2Stub> {
    private PeerServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PeerServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PeerServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPeers pages through the peers this sidecar knows, by peer id.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse listPeers(io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListPeersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetPeer tells about one peer.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse getPeer(io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetPeerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WatchPeers streams a snapshot, then every change; it resumes at a cursor.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse>
        watchPeers(io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchPeersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Connect links to a peer or contact; a peer already linked is answered at once.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse connect(io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getConnectMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Disconnect ends the link to a peer after what was sent is acknowledged or the deadline passed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse disconnect(io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDisconnectMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * BlockPeer puts a peer on the block list, which outlasts restarts, and cuts its link at once. A peer that is on it is
     * neither dialled nor let in.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse blockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBlockPeerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UnblockPeer takes a peer off the block list.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse unblockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUnblockPeerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ping measures the round trip to a linked peer's sidecar, linking first where needed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse ping(io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPingMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service PeerService.
   * <pre>
   * PeerService tells about other sidecars and links to them.
   * </pre>
   */
  public static final class PeerServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<PeerServiceBlockingStub> {
    private PeerServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PeerServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PeerServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPeers pages through the peers this sidecar knows, by peer id.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse listPeers(io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListPeersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetPeer tells about one peer.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse getPeer(io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetPeerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WatchPeers streams a snapshot, then every change; it resumes at a cursor.
     * </pre>
     */
    public java.util.Iterator<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse> watchPeers(
        io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchPeersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Connect links to a peer or contact; a peer already linked is answered at once.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse connect(io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getConnectMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Disconnect ends the link to a peer after what was sent is acknowledged or the deadline passed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse disconnect(io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDisconnectMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * BlockPeer puts a peer on the block list, which outlasts restarts, and cuts its link at once. A peer that is on it is
     * neither dialled nor let in.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse blockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBlockPeerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UnblockPeer takes a peer off the block list.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse unblockPeer(io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUnblockPeerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ping measures the round trip to a linked peer's sidecar, linking first where needed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse ping(io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPingMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service PeerService.
   * <pre>
   * PeerService tells about other sidecars and links to them.
   * </pre>
   */
  public static final class PeerServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<PeerServiceFutureStub> {
    private PeerServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PeerServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PeerServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPeers pages through the peers this sidecar knows, by peer id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse> listPeers(
        io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListPeersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetPeer tells about one peer.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse> getPeer(
        io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetPeerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Connect links to a peer or contact; a peer already linked is answered at once.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse> connect(
        io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getConnectMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Disconnect ends the link to a peer after what was sent is acknowledged or the deadline passed.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse> disconnect(
        io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDisconnectMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * BlockPeer puts a peer on the block list, which outlasts restarts, and cuts its link at once. A peer that is on it is
     * neither dialled nor let in.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse> blockPeer(
        io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBlockPeerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * UnblockPeer takes a peer off the block list.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse> unblockPeer(
        io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUnblockPeerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ping measures the round trip to a linked peer's sidecar, linking first where needed.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse> ping(
        io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPingMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_PEERS = 0;
  private static final int METHODID_GET_PEER = 1;
  private static final int METHODID_WATCH_PEERS = 2;
  private static final int METHODID_CONNECT = 3;
  private static final int METHODID_DISCONNECT = 4;
  private static final int METHODID_BLOCK_PEER = 5;
  private static final int METHODID_UNBLOCK_PEER = 6;
  private static final int METHODID_PING = 7;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_LIST_PEERS:
          serviceImpl.listPeers((io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse>) responseObserver);
          break;
        case METHODID_GET_PEER:
          serviceImpl.getPeer((io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse>) responseObserver);
          break;
        case METHODID_WATCH_PEERS:
          serviceImpl.watchPeers((io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse>) responseObserver);
          break;
        case METHODID_CONNECT:
          serviceImpl.connect((io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse>) responseObserver);
          break;
        case METHODID_DISCONNECT:
          serviceImpl.disconnect((io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse>) responseObserver);
          break;
        case METHODID_BLOCK_PEER:
          serviceImpl.blockPeer((io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse>) responseObserver);
          break;
        case METHODID_UNBLOCK_PEER:
          serviceImpl.unblockPeer((io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse>) responseObserver);
          break;
        case METHODID_PING:
          serviceImpl.ping((io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getListPeersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse>(
                service, METHODID_LIST_PEERS)))
        .addMethod(
          getGetPeerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse>(
                service, METHODID_GET_PEER)))
        .addMethod(
          getWatchPeersMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.WatchPeersResponse>(
                service, METHODID_WATCH_PEERS)))
        .addMethod(
          getConnectMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse>(
                service, METHODID_CONNECT)))
        .addMethod(
          getDisconnectMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse>(
                service, METHODID_DISCONNECT)))
        .addMethod(
          getBlockPeerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerResponse>(
                service, METHODID_BLOCK_PEER)))
        .addMethod(
          getUnblockPeerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerResponse>(
                service, METHODID_UNBLOCK_PEER)))
        .addMethod(
          getPingMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse>(
                service, METHODID_PING)))
        .build();
  }

  private static abstract class PeerServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    PeerServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.quicp2p.sidecar.gen.overlay.v1.PeerOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("PeerService");
    }
  }

  private static final class PeerServiceFileDescriptorSupplier
      extends PeerServiceBaseDescriptorSupplier {
    PeerServiceFileDescriptorSupplier() {}
  }

  private static final class PeerServiceMethodDescriptorSupplier
      extends PeerServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    PeerServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (PeerServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new PeerServiceFileDescriptorSupplier())
              .addMethod(getListPeersMethod())
              .addMethod(getGetPeerMethod())
              .addMethod(getWatchPeersMethod())
              .addMethod(getConnectMethod())
              .addMethod(getDisconnectMethod())
              .addMethod(getBlockPeerMethod())
              .addMethod(getUnblockPeerMethod())
              .addMethod(getPingMethod())
              .build();
        }
      }
    }
    return result;
  }
}
