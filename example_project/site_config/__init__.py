"""Settings and URLs of the example site."""
