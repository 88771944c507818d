"""STOP THE BLEEDING: cut a pod off, say whether it holds, give it back.

quarantine  all of it
isolate     cut off
proof       with packets
preserve    kept in being
vigil       watched, with an end in sight
release     its end
survey      what finds the pod by its labels
plan        the labels that evade it, and what follows
orphan      the controller lets go
engines     the cluster's own deny, for what labels cannot evade
verdict     what still gets through
caveats     what to know beyond the verdict
marks       what is left on objects in the cluster
hand        changes: announced, made under preconditions, remembered
admission   policies of the API server for one pod
policy      what network policies mean, without a cluster
world       pods, namespaces and policies, of a cluster or of manifests
reach       who may talk to whom
"""
