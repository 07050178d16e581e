"""The crash test: two sidecars and the apps beside them, each killed with -9 again and again under traffic of every
level.

    python -m tests.crash --kills 200        the table of docs/performance.md

A sender app numbers what it sends on each channel, and notes what it offered and what it was told; a receiver app notes
what it saw before it acknowledges. What both have noted survives their deaths, and is compared in the end.
"""
