"""WHO SEALED IT: keys, signatures, times that others vouch for."""
