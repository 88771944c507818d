"""How far a run may go that nobody watches: a policy, what was done so far, one decision before each change."""
