"""The comparable packages, each in a process of its own; see `run.sh`."""
