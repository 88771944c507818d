"""CACAO 2.0 (OASIS CS01, 2023), the format in which organisations exchange playbooks: out, in, and what is lost."""
