/**
 * What a call to the sidecar may throw, by the reason that the sidecar gives.
 *
 * <pre>
 * SidecarException
 * ├── RequestException                what was asked cannot be done as asked
 * │   ├── InvalidFieldException       fields() names each and what is wrong with it
 * │   ├── MessageTooLargeException
 * │   ├── PeerIsSelfException
 * │   ├── FrameUnexpectedException
 * │   ├── TokenInvalidException
 * │   ├── ScopeDeniedException
 * │   ├── PeerNotAllowedException     the app over there does not take this peer
 * │   └── CursorExpiredException      begin the watch anew
 * ├── NotFoundException
 * │   ├── PeerUnknownException
 * │   ├── ContactUnknownException
 * │   └── LetterUnknownException
 * ├── PeerException                   the other side, or the way to it
 * │   ├── PeerUnreachableException
 * │   ├── PeerNotDialableException    it is a client: it links by itself
 * │   ├── PeerRefusedException
 * │   ├── IdentityMismatchException
 * │   ├── PeerUntrustedException
 * │   ├── LinkClosedException
 * │   ├── BootstrapFailedException
 * │   ├── OutcomeUnknownException     it was sent and may have arrived
 * │   ├── UnsupportedByPeerException
 * │   ├── DeadLetteredException       no app over there would acknowledge it
 * │   ├── ExpiredException            its time to live has passed
 * │   └── PurgedException             somebody has emptied the queue that held it
 * ├── BusyException                   try again later
 * │   ├── QueueFullException
 * │   ├── LimitReachedException
 * │   ├── JournalFullException
 * │   └── NoSubscriberException       nobody reads the channel over there and it is full
 * ├── SendFailedException             messages of a sender, each with its own reason
 * ├── RequestFailedException          the app that was asked answered with an error
 * ├── StreamResetException            the other app has ended the stream, or went away
 * ├── StreamLostException             its connection was lost for too long
 * ├── DeadlinePassedException
 * │   └── PendingException            a durable message is on its way, and goes on
 * ├── CancelledException
 * ├── SidecarUnavailableException     no sidecar answers, or it went away in the middle
 * │   ├── DrainingException           it is about to stop and takes nothing new
 * │   └── JournalFailedException      its disk does not take the journal
 * └── InternalErrorException          the sidecar's own fault; its log has the details
 * </pre>
 */
package io.github.quicp2p.sidecar.errors;
