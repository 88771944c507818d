"""The deny of the cluster's own policy engine, for what NetworkPolicy v1 cannot close: found by API group.

deny    which engines there are, their objects made, and what is left then
undo    all of it taken back
cilium  CiliumNetworkPolicy, and the labels that Cilium looks at
calico  a tier before all others, and a GlobalNetworkPolicy in it
tiers   ClusterNetworkPolicy, AdminNetworkPolicy, and Amazon's of the same kind
amazon  the pods that share one set of rules under the Amazon VPC CNI
"""
