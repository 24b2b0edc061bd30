"""Accounts whose log-in name, the e-mail address, is encrypted."""
