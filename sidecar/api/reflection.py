"""Server reflection, so that tools like grpcurl need no proto files.

The library's own servicer answers; v1 and v1alpha differ in nothing but the package's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from sidecar.api.front.base import ColdBidi, Service

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


def reflection_services(names: Iterable[str]) -> list[Service]:
    """The services that tell of the services named, and of themselves."""
    servicer = reflection.aio.ReflectionServicer((*names, *SERVICES))
    method = ColdBidi(ServerReflectionRequest, servicer.ServerReflectionInfo)
    return [Service(name, {"ServerReflectionInfo": method}) for name in SERVICES]
