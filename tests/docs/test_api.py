"""docs/api.md has the error table and the limits of the code, and every verb of the proto files."""

from __future__ import annotations

import pytest

from sidecar import node
from sidecar.api import batches, bootstrap, envelope, paging, receipts, send, send_stream, status
from sidecar.api import node as node_service
from sidecar.api import peer as peer_service
from sidecar.api.front import base
from sidecar.gen.overlay.v1 import bootstrap_pb2, message_pb2, node_pb2, peer_pb2, stream_pb2
from sidecar.overlay import contacts
from sidecar.settings import Settings
from sidecar.wire import batch, budget, outbox
from tests.docs.blocks import REPOSITORY

PAGE = (REPOSITORY / "docs/api.md").read_text()
WORDS = " ".join(PAGE.split())


def test_the_error_table_is_current() -> None:
    table = PAGE.partition("<!-- errors -->\n")[2].partition("\n<!-- /errors -->")[0]
    assert table.splitlines() == list(status.markdown_rows())


@pytest.mark.parametrize(
    "file", [message_pb2, stream_pb2, peer_pb2, bootstrap_pb2, node_pb2], ids=lambda file: file.__name__
)
def test_every_verb_is_listed(file: object) -> None:
    table = PAGE.partition("## Services\n")[2].partition("\n## ")[0]
    for service in file.DESCRIPTOR.services_by_name.values():  # type: ignore[attr-defined] # a generated module
        for name in (service.name, *service.methods_by_name):
            assert f"`{name}`" in table


MIB = 1 << 20


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Settings().max_message_bytes == 64 * MIB, "| payload | 64 MiB; `max_message_bytes` sets up to 512 MiB"),
        (batches.MAX_GRPC_BYTES == 16 * MIB, "| payload in one `Send`, messages in one SendStream frame | 16 MiB |"),
        (
            (batch.MESSAGE_ID_MAX, batch.HEADERS_MAX, send.TOKEN_MAX, budget.CHANNEL_NAME_MAX)
            == (128, 8 << 10, 128, 128),
            "128 bytes; 8 KiB; 128 bytes; 128 bytes",
        ),
        ((bootstrap.CONTACTS_MAX, contacts.ADDED_MAX) == (100, 1000), "| 100; 1,000 |"),
        ((paging.DEFAULT_PAGE, paging.LARGEST_PAGE) == (100, 1000), "`page_size` 0 is 100, the most is 1,000"),
        (
            (status.MESSAGE_BYTES, status.DETAIL_BYTES) == (1024, 1536),
            "| words of a status; its metadata | 1 KiB, 2 KiB once escaped; 1.5 KiB |",
        ),
        (Settings().outbox_bytes == 8 * MIB, "`outbox_bytes`, 8 MiB"),
        (Settings().link_window_bytes == 16 * MIB, "`link_window_bytes`, 16 MiB"),
        (node.UNREAD_CHANNEL_BYTES == MIB, "1 MiB where nobody reads"),
        ((node.EVENTS_KEPT, node.PEER_CHANGES_KEPT) == (4096, 4096), "(4,096 events, 4,096 changes of peers)"),
        (node.CHANNELS_PER_LINK == 1024, "Towards one peer at most 1,024 names are used; one more is `LIMIT_REACHED`."),
        (base.TRANSPORT_BYTES == 32 * MIB, "a gRPC message above 32 MiB RESOURCE_EXHAUSTED"),
        ((envelope.WHOLE_BYTES, envelope.CHUNK_BYTES) == (4 * MIB, MIB), "more than 4 MiB in chunks of 1 MiB"),
        (receipts.FULL_EXCEPTIONS == 1000, "while 1,000 exceptions wait"),
        (send_stream.LINGER_SECONDS == 10, "for 10 seconds, and withdraws the rest then"),
        (peer_service.DISCONNECT_SECONDS == 10, "10 seconds without one"),
        (node_service.DRAIN_SECONDS == 30, "or 30 seconds. `no_wait`"),
        (Settings().resume_timeout == 30, "is resumed for 30 seconds (`resume_timeout`)"),
        (outbox.WEIGHTS == (16, 16, 4, 4, 1, 1), "share it 16 : 4 : 1 by bytes"),
    ],
)
def test_figures(figure: bool, words: str) -> None:
    assert figure, f"the code has another figure than {words!r}"
    assert words in WORDS
