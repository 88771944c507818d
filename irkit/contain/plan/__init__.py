"""Which labels cut a pod off, and what that does to everything that found the pod by them: pure, without a cluster.

search  the fewest changes that cover everything
escape  the fewest label changes after which no selector matches
claims  everything that finds pods by labels
owner   the pod's controller
solve   the best that labels can do
words   what it means, for a person
"""
