"""What may go: append-only triggers, pruning by whole seals, archives, erasing a person."""
