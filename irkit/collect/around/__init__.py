"""What the pod stands in: owners, network, identity, storage, namespace and node."""
