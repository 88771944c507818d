"""Where a world comes from: manifests on disk, or a cluster.

objects    API objects to endpoints and namespaces
manifests  a folder of YAML and JSON
live       a cluster as it is
"""
