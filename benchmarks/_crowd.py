"""A practice cluster with a crowd of pods, served from a process of its own until its input closes.

`python -m benchmarks._crowd HOME PODS LINES`: two containers each, so many lines of log in each; prints the kubeconfig.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from irkit import times
from irkit.cluster.client import connect
from irkit.cluster.resources import DEPLOYMENTS, NAMESPACES, PODS
from irkit.drill.range import server
from irkit.settings import ClusterSettings

NAMESPACE = "crowd"
CONTAINERS = ("app", "proxy")
HIDDEN = "uP7-zoned-Quail-41"
ENV = [{"name": "DB_PASSWORD", "value": HIDDEN}]
LOGIN = f"db: login as orders with {HIDDEN}"
LEAKY = 10  # of so many pods one has the password in its logs, too
LINE = "GET /api/v1/orders/4711 200 12ms user=alice agent=mobile/4.2 trace=8f14e45fceea167a5a36dedd4bea2543"


def main(home: Path, pods: int, lines: int) -> None:
    """Serve until standard input ends."""
    with server.start(0, home=home, scenario=None) as practice:
        cluster = connect(ClusterSettings(str(practice.kubeconfig)))
        cluster.create(NAMESPACES.path(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        template = {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": name, "image": f"shop/{name}:1", "env": ENV} for name in CONTAINERS]},
        }
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {"replicas": pods, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        }
        cluster.create(DEPLOYMENTS.path(NAMESPACE), deployment)
        now = times.now()
        said = [(now - timedelta(milliseconds=100 * (lines - number)), LINE) for number in range(lines)]
        made = [each for each in practice.store.everything("Pod") if each["metadata"]["namespace"] == NAMESPACE]
        assert len(made) == pods, f"{len(made)} of {pods} pods at {PODS.path(NAMESPACE)}"
        for number, pod in enumerate(made):
            for name in CONTAINERS:
                practice.logs.write(pod, name, said if number % LEAKY else [(said[0][0], LOGIN), *said[1:]])
        print(practice.kubeconfig, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
