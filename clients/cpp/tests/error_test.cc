#include "sidecar/error.h"

#include <google/protobuf/any.pb.h>
#include <gtest/gtest.h>

#include <sstream>

#include "overlay/v1/errors.pb.h"
#include "sidecar_client_foreign.pb.h"

namespace sidecar {
namespace {

namespace foreign = sidecar_client::foreign;

template <class Message>
void pack(foreign::Status& status, const std::string& type, const Message& message) {
  auto& any = *status.add_details();
  any.set_type_url("type.googleapis.com/google.rpc." + type);
  any.set_value(message.SerializeAsString());
}

grpc::Status told(grpc::StatusCode code, const foreign::Status& details) {
  return grpc::Status(code, "in words", details.SerializeAsString());
}

foreign::ErrorInfo info(const std::string& reason, const std::string& domain = "overlay.v1") {
  foreign::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(domain);
  return info;
}

TEST(Error, EveryReasonOfTheApiHasAKind) {
  const auto* reasons = overlay::v1::ErrorReason_descriptor();
  for (int index = 0; index < reasons->value_count(); ++index) {
    if (reasons->value(index)->number() == 0) continue;
    const std::string reason = reasons->value(index)->name().substr(std::string("ERROR_REASON_").size());
    const Error error = Error::of_reason(reason, "");
    EXPECT_NE(ErrorKind::SidecarError, error.kind) << reason;
    EXPECT_EQ(reason, error.reason);
    EXPECT_NE(grpc::StatusCode::OK, error.code) << reason;
  }
}

TEST(Error, IsOfItsKindAndThoseAbove) {
  const Error error = Error::of_reason("PENDING", "");
  EXPECT_EQ("Pending", name_of(error.kind));
  EXPECT_TRUE(error.is(ErrorKind::Pending));
  EXPECT_TRUE(error.is(ErrorKind::DeadlinePassed));
  EXPECT_TRUE(error.is(ErrorKind::SidecarError));
  EXPECT_FALSE(error.is(ErrorKind::NotFound));
}

TEST(Error, ReadsTheDetailsOfAStatus) {
  foreign::Status details;
  auto invalid = info("INVALID_FIELD");
  (*invalid.mutable_metadata())["limit"] = "128";
  pack(details, "ErrorInfo", invalid);
  foreign::BadRequest bad;
  bad.add_field_violations()->set_field("channel");
  bad.mutable_field_violations(0)->set_description("too long");
  pack(details, "BadRequest", bad);
  foreign::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  pack(details, "RetryInfo", retry);
  pack(details, "Unheard", retry);
  const Error error = Error::of_status(told(grpc::StatusCode::INVALID_ARGUMENT, details));
  EXPECT_EQ(ErrorKind::InvalidField, error.kind);
  EXPECT_EQ("INVALID_FIELD", error.reason);
  EXPECT_EQ(grpc::StatusCode::INVALID_ARGUMENT, error.code);
  EXPECT_EQ("in words", error.detail);
  EXPECT_EQ("128", error.metadata.at("limit"));
  ASSERT_EQ(1u, error.fields.size());
  EXPECT_EQ("channel", error.fields[0].field);
  EXPECT_EQ("too long", error.fields[0].description);
  EXPECT_EQ(std::chrono::milliseconds(1500), error.retry_after);
}

TEST(Error, AReasonThatIsNewerThanThisClient) {
  foreign::Status details;
  pack(details, "ErrorInfo", info("OUT_OF_COFFEE"));
  const Error error = Error::of_status(told(grpc::StatusCode::ABORTED, details));
  EXPECT_EQ(ErrorKind::SidecarError, error.kind);
  EXPECT_EQ("OUT_OF_COFFEE", error.reason);
  EXPECT_EQ(grpc::StatusCode::ABORTED, error.code);
}

TEST(Error, AStatusWithoutTheSidecarsWord) {
  const std::map<grpc::StatusCode, ErrorKind> kinds = {
      {grpc::StatusCode::UNAVAILABLE, ErrorKind::SidecarUnavailable},
      {grpc::StatusCode::DEADLINE_EXCEEDED, ErrorKind::DeadlinePassed},
      {grpc::StatusCode::CANCELLED, ErrorKind::Cancelled},
      {grpc::StatusCode::UNAUTHENTICATED, ErrorKind::TokenInvalid},
      {grpc::StatusCode::INTERNAL, ErrorKind::InternalError},
      {grpc::StatusCode::UNIMPLEMENTED, ErrorKind::SidecarError},
  };
  foreign::Status foreign_domain;
  pack(foreign_domain, "ErrorInfo", info("PEER_UNKNOWN", "example.com"));
  for (const auto& [code, kind] : kinds) {
    for (const auto& status :
         {grpc::Status(code, "why"), told(code, foreign_domain), grpc::Status(code, "why", "\xff\xff not a Status")}) {
      const Error error = Error::of_status(status);
      EXPECT_EQ(kind, error.kind) << error;
      EXPECT_EQ(code, error.code);
      EXPECT_EQ("", error.reason);
    }
  }
}

TEST(Error, SaysItInOneLine) {
  std::ostringstream out;
  out << Error::of_reason("PEER_UNKNOWN", "nobody knows it") << '|'
      << Error::of_status(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""));
  EXPECT_EQ("PEER_UNKNOWN: nobody knows it|DEADLINE_EXCEEDED: deadline exceeded", out.str());
}

}  // namespace
}  // namespace sidecar
