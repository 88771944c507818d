"""Attacks in an audit log: small rules, each with its technique, its false positives and its blind spots."""
