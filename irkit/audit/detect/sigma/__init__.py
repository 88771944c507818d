"""Sigma rules of users: read by pySigma, judged as filters are, refused by name where they say what we cannot judge."""
