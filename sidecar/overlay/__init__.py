"""The network as this sidecar sees it: who is there, who is linked, and the way in."""
