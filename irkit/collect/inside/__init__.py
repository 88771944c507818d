"""What is taken only when somebody asks: it leaves traces in the pod, or takes rights that reach far.

intrusive.py   what was asked for, and the collectors that do it
probe.py       the ephemeral container that looks at the target's processes
script.py      what runs in it
frames.py      its output, as JSON lines
processes.py   the collector: processes, open files, maps, mounts
sockets.py     /proc/net read
checkpoint.py  the kubelet's checkpoint of a container
"""
