package io.github.quicp2p.sidecar.gen.overlay.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * NodeService tells about this sidecar and stops it.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class NodeServiceGrpc {

  private NodeServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "overlay.v1.NodeService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse> getGetNodeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetNode",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse> getGetNodeMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest, io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse> getGetNodeMethod;
    if ((getGetNodeMethod = NodeServiceGrpc.getGetNodeMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getGetNodeMethod = NodeServiceGrpc.getGetNodeMethod) == null) {
          NodeServiceGrpc.getGetNodeMethod = getGetNodeMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest, io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetNode"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("GetNode"))
              .build();
        }
      }
    }
    return getGetNodeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse> getWatchEventsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchEvents",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse> getWatchEventsMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse> getWatchEventsMethod;
    if ((getWatchEventsMethod = NodeServiceGrpc.getWatchEventsMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getWatchEventsMethod = NodeServiceGrpc.getWatchEventsMethod) == null) {
          NodeServiceGrpc.getWatchEventsMethod = getWatchEventsMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchEvents"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("WatchEvents"))
              .build();
        }
      }
    }
    return getWatchEventsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse> getCheckReachabilityMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CheckReachability",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse> getCheckReachabilityMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest, io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse> getCheckReachabilityMethod;
    if ((getCheckReachabilityMethod = NodeServiceGrpc.getCheckReachabilityMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getCheckReachabilityMethod = NodeServiceGrpc.getCheckReachabilityMethod) == null) {
          NodeServiceGrpc.getCheckReachabilityMethod = getCheckReachabilityMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest, io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CheckReachability"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("CheckReachability"))
              .build();
        }
      }
    }
    return getCheckReachabilityMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse> getDrainMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Drain",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse> getDrainMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest, io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse> getDrainMethod;
    if ((getDrainMethod = NodeServiceGrpc.getDrainMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getDrainMethod = NodeServiceGrpc.getDrainMethod) == null) {
          NodeServiceGrpc.getDrainMethod = getDrainMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest, io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Drain"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("Drain"))
              .build();
        }
      }
    }
    return getDrainMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static NodeServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceStub>() {
        @java.lang.Override
        public NodeServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceStub(channel, callOptions);
        }
      };
    return NodeServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static NodeServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingV2Stub>() {
        @java.lang.Override
        public NodeServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return NodeServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static NodeServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingStub>() {
        @java.lang.Override
        public NodeServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceBlockingStub(channel, callOptions);
        }
      };
    return NodeServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static NodeServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceFutureStub>() {
        @java.lang.Override
        public NodeServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceFutureStub(channel, callOptions);
        }
      };
    return NodeServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * NodeService tells about this sidecar and stops it.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * GetNode tells who this sidecar is, where it listens and what its limits are.
     * </pre>
     */
    default void getNode(io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetNodeMethod(), responseObserver);
    }

    /**
     * <pre>
     * WatchEvents streams what happens; it resumes at a cursor.
     * </pre>
     */
    default void watchEvents(io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchEventsMethod(), responseObserver);
    }

    /**
     * <pre>
     * CheckReachability has linked peers dial this sidecar back, each from a socket of its own, and tells what came of it.
     * </pre>
     */
    default void checkReachability(io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCheckReachabilityMethod(), responseObserver);
    }

    /**
     * <pre>
     * Drain takes nothing new, waits until what was accepted has an outcome or the call's deadline passes, announces the
     * leave, and then stops the sidecar.
     * </pre>
     */
    default void drain(io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDrainMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service NodeService.
   * <pre>
   * NodeService tells about this sidecar and stops it.
   * </pre>
   */
  public static abstract class NodeServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return NodeServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service NodeService.
   * <pre>
   * NodeService tells about this sidecar and stops it.
   * </pre>
   */
  public static final class NodeServiceStub
      extends io.grpc.stub.AbstractAsyncStub<NodeServiceStub> {
    private NodeServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetNode tells who this sidecar is, where it listens and what its limits are.
     * </pre>
     */
    public void getNode(io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetNodeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * WatchEvents streams what happens; it resumes at a cursor.
     * </pre>
     */
    public void watchEvents(io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchEventsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CheckReachability has linked peers dial this sidecar back, each from a socket of its own, and tells what came of it.
     * </pre>
     */
    public void checkReachability(io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCheckReachabilityMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Drain takes nothing new, waits until what was accepted has an outcome or the call's deadline passes, announces the
     * leave, and then stops the sidecar.
     * </pre>
     */
    public void drain(io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDrainMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service NodeService.
   * <pre>
   * NodeService tells about this sidecar and stops it.
   * </pre>
   */
  public static final class NodeServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<NodeServiceBlockingV2Stub> {
    private NodeServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * GetNode tells who this sidecar is, where it listens and what its limits are.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse getNode(io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WatchEvents streams what happens; it resumes at a cursor.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse>
        watchEvents(io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchEventsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CheckReachability has linked peers dial this sidecar back, each from a socket of its own, and tells what came of it.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse checkReachability(io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCheckReachabilityMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Drain takes nothing new, waits until what was accepted has an outcome or the call's deadline passes, announces the
     * leave, and then stops the sidecar.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse drain(io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDrainMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service NodeService.
   * <pre>
   * NodeService tells about this sidecar and stops it.
   * </pre>
   */
  public static final class NodeServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<NodeServiceBlockingStub> {
    private NodeServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetNode tells who this sidecar is, where it listens and what its limits are.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse getNode(io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WatchEvents streams what happens; it resumes at a cursor.
     * </pre>
     */
    public java.util.Iterator<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse> watchEvents(
        io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchEventsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CheckReachability has linked peers dial this sidecar back, each from a socket of its own, and tells what came of it.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse checkReachability(io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCheckReachabilityMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Drain takes nothing new, waits until what was accepted has an outcome or the call's deadline passes, announces the
     * leave, and then stops the sidecar.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse drain(io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDrainMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service NodeService.
   * <pre>
   * NodeService tells about this sidecar and stops it.
   * </pre>
   */
  public static final class NodeServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<NodeServiceFutureStub> {
    private NodeServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetNode tells who this sidecar is, where it listens and what its limits are.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse> getNode(
        io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetNodeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * CheckReachability has linked peers dial this sidecar back, each from a socket of its own, and tells what came of it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse> checkReachability(
        io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCheckReachabilityMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Drain takes nothing new, waits until what was accepted has an outcome or the call's deadline passes, announces the
     * leave, and then stops the sidecar.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse> drain(
        io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDrainMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_NODE = 0;
  private static final int METHODID_WATCH_EVENTS = 1;
  private static final int METHODID_CHECK_REACHABILITY = 2;
  private static final int METHODID_DRAIN = 3;

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
        case METHODID_GET_NODE:
          serviceImpl.getNode((io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse>) responseObserver);
          break;
        case METHODID_WATCH_EVENTS:
          serviceImpl.watchEvents((io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse>) responseObserver);
          break;
        case METHODID_CHECK_REACHABILITY:
          serviceImpl.checkReachability((io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse>) responseObserver);
          break;
        case METHODID_DRAIN:
          serviceImpl.drain((io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse>) responseObserver);
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
          getGetNodeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse>(
                service, METHODID_GET_NODE)))
        .addMethod(
          getWatchEventsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.WatchEventsResponse>(
                service, METHODID_WATCH_EVENTS)))
        .addMethod(
          getCheckReachabilityMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse>(
                service, METHODID_CHECK_REACHABILITY)))
        .addMethod(
          getDrainMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse>(
                service, METHODID_DRAIN)))
        .build();
  }

  private static abstract class NodeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    NodeServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.quicp2p.sidecar.gen.overlay.v1.Node.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("NodeService");
    }
  }

  private static final class NodeServiceFileDescriptorSupplier
      extends NodeServiceBaseDescriptorSupplier {
    NodeServiceFileDescriptorSupplier() {}
  }

  private static final class NodeServiceMethodDescriptorSupplier
      extends NodeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    NodeServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (NodeServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new NodeServiceFileDescriptorSupplier())
              .addMethod(getGetNodeMethod())
              .addMethod(getWatchEventsMethod())
              .addMethod(getCheckReachabilityMethod())
              .addMethod(getDrainMethod())
              .build();
        }
      }
    }
    return result;
  }
}
