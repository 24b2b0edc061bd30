"""Bank connections, payees and bills."""
