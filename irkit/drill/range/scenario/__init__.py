"""What happened tonight: the objects, logs, events and audit lines of one incident, told from the present backwards."""
