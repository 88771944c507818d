"""STOP THE BLEEDING: cut a pod off, say whether it holds, give it back.

isolate   the quarantine
release   its end
verdict   what still gets through
caveats   what to know beyond the verdict
marks     what is left on objects in the cluster
hand      changes: announced, made under preconditions, remembered
policy    what network policies mean, without a cluster
"""
