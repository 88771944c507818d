"""FIND IT: the shapes of secrets, the names beside them, and the secrets that are known."""
