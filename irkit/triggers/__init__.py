"""SOMETHING HAPPENED: alerts come in, are kept, and start playbooks when nobody is awake."""
