// Package sidecar is the client of quic-p2p-sidecar: messages between apps, each through the sidecar beside it.
//
// [New] finds the sidecar by SIDECAR_ENDPOINT and SIDECAR_TOKEN. A [Client] has every verb of the API: it sends messages
// ([Client.Send], [Client.Sender]), takes them ([Client.Receive], [Client.Consume]), asks and answers
// ([Client.Request], [Client.Reply]), carries byte streams ([Client.OpenStream], [Client.AcceptStream]) and datagrams, and
// tells about peers and the sidecar itself. Everything may be used from several goroutines unless it says otherwise.
//
// Every verb takes a context, whose deadline is the call's. Calls that have one answer take 30 seconds at most where the
// context has no deadline of its own ([WithTimeout] says otherwise). What lasts (subscriptions, watches, senders, streams) ends
// with its context, and has a Close for the orderly end.
//
// Every error of a verb is an [*Error] or wraps some; [errors.Is] compares it with the kinds, such as [ErrPeerUnknown] or the group
// [ErrNotFound].
//
// The generated messages are in the package gen/overlay/v1, the raw stubs in [Client.Stubs].
package sidecar
