"""What the audit log is measured against. Also the Django app that holds those tables."""
