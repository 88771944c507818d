"""TAKE EVIDENCE: each thing asked for ends as an Artifact on disk or as a Gap that says why not.

    piece.py       one thing to take, and what becomes of it
    collector.py   what a collector is, and how it tells the pod from a successor
    budget.py      how many bytes, and how much of the disk
    folder.py      from the API to the disk: streamed, hashed, whole or declared cut
    gaps.py        every reason why something is missing, in one table
    merge.py       many at once, as they come
    changes.py     who last set which field of an object
    pod/           the pod itself: its object, resource usage, logs, events
    around/        what it stands in: owners, network, identity, storage, namespace and node
    observers/     who watched: Falco, Hubble, Prometheus
    wide/          many pods in one bundle
    inside/        what is taken only when asked: it alters the pod, or takes rights that reach far
    registry.py    COLLECTORS and what they need
    capture.py     all of them together, against the clock

Folder names tell where evidence comes from; a new collector is one file, one entry in the registry, one test and one
heading in the docs.
"""
