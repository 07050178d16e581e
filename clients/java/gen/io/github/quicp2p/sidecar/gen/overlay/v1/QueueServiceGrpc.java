package io.github.quicp2p.sidecar.gen.overlay.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * QueueService shows and empties what this sidecar keeps: durable messages that wait, and dead letters.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class QueueServiceGrpc {

  private QueueServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "overlay.v1.QueueService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse> getListQueuesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListQueues",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse> getListQueuesMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse> getListQueuesMethod;
    if ((getListQueuesMethod = QueueServiceGrpc.getListQueuesMethod) == null) {
      synchronized (QueueServiceGrpc.class) {
        if ((getListQueuesMethod = QueueServiceGrpc.getListQueuesMethod) == null) {
          QueueServiceGrpc.getListQueuesMethod = getListQueuesMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListQueues"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QueueServiceMethodDescriptorSupplier("ListQueues"))
              .build();
        }
      }
    }
    return getListQueuesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse> getListLettersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListLetters",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse> getListLettersMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse> getListLettersMethod;
    if ((getListLettersMethod = QueueServiceGrpc.getListLettersMethod) == null) {
      synchronized (QueueServiceGrpc.class) {
        if ((getListLettersMethod = QueueServiceGrpc.getListLettersMethod) == null) {
          QueueServiceGrpc.getListLettersMethod = getListLettersMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListLetters"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QueueServiceMethodDescriptorSupplier("ListLetters"))
              .build();
        }
      }
    }
    return getListLettersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse> getGetLetterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetLetter",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse> getGetLetterMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest, io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse> getGetLetterMethod;
    if ((getGetLetterMethod = QueueServiceGrpc.getGetLetterMethod) == null) {
      synchronized (QueueServiceGrpc.class) {
        if ((getGetLetterMethod = QueueServiceGrpc.getGetLetterMethod) == null) {
          QueueServiceGrpc.getGetLetterMethod = getGetLetterMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest, io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetLetter"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QueueServiceMethodDescriptorSupplier("GetLetter"))
              .build();
        }
      }
    }
    return getGetLetterMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse> getPurgeLettersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PurgeLetters",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse> getPurgeLettersMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse> getPurgeLettersMethod;
    if ((getPurgeLettersMethod = QueueServiceGrpc.getPurgeLettersMethod) == null) {
      synchronized (QueueServiceGrpc.class) {
        if ((getPurgeLettersMethod = QueueServiceGrpc.getPurgeLettersMethod) == null) {
          QueueServiceGrpc.getPurgeLettersMethod = getPurgeLettersMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PurgeLetters"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QueueServiceMethodDescriptorSupplier("PurgeLetters"))
              .build();
        }
      }
    }
    return getPurgeLettersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse> getReplayLettersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReplayLetters",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse> getReplayLettersMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse> getReplayLettersMethod;
    if ((getReplayLettersMethod = QueueServiceGrpc.getReplayLettersMethod) == null) {
      synchronized (QueueServiceGrpc.class) {
        if ((getReplayLettersMethod = QueueServiceGrpc.getReplayLettersMethod) == null) {
          QueueServiceGrpc.getReplayLettersMethod = getReplayLettersMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReplayLetters"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QueueServiceMethodDescriptorSupplier("ReplayLetters"))
              .build();
        }
      }
    }
    return getReplayLettersMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static QueueServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QueueServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QueueServiceStub>() {
        @java.lang.Override
        public QueueServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QueueServiceStub(channel, callOptions);
        }
      };
    return QueueServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static QueueServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QueueServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QueueServiceBlockingV2Stub>() {
        @java.lang.Override
        public QueueServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QueueServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return QueueServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static QueueServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QueueServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QueueServiceBlockingStub>() {
        @java.lang.Override
        public QueueServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QueueServiceBlockingStub(channel, callOptions);
        }
      };
    return QueueServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static QueueServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QueueServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QueueServiceFutureStub>() {
        @java.lang.Override
        public QueueServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QueueServiceFutureStub(channel, callOptions);
        }
      };
    return QueueServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * QueueService shows and empties what this sidecar keeps: durable messages that wait, and dead letters.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * ListQueues tells what waits, summed by queue, peer and channel.
     * </pre>
     */
    default void listQueues(io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListQueuesMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListLetters lists what a queue holds, oldest first, in pages; each letter is a run of messages as they travelled.
     * </pre>
     */
    default void listLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListLettersMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetLetter gives one letter with its messages.
     * </pre>
     */
    default void getLetter(io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetLetterMethod(), responseObserver);
    }

    /**
     * <pre>
     * PurgeLetters removes letters for good; senders that still wait for them are told PURGED.
     * </pre>
     */
    default void purgeLetters(io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPurgeLettersMethod(), responseObserver);
    }

    /**
     * <pre>
     * ReplayLetters puts dead letters back: what came in is handed out again on its channel, what was going out is sent again.
     * </pre>
     */
    default void replayLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReplayLettersMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service QueueService.
   * <pre>
   * QueueService shows and empties what this sidecar keeps: durable messages that wait, and dead letters.
   * </pre>
   */
  public static abstract class QueueServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return QueueServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service QueueService.
   * <pre>
   * QueueService shows and empties what this sidecar keeps: durable messages that wait, and dead letters.
   * </pre>
   */
  public static final class QueueServiceStub
      extends io.grpc.stub.AbstractAsyncStub<QueueServiceStub> {
    private QueueServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QueueServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QueueServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListQueues tells what waits, summed by queue, peer and channel.
     * </pre>
     */
    public void listQueues(io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListQueuesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListLetters lists what a queue holds, oldest first, in pages; each letter is a run of messages as they travelled.
     * </pre>
     */
    public void listLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListLettersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetLetter gives one letter with its messages.
     * </pre>
     */
    public void getLetter(io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetLetterMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * PurgeLetters removes letters for good; senders that still wait for them are told PURGED.
     * </pre>
     */
    public void purgeLetters(io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPurgeLettersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ReplayLetters puts dead letters back: what came in is handed out again on its channel, what was going out is sent again.
     * </pre>
     */
    public void replayLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReplayLettersMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service QueueService.
   * <pre>
   * QueueService shows and empties what this sidecar keeps: durable messages that wait, and dead letters.
   * </pre>
   */
  public static final class QueueServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<QueueServiceBlockingV2Stub> {
    private QueueServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QueueServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QueueServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * ListQueues tells what waits, summed by queue, peer and channel.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse listQueues(io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListQueuesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListLetters lists what a queue holds, oldest first, in pages; each letter is a run of messages as they travelled.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse listLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListLettersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetLetter gives one letter with its messages.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse getLetter(io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetLetterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * PurgeLetters removes letters for good; senders that still wait for them are told PURGED.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse purgeLetters(io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPurgeLettersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReplayLetters puts dead letters back: what came in is handed out again on its channel, what was going out is sent again.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse replayLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReplayLettersMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service QueueService.
   * <pre>
   * QueueService shows and empties what this sidecar keeps: durable messages that wait, and dead letters.
   * </pre>
   */
  public static final class QueueServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<QueueServiceBlockingStub> {
    private QueueServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QueueServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QueueServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListQueues tells what waits, summed by queue, peer and channel.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse listQueues(io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListQueuesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListLetters lists what a queue holds, oldest first, in pages; each letter is a run of messages as they travelled.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse listLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListLettersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetLetter gives one letter with its messages.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse getLetter(io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetLetterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * PurgeLetters removes letters for good; senders that still wait for them are told PURGED.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse purgeLetters(io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPurgeLettersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReplayLetters puts dead letters back: what came in is handed out again on its channel, what was going out is sent again.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse replayLetters(io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReplayLettersMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service QueueService.
   * <pre>
   * QueueService shows and empties what this sidecar keeps: durable messages that wait, and dead letters.
   * </pre>
   */
  public static final class QueueServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<QueueServiceFutureStub> {
    private QueueServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QueueServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QueueServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListQueues tells what waits, summed by queue, peer and channel.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse> listQueues(
        io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListQueuesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListLetters lists what a queue holds, oldest first, in pages; each letter is a run of messages as they travelled.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse> listLetters(
        io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListLettersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetLetter gives one letter with its messages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse> getLetter(
        io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetLetterMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * PurgeLetters removes letters for good; senders that still wait for them are told PURGED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse> purgeLetters(
        io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPurgeLettersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ReplayLetters puts dead letters back: what came in is handed out again on its channel, what was going out is sent again.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse> replayLetters(
        io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReplayLettersMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_QUEUES = 0;
  private static final int METHODID_LIST_LETTERS = 1;
  private static final int METHODID_GET_LETTER = 2;
  private static final int METHODID_PURGE_LETTERS = 3;
  private static final int METHODID_REPLAY_LETTERS = 4;

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
        case METHODID_LIST_QUEUES:
          serviceImpl.listQueues((io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse>) responseObserver);
          break;
        case METHODID_LIST_LETTERS:
          serviceImpl.listLetters((io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse>) responseObserver);
          break;
        case METHODID_GET_LETTER:
          serviceImpl.getLetter((io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse>) responseObserver);
          break;
        case METHODID_PURGE_LETTERS:
          serviceImpl.purgeLetters((io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse>) responseObserver);
          break;
        case METHODID_REPLAY_LETTERS:
          serviceImpl.replayLetters((io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse>) responseObserver);
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
          getListQueuesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse>(
                service, METHODID_LIST_QUEUES)))
        .addMethod(
          getListLettersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse>(
                service, METHODID_LIST_LETTERS)))
        .addMethod(
          getGetLetterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse>(
                service, METHODID_GET_LETTER)))
        .addMethod(
          getPurgeLettersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse>(
                service, METHODID_PURGE_LETTERS)))
        .addMethod(
          getReplayLettersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse>(
                service, METHODID_REPLAY_LETTERS)))
        .build();
  }

  private static abstract class QueueServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    QueueServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.quicp2p.sidecar.gen.overlay.v1.QueueOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("QueueService");
    }
  }

  private static final class QueueServiceFileDescriptorSupplier
      extends QueueServiceBaseDescriptorSupplier {
    QueueServiceFileDescriptorSupplier() {}
  }

  private static final class QueueServiceMethodDescriptorSupplier
      extends QueueServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    QueueServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (QueueServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new QueueServiceFileDescriptorSupplier())
              .addMethod(getListQueuesMethod())
              .addMethod(getListLettersMethod())
              .addMethod(getGetLetterMethod())
              .addMethod(getPurgeLettersMethod())
              .addMethod(getReplayLettersMethod())
              .build();
        }
      }
    }
    return result;
  }
}
