"""Audit logs as they lie about: files, rotations, gzip, documents, other people's wrappings."""
