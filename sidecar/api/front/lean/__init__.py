"""The lean front: gRPC over HTTP/2, cut by hand from what asyncio reads.

    server      listeners, the connections on them, the sweep that finds who has gone
    connection  one client: frames cut from what was read, its end
    control     its calls, windows, settings and PINGs
    outflow     what it writes
    stream      one call's half of a connection: messages put together, responses within the windows
    call        what a method sees of it: hot ones batches, cold ones messages
    headers     HPACK blocks to requests, statuses to blocks
    frames      layouts and numbers of RFC 9113
    memory      the room for large messages on their way in

    gate        who may call what, on one listener
    allowance   what a client may make us do for nothing
    assembly    one message in the pieces in which it came
    encodings   compressed requests
    tls         certificates

Every byte from a client may be wrong. What breaks HTTP/2 costs the connection (`Broken`) or the stream (`Reset`), what
breaks gRPC costs the call.
"""
