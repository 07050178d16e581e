package io.github.quicp2p.sidecar.gen.overlay.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * BootstrapService finds the way into the network.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class BootstrapServiceGrpc {

  private BootstrapServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "overlay.v1.BootstrapService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse> getBootstrapMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Bootstrap",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse> getBootstrapMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest, io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse> getBootstrapMethod;
    if ((getBootstrapMethod = BootstrapServiceGrpc.getBootstrapMethod) == null) {
      synchronized (BootstrapServiceGrpc.class) {
        if ((getBootstrapMethod = BootstrapServiceGrpc.getBootstrapMethod) == null) {
          BootstrapServiceGrpc.getBootstrapMethod = getBootstrapMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest, io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Bootstrap"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BootstrapServiceMethodDescriptorSupplier("Bootstrap"))
              .build();
        }
      }
    }
    return getBootstrapMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse> getListContactsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListContacts",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse> getListContactsMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse> getListContactsMethod;
    if ((getListContactsMethod = BootstrapServiceGrpc.getListContactsMethod) == null) {
      synchronized (BootstrapServiceGrpc.class) {
        if ((getListContactsMethod = BootstrapServiceGrpc.getListContactsMethod) == null) {
          BootstrapServiceGrpc.getListContactsMethod = getListContactsMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListContacts"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BootstrapServiceMethodDescriptorSupplier("ListContacts"))
              .build();
        }
      }
    }
    return getListContactsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse> getAddContactsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AddContacts",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse> getAddContactsMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse> getAddContactsMethod;
    if ((getAddContactsMethod = BootstrapServiceGrpc.getAddContactsMethod) == null) {
      synchronized (BootstrapServiceGrpc.class) {
        if ((getAddContactsMethod = BootstrapServiceGrpc.getAddContactsMethod) == null) {
          BootstrapServiceGrpc.getAddContactsMethod = getAddContactsMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AddContacts"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BootstrapServiceMethodDescriptorSupplier("AddContacts"))
              .build();
        }
      }
    }
    return getAddContactsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse> getRemoveContactMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RemoveContact",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse> getRemoveContactMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest, io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse> getRemoveContactMethod;
    if ((getRemoveContactMethod = BootstrapServiceGrpc.getRemoveContactMethod) == null) {
      synchronized (BootstrapServiceGrpc.class) {
        if ((getRemoveContactMethod = BootstrapServiceGrpc.getRemoveContactMethod) == null) {
          BootstrapServiceGrpc.getRemoveContactMethod = getRemoveContactMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest, io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RemoveContact"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BootstrapServiceMethodDescriptorSupplier("RemoveContact"))
              .build();
        }
      }
    }
    return getRemoveContactMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static BootstrapServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceStub>() {
        @java.lang.Override
        public BootstrapServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BootstrapServiceStub(channel, callOptions);
        }
      };
    return BootstrapServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static BootstrapServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceBlockingV2Stub>() {
        @java.lang.Override
        public BootstrapServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BootstrapServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return BootstrapServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static BootstrapServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceBlockingStub>() {
        @java.lang.Override
        public BootstrapServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BootstrapServiceBlockingStub(channel, callOptions);
        }
      };
    return BootstrapServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static BootstrapServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BootstrapServiceFutureStub>() {
        @java.lang.Override
        public BootstrapServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BootstrapServiceFutureStub(channel, callOptions);
        }
      };
    return BootstrapServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * BootstrapService finds the way into the network.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Bootstrap dials the contacts that are given, or else every remembered node and every contact, a moment apart, and
     * answers when the first is linked or all have failed.
     * </pre>
     */
    default void bootstrap(io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBootstrapMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListContacts lists the contacts, configured and added, and the remembered nodes where they are asked for.
     * </pre>
     */
    default void listContacts(io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListContactsMethod(), responseObserver);
    }

    /**
     * <pre>
     * AddContacts adds contacts; they outlast a restart.
     * </pre>
     */
    default void addContacts(io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAddContactsMethod(), responseObserver);
    }

    /**
     * <pre>
     * RemoveContact removes an added contact, or forgets a remembered node's address; configured contacts are removed
     * where they are configured.
     * </pre>
     */
    default void removeContact(io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRemoveContactMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service BootstrapService.
   * <pre>
   * BootstrapService finds the way into the network.
   * </pre>
   */
  public static abstract class BootstrapServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return BootstrapServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service BootstrapService.
   * <pre>
   * BootstrapService finds the way into the network.
   * </pre>
   */
  public static final class BootstrapServiceStub
      extends io.grpc.stub.AbstractAsyncStub<BootstrapServiceStub> {
    private BootstrapServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BootstrapServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BootstrapServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Bootstrap dials the contacts that are given, or else every remembered node and every contact, a moment apart, and
     * answers when the first is linked or all have failed.
     * </pre>
     */
    public void bootstrap(io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBootstrapMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListContacts lists the contacts, configured and added, and the remembered nodes where they are asked for.
     * </pre>
     */
    public void listContacts(io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListContactsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * AddContacts adds contacts; they outlast a restart.
     * </pre>
     */
    public void addContacts(io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAddContactsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * RemoveContact removes an added contact, or forgets a remembered node's address; configured contacts are removed
     * where they are configured.
     * </pre>
     */
    public void removeContact(io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRemoveContactMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service BootstrapService.
   * <pre>
   * BootstrapService finds the way into the network.
   * </pre>
   */
  public static final class BootstrapServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<BootstrapServiceBlockingV2Stub> {
    private BootstrapServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BootstrapServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BootstrapServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Bootstrap dials the contacts that are given, or else every remembered node and every contact, a moment apart, and
     * answers when the first is linked or all have failed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse bootstrap(io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBootstrapMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListContacts lists the contacts, configured and added, and the remembered nodes where they are asked for.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse listContacts(io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListContactsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * AddContacts adds contacts; they outlast a restart.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse addContacts(io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAddContactsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RemoveContact removes an added contact, or forgets a remembered node's address; configured contacts are removed
     * where they are configured.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse removeContact(io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRemoveContactMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service BootstrapService.
   * <pre>
   * BootstrapService finds the way into the network.
   * </pre>
   */
  public static final class BootstrapServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<BootstrapServiceBlockingStub> {
    private BootstrapServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BootstrapServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BootstrapServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Bootstrap dials the contacts that are given, or else every remembered node and every contact, a moment apart, and
     * answers when the first is linked or all have failed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse bootstrap(io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBootstrapMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListContacts lists the contacts, configured and added, and the remembered nodes where they are asked for.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse listContacts(io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListContactsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * AddContacts adds contacts; they outlast a restart.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse addContacts(io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAddContactsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RemoveContact removes an added contact, or forgets a remembered node's address; configured contacts are removed
     * where they are configured.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse removeContact(io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRemoveContactMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service BootstrapService.
   * <pre>
   * BootstrapService finds the way into the network.
   * </pre>
   */
  public static final class BootstrapServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<BootstrapServiceFutureStub> {
    private BootstrapServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BootstrapServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BootstrapServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Bootstrap dials the contacts that are given, or else every remembered node and every contact, a moment apart, and
     * answers when the first is linked or all have failed.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse> bootstrap(
        io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBootstrapMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListContacts lists the contacts, configured and added, and the remembered nodes where they are asked for.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse> listContacts(
        io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListContactsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * AddContacts adds contacts; they outlast a restart.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse> addContacts(
        io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAddContactsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * RemoveContact removes an added contact, or forgets a remembered node's address; configured contacts are removed
     * where they are configured.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse> removeContact(
        io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRemoveContactMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_BOOTSTRAP = 0;
  private static final int METHODID_LIST_CONTACTS = 1;
  private static final int METHODID_ADD_CONTACTS = 2;
  private static final int METHODID_REMOVE_CONTACT = 3;

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
        case METHODID_BOOTSTRAP:
          serviceImpl.bootstrap((io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse>) responseObserver);
          break;
        case METHODID_LIST_CONTACTS:
          serviceImpl.listContacts((io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse>) responseObserver);
          break;
        case METHODID_ADD_CONTACTS:
          serviceImpl.addContacts((io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse>) responseObserver);
          break;
        case METHODID_REMOVE_CONTACT:
          serviceImpl.removeContact((io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse>) responseObserver);
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
          getBootstrapMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse>(
                service, METHODID_BOOTSTRAP)))
        .addMethod(
          getListContactsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse>(
                service, METHODID_LIST_CONTACTS)))
        .addMethod(
          getAddContactsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse>(
                service, METHODID_ADD_CONTACTS)))
        .addMethod(
          getRemoveContactMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactResponse>(
                service, METHODID_REMOVE_CONTACT)))
        .build();
  }

  private static abstract class BootstrapServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    BootstrapServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.quicp2p.sidecar.gen.overlay.v1.Bootstrap.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("BootstrapService");
    }
  }

  private static final class BootstrapServiceFileDescriptorSupplier
      extends BootstrapServiceBaseDescriptorSupplier {
    BootstrapServiceFileDescriptorSupplier() {}
  }

  private static final class BootstrapServiceMethodDescriptorSupplier
      extends BootstrapServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    BootstrapServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (BootstrapServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new BootstrapServiceFileDescriptorSupplier())
              .addMethod(getBootstrapMethod())
              .addMethod(getListContactsMethod())
              .addMethod(getAddContactsMethod())
              .addMethod(getRemoveContactMethod())
              .build();
        }
      }
    }
    return result;
  }
}
