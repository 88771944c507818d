"""The pod's identity: what its service account may do, and how to take that away and give it back.

nouns    what is told
grants   the bindings and roles that concern the account, read live
secrets  which secrets they, and the pod itself, lead to
deny     the admission policy that refuses one pod's writes
strip    subjects taken out of bindings, and the memory that puts them back
show, revoke, restore
"""
