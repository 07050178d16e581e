package io.github.quicp2p.sidecar.gen.overlay.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * StreamService moves byte streams between this app and the apps beside other sidecars. A stream is bidirectional, of any
 * length, and outlives the connection that carries it. A call is one stream: the frame `finish` ends the client's
 * way; the call ends with OK when both ways have ended and everything written has come to the other sidecar.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class StreamServiceGrpc {

  private StreamServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "overlay.v1.StreamService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse> getOpenMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Open",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse> getOpenMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest, io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse> getOpenMethod;
    if ((getOpenMethod = StreamServiceGrpc.getOpenMethod) == null) {
      synchronized (StreamServiceGrpc.class) {
        if ((getOpenMethod = StreamServiceGrpc.getOpenMethod) == null) {
          StreamServiceGrpc.getOpenMethod = getOpenMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest, io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Open"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StreamServiceMethodDescriptorSupplier("Open"))
              .build();
        }
      }
    }
    return getOpenMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse> getAcceptMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Accept",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse> getAcceptMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest, io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse> getAcceptMethod;
    if ((getAcceptMethod = StreamServiceGrpc.getAcceptMethod) == null) {
      synchronized (StreamServiceGrpc.class) {
        if ((getAcceptMethod = StreamServiceGrpc.getAcceptMethod) == null) {
          StreamServiceGrpc.getAcceptMethod = getAcceptMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest, io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Accept"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StreamServiceMethodDescriptorSupplier("Accept"))
              .build();
        }
      }
    }
    return getAcceptMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static StreamServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StreamServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StreamServiceStub>() {
        @java.lang.Override
        public StreamServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StreamServiceStub(channel, callOptions);
        }
      };
    return StreamServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static StreamServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StreamServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StreamServiceBlockingV2Stub>() {
        @java.lang.Override
        public StreamServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StreamServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return StreamServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static StreamServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StreamServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StreamServiceBlockingStub>() {
        @java.lang.Override
        public StreamServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StreamServiceBlockingStub(channel, callOptions);
        }
      };
    return StreamServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static StreamServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StreamServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StreamServiceFutureStub>() {
        @java.lang.Override
        public StreamServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StreamServiceFutureStub(channel, callOptions);
        }
      };
    return StreamServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * StreamService moves byte streams between this app and the apps beside other sidecars. A stream is bidirectional, of any
   * length, and outlives the connection that carries it. A call is one stream: the frame `finish` ends the client's
   * way; the call ends with OK when both ways have ended and everything written has come to the other sidecar.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Open opens a byte stream to an app beside another sidecar. The first frame is `open`; data may follow at once.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest> open(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getOpenMethod(), responseObserver);
    }

    /**
     * <pre>
     * Accept takes one byte stream that comes in by a name; call it again for the next one, or several times at once.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest> accept(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getAcceptMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service StreamService.
   * <pre>
   * StreamService moves byte streams between this app and the apps beside other sidecars. A stream is bidirectional, of any
   * length, and outlives the connection that carries it. A call is one stream: the frame `finish` ends the client's
   * way; the call ends with OK when both ways have ended and everything written has come to the other sidecar.
   * </pre>
   */
  public static abstract class StreamServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return StreamServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service StreamService.
   * <pre>
   * StreamService moves byte streams between this app and the apps beside other sidecars. A stream is bidirectional, of any
   * length, and outlives the connection that carries it. A call is one stream: the frame `finish` ends the client's
   * way; the call ends with OK when both ways have ended and everything written has come to the other sidecar.
   * </pre>
   */
  public static final class StreamServiceStub
      extends io.grpc.stub.AbstractAsyncStub<StreamServiceStub> {
    private StreamServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StreamServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StreamServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Open opens a byte stream to an app beside another sidecar. The first frame is `open`; data may follow at once.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest> open(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getOpenMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Accept takes one byte stream that comes in by a name; call it again for the next one, or several times at once.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest> accept(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getAcceptMethod(), getCallOptions()), responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service StreamService.
   * <pre>
   * StreamService moves byte streams between this app and the apps beside other sidecars. A stream is bidirectional, of any
   * length, and outlives the connection that carries it. A call is one stream: the frame `finish` ends the client's
   * way; the call ends with OK when both ways have ended and everything written has come to the other sidecar.
   * </pre>
   */
  public static final class StreamServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<StreamServiceBlockingV2Stub> {
    private StreamServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StreamServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StreamServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Open opens a byte stream to an app beside another sidecar. The first frame is `open`; data may follow at once.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest, io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse>
        open() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getOpenMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Accept takes one byte stream that comes in by a name; call it again for the next one, or several times at once.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest, io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse>
        accept() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getAcceptMethod(), getCallOptions());
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service StreamService.
   * <pre>
   * StreamService moves byte streams between this app and the apps beside other sidecars. A stream is bidirectional, of any
   * length, and outlives the connection that carries it. A call is one stream: the frame `finish` ends the client's
   * way; the call ends with OK when both ways have ended and everything written has come to the other sidecar.
   * </pre>
   */
  public static final class StreamServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<StreamServiceBlockingStub> {
    private StreamServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StreamServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StreamServiceBlockingStub(channel, callOptions);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service StreamService.
   * <pre>
   * StreamService moves byte streams between this app and the apps beside other sidecars. A stream is bidirectional, of any
   * length, and outlives the connection that carries it. A call is one stream: the frame `finish` ends the client's
   * way; the call ends with OK when both ways have ended and everything written has come to the other sidecar.
   * </pre>
   */
  public static final class StreamServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<StreamServiceFutureStub> {
    private StreamServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StreamServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StreamServiceFutureStub(channel, callOptions);
    }
  }

  private static final int METHODID_OPEN = 0;
  private static final int METHODID_ACCEPT = 1;

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
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_OPEN:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.open(
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse>) responseObserver);
        case METHODID_ACCEPT:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.accept(
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getOpenMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse>(
                service, METHODID_OPEN)))
        .addMethod(
          getAcceptMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse>(
                service, METHODID_ACCEPT)))
        .build();
  }

  private static abstract class StreamServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    StreamServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.quicp2p.sidecar.gen.overlay.v1.Stream.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("StreamService");
    }
  }

  private static final class StreamServiceFileDescriptorSupplier
      extends StreamServiceBaseDescriptorSupplier {
    StreamServiceFileDescriptorSupplier() {}
  }

  private static final class StreamServiceMethodDescriptorSupplier
      extends StreamServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    StreamServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (StreamServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new StreamServiceFileDescriptorSupplier())
              .addMethod(getOpenMethod())
              .addMethod(getAcceptMethod())
              .build();
        }
      }
    }
    return result;
  }
}
