"""NOUNS: frozen, slotted dataclasses without I/O. `None` is explained where it is allowed; closed sets are enums."""
