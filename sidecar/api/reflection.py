"""Server reflection, so that tools like grpcurl need no proto files.

v1 and v1alpha differ in nothing but the package's name. The library's messages are used and not its servicer, which
imports grpcio: a sidecar that serves by another front does without.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import Default
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from sidecar.api.front.base import CallContext, ColdBidi, Service
from sidecar.api.status import Code

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


def reflection_services(names: Iterable[str]) -> list[Service]:
    """The services that tell of the services named, and of themselves."""
    method = ColdBidi(ServerReflectionRequest, Reflection((*names, *SERVICES)).answer)
    return [Service(name, {"ServerReflectionInfo": method}) for name in SERVICES]


class Reflection:
    """Tells of services, and of the protobuf files that this process knows."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = sorted(services)
        self._pool = Default()

    async def answer(
        self, requests: AsyncIterator[ServerReflectionRequest], _context: CallContext
    ) -> AsyncIterator[ServerReflectionResponse]:
        """One response a request; what is not known is an error in its response, and the call goes on."""
        async for request in requests:
            response = ServerReflectionResponse(valid_host=request.host, original_request=request)
            try:
                self._fill(request, response)
            except KeyError:
                response.error_response.error_code = Code.NOT_FOUND
                response.error_response.error_message = "nothing here has that name or number"
            yield response

    def _fill(self, request: ServerReflectionRequest, response: ServerReflectionResponse) -> None:
        pool = self._pool
        match request.WhichOneof("message_request"):
            case "list_services":
                for name in self._services:
                    response.list_services_response.service.add(name=name)
            case "file_by_filename":
                self._files(pool.FindFileByName(request.file_by_filename), response)
            case "file_containing_symbol":
                self._files(self._file_of(request.file_containing_symbol), response)
            case "file_containing_extension":
                asked = request.file_containing_extension
                extended = pool.FindMessageTypeByName(asked.containing_type)
                extension = pool.FindExtensionByNumber(extended, asked.extension_number)
                self._files(pool.FindFileContainingSymbol(extension.full_name), response)
            case "all_extension_numbers_of_type":
                extended = pool.FindMessageTypeByName(request.all_extension_numbers_of_type)
                found = response.all_extension_numbers_response
                found.base_type_name = extended.full_name
                found.extension_number.extend(sorted(each.number for each in pool.FindAllExtensions(extended)))
            case _:
                response.error_response.error_code = Code.INVALID_ARGUMENT
                response.error_response.error_message = "the request asks nothing: set one of message_request"

    def _file_of(self, symbol: str) -> FileDescriptor:
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            # The pool finds a service and not its methods.
            service, _, method = symbol.rpartition(".")
            return self._pool.FindServiceByName(service).methods_by_name[method].containing_service.file

    def _files(self, file: FileDescriptor, response: ServerReflectionResponse) -> None:
        """The file and everything it imports, each once."""
        seen: dict[str, bytes] = {}
        waiting = [file]
        while waiting:
            one = waiting.pop()
            if one.name not in seen:
                seen[one.name] = one.serialized_pb
                waiting.extend(one.dependencies)
        response.file_descriptor_response.file_descriptor_proto.extend(seen.values())
