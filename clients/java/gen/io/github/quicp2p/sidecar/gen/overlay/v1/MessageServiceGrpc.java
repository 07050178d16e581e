package io.github.quicp2p.sidecar.gen.overlay.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * MessageService moves messages between this app and the apps beside other sidecars.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class MessageServiceGrpc {

  private MessageServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "overlay.v1.MessageService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse> getSendMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Send",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse> getSendMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest, io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse> getSendMethod;
    if ((getSendMethod = MessageServiceGrpc.getSendMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getSendMethod = MessageServiceGrpc.getSendMethod) == null) {
          MessageServiceGrpc.getSendMethod = getSendMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest, io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Send"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("Send"))
              .build();
        }
      }
    }
    return getSendMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse> getSendStreamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SendStream",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse> getSendStreamMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest, io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse> getSendStreamMethod;
    if ((getSendStreamMethod = MessageServiceGrpc.getSendStreamMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getSendStreamMethod = MessageServiceGrpc.getSendStreamMethod) == null) {
          MessageServiceGrpc.getSendStreamMethod = getSendStreamMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest, io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SendStream"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("SendStream"))
              .build();
        }
      }
    }
    return getSendStreamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse> getReceiveMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Receive",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse> getReceiveMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse> getReceiveMethod;
    if ((getReceiveMethod = MessageServiceGrpc.getReceiveMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getReceiveMethod = MessageServiceGrpc.getReceiveMethod) == null) {
          MessageServiceGrpc.getReceiveMethod = getReceiveMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Receive"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("Receive"))
              .build();
        }
      }
    }
    return getReceiveMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse> getConsumeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Consume",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse> getConsumeMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse> getConsumeMethod;
    if ((getConsumeMethod = MessageServiceGrpc.getConsumeMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getConsumeMethod = MessageServiceGrpc.getConsumeMethod) == null) {
          MessageServiceGrpc.getConsumeMethod = getConsumeMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Consume"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("Consume"))
              .build();
        }
      }
    }
    return getConsumeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse> getRequestMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Request",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse> getRequestMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest, io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse> getRequestMethod;
    if ((getRequestMethod = MessageServiceGrpc.getRequestMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getRequestMethod = MessageServiceGrpc.getRequestMethod) == null) {
          MessageServiceGrpc.getRequestMethod = getRequestMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest, io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Request"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("Request"))
              .build();
        }
      }
    }
    return getRequestMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse> getBroadcastMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Broadcast",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse> getBroadcastMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest, io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse> getBroadcastMethod;
    if ((getBroadcastMethod = MessageServiceGrpc.getBroadcastMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getBroadcastMethod = MessageServiceGrpc.getBroadcastMethod) == null) {
          MessageServiceGrpc.getBroadcastMethod = getBroadcastMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest, io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Broadcast"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("Broadcast"))
              .build();
        }
      }
    }
    return getBroadcastMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse> getSendDatagramMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SendDatagram",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse> getSendDatagramMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest, io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse> getSendDatagramMethod;
    if ((getSendDatagramMethod = MessageServiceGrpc.getSendDatagramMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getSendDatagramMethod = MessageServiceGrpc.getSendDatagramMethod) == null) {
          MessageServiceGrpc.getSendDatagramMethod = getSendDatagramMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest, io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SendDatagram"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("SendDatagram"))
              .build();
        }
      }
    }
    return getSendDatagramMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse> getReceiveDatagramsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReceiveDatagrams",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse> getReceiveDatagramsMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse> getReceiveDatagramsMethod;
    if ((getReceiveDatagramsMethod = MessageServiceGrpc.getReceiveDatagramsMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getReceiveDatagramsMethod = MessageServiceGrpc.getReceiveDatagramsMethod) == null) {
          MessageServiceGrpc.getReceiveDatagramsMethod = getReceiveDatagramsMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReceiveDatagrams"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("ReceiveDatagrams"))
              .build();
        }
      }
    }
    return getReceiveDatagramsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse> getReplyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Reply",
      requestType = io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest.class,
      responseType = io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest,
      io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse> getReplyMethod() {
    io.grpc.MethodDescriptor<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse> getReplyMethod;
    if ((getReplyMethod = MessageServiceGrpc.getReplyMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getReplyMethod = MessageServiceGrpc.getReplyMethod) == null) {
          MessageServiceGrpc.getReplyMethod = getReplyMethod =
              io.grpc.MethodDescriptor.<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Reply"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("Reply"))
              .build();
        }
      }
    }
    return getReplyMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static MessageServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceStub>() {
        @java.lang.Override
        public MessageServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceStub(channel, callOptions);
        }
      };
    return MessageServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static MessageServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingV2Stub>() {
        @java.lang.Override
        public MessageServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return MessageServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static MessageServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingStub>() {
        @java.lang.Override
        public MessageServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceBlockingStub(channel, callOptions);
        }
      };
    return MessageServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static MessageServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceFutureStub>() {
        @java.lang.Override
        public MessageServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceFutureStub(channel, callOptions);
        }
      };
    return MessageServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * MessageService moves messages between this app and the apps beside other sidecars.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Send sends one message and answers when the asked level is reached, or with the reason why it was not.
     * </pre>
     */
    default void send(io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSendMethod(), responseObserver);
    }

    /**
     * <pre>
     * SendStream sends many messages to one peer and channel. The first frame is `open`; frames of messages or chunks
     * follow, pipelined; receipts come back. After the client's half-close the call ends when every message has an outcome.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest> sendStream(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getSendStreamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Receive subscribes to a channel; a message counts as taken once it is written to the call. Subscribers of one channel
     * compete: each message goes to one of them.
     * </pre>
     */
    default void receive(io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReceiveMethod(), responseObserver);
    }

    /**
     * <pre>
     * Consume subscribes to a channel with credits and acknowledgements: what is not acknowledged when the call ends goes
     * to another subscriber.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest> consume(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getConsumeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Request asks an app beside another sidecar and gives its reply, its error, or why there is none. Cancelling the call
     * tells that app.
     * </pre>
     */
    default void request(io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRequestMethod(), responseObserver);
    }

    /**
     * <pre>
     * Broadcast sends a message to all linked peers, or those with some labels, and waits until it is delivered to each or has
     * failed.
     * </pre>
     */
    default void broadcast(io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBroadcastMethod(), responseObserver);
    }

    /**
     * <pre>
     * SendDatagram sends an unreliable message to a linked peer.
     * </pre>
     */
    default void sendDatagram(io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSendDatagramMethod(), responseObserver);
    }

    /**
     * <pre>
     * ReceiveDatagrams subscribes to the datagrams of a channel.
     * </pre>
     */
    default void receiveDatagrams(io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReceiveDatagramsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reply answers requests that come in on a channel, with credits; each is handed to one app, once.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest> reply(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getReplyMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service MessageService.
   * <pre>
   * MessageService moves messages between this app and the apps beside other sidecars.
   * </pre>
   */
  public static abstract class MessageServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return MessageServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service MessageService.
   * <pre>
   * MessageService moves messages between this app and the apps beside other sidecars.
   * </pre>
   */
  public static final class MessageServiceStub
      extends io.grpc.stub.AbstractAsyncStub<MessageServiceStub> {
    private MessageServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Send sends one message and answers when the asked level is reached, or with the reason why it was not.
     * </pre>
     */
    public void send(io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSendMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * SendStream sends many messages to one peer and channel. The first frame is `open`; frames of messages or chunks
     * follow, pipelined; receipts come back. After the client's half-close the call ends when every message has an outcome.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest> sendStream(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getSendStreamMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Receive subscribes to a channel; a message counts as taken once it is written to the call. Subscribers of one channel
     * compete: each message goes to one of them.
     * </pre>
     */
    public void receive(io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getReceiveMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Consume subscribes to a channel with credits and acknowledgements: what is not acknowledged when the call ends goes
     * to another subscriber.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest> consume(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getConsumeMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Request asks an app beside another sidecar and gives its reply, its error, or why there is none. Cancelling the call
     * tells that app.
     * </pre>
     */
    public void request(io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRequestMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Broadcast sends a message to all linked peers, or those with some labels, and waits until it is delivered to each or has
     * failed.
     * </pre>
     */
    public void broadcast(io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBroadcastMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * SendDatagram sends an unreliable message to a linked peer.
     * </pre>
     */
    public void sendDatagram(io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSendDatagramMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ReceiveDatagrams subscribes to the datagrams of a channel.
     * </pre>
     */
    public void receiveDatagrams(io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest request,
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getReceiveDatagramsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reply answers requests that come in on a channel, with credits; each is handed to one app, once.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest> reply(
        io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getReplyMethod(), getCallOptions()), responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service MessageService.
   * <pre>
   * MessageService moves messages between this app and the apps beside other sidecars.
   * </pre>
   */
  public static final class MessageServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<MessageServiceBlockingV2Stub> {
    private MessageServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Send sends one message and answers when the asked level is reached, or with the reason why it was not.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse send(io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSendMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * SendStream sends many messages to one peer and channel. The first frame is `open`; frames of messages or chunks
     * follow, pipelined; receipts come back. After the client's half-close the call ends when every message has an outcome.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest, io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse>
        sendStream() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getSendStreamMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Receive subscribes to a channel; a message counts as taken once it is written to the call. Subscribers of one channel
     * compete: each message goes to one of them.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse>
        receive(io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getReceiveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Consume subscribes to a channel with credits and acknowledgements: what is not acknowledged when the call ends goes
     * to another subscriber.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse>
        consume() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getConsumeMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Request asks an app beside another sidecar and gives its reply, its error, or why there is none. Cancelling the call
     * tells that app.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse request(io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRequestMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Broadcast sends a message to all linked peers, or those with some labels, and waits until it is delivered to each or has
     * failed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse broadcast(io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBroadcastMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * SendDatagram sends an unreliable message to a linked peer.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse sendDatagram(io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSendDatagramMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReceiveDatagrams subscribes to the datagrams of a channel.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse>
        receiveDatagrams(io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getReceiveDatagramsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reply answers requests that come in on a channel, with credits; each is handed to one app, once.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest, io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse>
        reply() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getReplyMethod(), getCallOptions());
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service MessageService.
   * <pre>
   * MessageService moves messages between this app and the apps beside other sidecars.
   * </pre>
   */
  public static final class MessageServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<MessageServiceBlockingStub> {
    private MessageServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Send sends one message and answers when the asked level is reached, or with the reason why it was not.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse send(io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Receive subscribes to a channel; a message counts as taken once it is written to the call. Subscribers of one channel
     * compete: each message goes to one of them.
     * </pre>
     */
    public java.util.Iterator<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse> receive(
        io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getReceiveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Request asks an app beside another sidecar and gives its reply, its error, or why there is none. Cancelling the call
     * tells that app.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse request(io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRequestMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Broadcast sends a message to all linked peers, or those with some labels, and waits until it is delivered to each or has
     * failed.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse broadcast(io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBroadcastMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * SendDatagram sends an unreliable message to a linked peer.
     * </pre>
     */
    public io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse sendDatagram(io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendDatagramMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReceiveDatagrams subscribes to the datagrams of a channel.
     * </pre>
     */
    public java.util.Iterator<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse> receiveDatagrams(
        io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getReceiveDatagramsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service MessageService.
   * <pre>
   * MessageService moves messages between this app and the apps beside other sidecars.
   * </pre>
   */
  public static final class MessageServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<MessageServiceFutureStub> {
    private MessageServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Send sends one message and answers when the asked level is reached, or with the reason why it was not.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse> send(
        io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSendMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Request asks an app beside another sidecar and gives its reply, its error, or why there is none. Cancelling the call
     * tells that app.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse> request(
        io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRequestMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Broadcast sends a message to all linked peers, or those with some labels, and waits until it is delivered to each or has
     * failed.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse> broadcast(
        io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBroadcastMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * SendDatagram sends an unreliable message to a linked peer.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse> sendDatagram(
        io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSendDatagramMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_SEND = 0;
  private static final int METHODID_RECEIVE = 1;
  private static final int METHODID_REQUEST = 2;
  private static final int METHODID_BROADCAST = 3;
  private static final int METHODID_SEND_DATAGRAM = 4;
  private static final int METHODID_RECEIVE_DATAGRAMS = 5;
  private static final int METHODID_SEND_STREAM = 6;
  private static final int METHODID_CONSUME = 7;
  private static final int METHODID_REPLY = 8;

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
        case METHODID_SEND:
          serviceImpl.send((io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse>) responseObserver);
          break;
        case METHODID_RECEIVE:
          serviceImpl.receive((io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse>) responseObserver);
          break;
        case METHODID_REQUEST:
          serviceImpl.request((io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse>) responseObserver);
          break;
        case METHODID_BROADCAST:
          serviceImpl.broadcast((io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse>) responseObserver);
          break;
        case METHODID_SEND_DATAGRAM:
          serviceImpl.sendDatagram((io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse>) responseObserver);
          break;
        case METHODID_RECEIVE_DATAGRAMS:
          serviceImpl.receiveDatagrams((io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse>) responseObserver);
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
        case METHODID_SEND_STREAM:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.sendStream(
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse>) responseObserver);
        case METHODID_CONSUME:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.consume(
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse>) responseObserver);
        case METHODID_REPLY:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.reply(
              (io.grpc.stub.StreamObserver<io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getSendMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse>(
                service, METHODID_SEND)))
        .addMethod(
          getSendStreamMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse>(
                service, METHODID_SEND_STREAM)))
        .addMethod(
          getReceiveMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse>(
                service, METHODID_RECEIVE)))
        .addMethod(
          getConsumeMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse>(
                service, METHODID_CONSUME)))
        .addMethod(
          getRequestMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.RequestResponse>(
                service, METHODID_REQUEST)))
        .addMethod(
          getBroadcastMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse>(
                service, METHODID_BROADCAST)))
        .addMethod(
          getSendDatagramMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramResponse>(
                service, METHODID_SEND_DATAGRAM)))
        .addMethod(
          getReceiveDatagramsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse>(
                service, METHODID_RECEIVE_DATAGRAMS)))
        .addMethod(
          getReplyMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest,
              io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse>(
                service, METHODID_REPLY)))
        .build();
  }

  private static abstract class MessageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    MessageServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.quicp2p.sidecar.gen.overlay.v1.MessageOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("MessageService");
    }
  }

  private static final class MessageServiceFileDescriptorSupplier
      extends MessageServiceBaseDescriptorSupplier {
    MessageServiceFileDescriptorSupplier() {}
  }

  private static final class MessageServiceMethodDescriptorSupplier
      extends MessageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    MessageServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (MessageServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new MessageServiceFileDescriptorSupplier())
              .addMethod(getSendMethod())
              .addMethod(getSendStreamMethod())
              .addMethod(getReceiveMethod())
              .addMethod(getConsumeMethod())
              .addMethod(getRequestMethod())
              .addMethod(getBroadcastMethod())
              .addMethod(getSendDatagramMethod())
              .addMethod(getReceiveDatagramsMethod())
              .addMethod(getReplyMethod())
              .build();
        }
      }
    }
    return result;
  }
}
