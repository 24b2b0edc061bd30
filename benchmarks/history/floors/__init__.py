"""The app of the floors' tables."""
