"""What waits: messages to be sent, messages to be taken."""
