"""The audit log: recording, writers beside sealing, reading. Also the app of its tables."""
