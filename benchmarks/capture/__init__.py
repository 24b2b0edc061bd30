"""What model capture costs, beside the same table without it."""
