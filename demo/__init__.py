"""Three sidecars find each other and three apps talk through them: `make demo`."""
