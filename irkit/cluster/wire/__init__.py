"""One request on the wire: sent, retried, timed, its answer streamed, every foreign error translated once."""
