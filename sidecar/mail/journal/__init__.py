"""The journal: durable messages and dead letters, in one SQLite file that one thread writes.

clock.py      the time that times to live count on: it never goes back
database.py   the file: its tables, its check at the start, and what is carried over from a damaged one
writer.py     the thread, and group commit
outgoing.py   what waits for peers
incoming.py   what has come and no app has settled; repeats are told here
letters.py    what queues hold, for those who look
journal.py    all of it, as the event loop sees it
"""

from sidecar.mail.journal.clock import SteadyClock
from sidecar.mail.journal.journal import Journal

__all__ = ["Journal", "SteadyClock"]
