"""READ IT: what the structure of a document says is a secret."""
