"""Management commands of the package."""
