"""A person's word before a run goes on: what is asked, who may answer, what was answered. Start at `desk`."""
