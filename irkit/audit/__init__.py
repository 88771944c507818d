"""WHO DID IT."""
