"""Sealed fields and rotation. Also the Django app that holds the measured tables."""
