"""Where a world comes from: manifests on disk, or a cluster.

kinds      which API objects count
objects    API objects to endpoints and namespaces
manifests  a folder of YAML and JSON, or what is piped in
live       a cluster as it is
"""
