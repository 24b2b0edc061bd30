"""The login history: recording, reading, pruning."""
