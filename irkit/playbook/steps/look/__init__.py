"""Steps that look beyond the one pod: the whole audit log, the secrets within reach, the node."""
