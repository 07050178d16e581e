"""QueueService: what this sidecar keeps, shown, purged and replayed."""

from __future__ import annotations

from typing import Final

from sidecar.api.batches import MAX_GRPC_BYTES
from sidecar.api.envelope import NANOS, PRIORITIES
from sidecar.api.front.base import CallContext, ColdUnary, Service
from sidecar.api.paging import key_of, page_size, token_after
from sidecar.api.status import reason_number
from sidecar.errors import Reason, invalid_field
from sidecar.gen.overlay.v1 import message_pb2
from sidecar.gen.overlay.v1 import queue_pb2 as pb
from sidecar.mail.journal.letters import Choice, Letter, Queue
from sidecar.node import Node
from sidecar.wire import batch

SERVICE: Final = "overlay.v1.QueueService"

IDS_MAX: Final = 1000
"""Letters that one request may name."""

ID_DIGITS: Final = 19
"""Of the largest id."""

QUEUES: Final = {
    pb.QUEUE_OUTGOING: Queue.OUTGOING,
    pb.QUEUE_INCOMING: Queue.INCOMING,
    pb.QUEUE_DEAD_INCOMING: Queue.DEAD_INCOMING,
    pb.QUEUE_DEAD_OUTGOING: Queue.DEAD_OUTGOING,
}
NUMBERS: Final = {queue: number for number, queue in QUEUES.items()}


class QueueService:
    """The servicer."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def service(self) -> Service:
        """The service for a front."""
        return Service(
            SERVICE,
            {
                "ListQueues": ColdUnary(pb.ListQueuesRequest, self.list_queues),
                "ListLetters": ColdUnary(pb.ListLettersRequest, self.list_letters),
                "GetLetter": ColdUnary(pb.GetLetterRequest, self.get_letter),
                "PurgeLetters": ColdUnary(pb.PurgeLettersRequest, self.purge_letters),
                "ReplayLetters": ColdUnary(pb.ReplayLettersRequest, self.replay_letters),
            },
        )

    async def list_queues(self, _request: pb.ListQueuesRequest, _context: CallContext) -> pb.ListQueuesResponse:
        """As in the proto file."""
        journal = self._node.post.journal
        response = pb.ListQueuesResponse(journal_bytes_max=journal.max_bytes, journal_bytes=journal.bytes)
        for held in await self._node.post.queues():
            summary = response.queues.add(
                queue=NUMBERS[held.queue], peer_id=held.peer, channel=held.channel, messages=held.messages,
                bytes=held.bytes,
            )  # fmt: skip
            summary.oldest_at.FromNanoseconds(int(held.oldest * NANOS))
        return response

    async def list_letters(self, request: pb.ListLettersRequest, _context: CallContext) -> pb.ListLettersResponse:
        """As in the proto file."""
        choice = _choice(request.filter)
        size, after = page_size(request.page_size), key_of(request.page_token) or "0"
        if not after.isdecimal() or len(after) > ID_DIGITS or int(after) >> 63:
            raise invalid_field("page_token", "this is no token of a former response; leave it empty to begin")
        left = await self._node.post.letters_of(choice, int(after), size + 1)
        response = pb.ListLettersResponse(letters=[_letter(choice.queue, held) for held in left[:size]])
        if len(left) > size:
            response.next_page_token = token_after(str(left[size - 1].id))
        return response

    async def get_letter(self, request: pb.GetLetterRequest, _context: CallContext) -> pb.GetLetterResponse:
        """As in the proto file."""
        queue = _queue(request.queue, "queue")
        if request.id >> 63:
            raise invalid_field("id", f"{request.id} is no letter's")
        held, data = await self._node.post.letter(queue, request.id)
        response = pb.GetLetterResponse(letter=_letter(queue, held))
        if len(data) <= MAX_GRPC_BYTES:
            response.messages.extend(message_pb2.SendStreamRequest.FromString(data).messages)
        else:
            response.messages.extend(message_pb2.Message(message_id=one) for one in batch.message_ids(data))
        return response

    async def purge_letters(self, request: pb.PurgeLettersRequest, _context: CallContext) -> pb.PurgeLettersResponse:
        """As in the proto file."""
        return pb.PurgeLettersResponse(messages=await self._node.post.purge(_choice(request.filter)))

    async def replay_letters(self, request: pb.ReplayLettersRequest, _context: CallContext) -> pb.ReplayLettersResponse:
        """As in the proto file."""
        choice = _choice(request.filter)
        if choice.queue not in (Queue.DEAD_INCOMING, Queue.DEAD_OUTGOING):
            raise invalid_field("filter.queue", "only dead letters can be replayed")
        return pb.ReplayLettersResponse(messages=await self._node.post.replay(choice))


def _queue(number: int, field: str) -> Queue:
    found = QUEUES.get(number)  # type: ignore[call-overload]  # an int at run time
    if not isinstance(found, Queue):
        raise invalid_field(field, "name one of the queues of `Queue`")
    return found


def _choice(asked: pb.LetterFilter) -> Choice:
    if len(asked.ids) > IDS_MAX or any(one >> 63 for one in asked.ids):
        raise invalid_field("filter.ids", f"{len(asked.ids)} are given: give at most {IDS_MAX}, of letters there are")
    return Choice(
        _queue(asked.queue, "filter.queue"),
        asked.peer_id if asked.HasField("peer_id") else None,
        asked.channel if asked.HasField("channel") else None,
        tuple(asked.ids),
    )


def _letter(queue: Queue, held: Letter) -> pb.Letter:
    letter = pb.Letter(
        id=held.id, queue=NUMBERS[queue], peer_id=held.peer, channel=held.channel, priority=PRIORITIES[held.priority],
        messages=held.count, bytes=held.size, deliveries=held.deliveries, detail=held.detail,
    )  # fmt: skip
    letter.taken_at.FromNanoseconds(int(held.taken * NANOS))
    if held.expires:
        letter.expires_at.FromNanoseconds(int(held.expires * NANOS))
    if held.reason:
        letter.reason = reason_number(Reason(held.reason))
    return letter
