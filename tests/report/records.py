"""RunRecords to draw: one that could have happened, and ones that nobody should be able to send."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from irkit.model.audit import AuditSummary, Finding, Severity
from irkit.model.evidence import Artifact, Call, Gap, GapReason
from irkit.model.isolation import Change, Direction, Family, Isolation, Proof, Residual, Verdict
from irkit.model.pod import Target
from irkit.model.run import Action, ClusterIdentity, Effect, Moment, Operator, RunRecord, Status, StepRecord

START = datetime(2026, 11, 23, 3, 2, 11, tzinfo=UTC)
UID = "6f1c9a52-0d7e-4a3b-9a53-2f4f0f3a7c11"
POD = "web-6d9f7c8b5d-x2k4q"
MATCHES = "audit/matches.jsonl"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def artifact(path: str, size: int, url: str, second: float, about: str = "", *, truncated: bool = False) -> Artifact:
    source = Call("GET", url, 200, at(second), 0.04, "Mon, 23 Nov 2026 03:02:14 GMT", "0f3c") if url else None
    digest = hashlib.sha256(path.encode()).hexdigest()
    return Artifact(path, path.split("/")[0], digest, size, at(second), source, truncated, about)


def isolation(verdict: Verdict = Verdict.UNVERIFIED, *residual: Residual) -> Isolation:
    worse = residual[0].direction if residual else None
    return Isolation(
        "payments",
        POD,
        UID,
        "networking.k8s.io/v1",
        (
            Change("create", "NetworkPolicy", "payments", "irkit-q-6f1c9a52", "deny all, both directions"),
            Change("patch", "Pod", "payments", POD, f"label irkit.dev/quarantine={UID}"),
        ),
        residual,
        {direction: Verdict.INEFFECTIVE if direction is worse else verdict for direction in Direction},
        (
            Proof("policies-recomputed", "4 policies in the namespace read again", "3 select the pod, none admits"),
            Proof("owner", "ReplicaSet/web-6d9f7c8b5d still owns the pod", "no replacement was started"),
        ),
        families={Direction.EGRESS: {Family.IPV4: verdict, Family.IPV6: Verdict.INEFFECTIVE}},
        preserved=("PodDisruptionBudget irkit-q-6f1c9a52 refuses its eviction",),
    )


def artifacts() -> tuple[Artifact, ...]:
    pods, ns = "/api/v1/namespaces/payments/pods/" + POD, "/api/v1/namespaces/payments"
    return (
        artifact("pod/pod.json", 11_482, pods, 2.1, "the pod as the API server keeps it"),
        artifact("pod/namespace.json", 612, ns, 2.1),
        artifact(
            "logs/app.current.log", 4_118_204, f"{pods}/log?container=app&timestamps=true", 2.6, "current log of app"
        ),
        artifact("logs/app.previous.log", 88_120, f"{pods}/log?container=app&previous=true&timestamps=true", 2.7),
        artifact("logs/sidecar.current.log", 21_944, f"{pods}/log?container=sidecar&timestamps=true", 2.7),
        artifact("events/events.json", 18_330, f"{ns}/events?fieldSelector=involvedObject.uid%3D{UID}", 2.8),
        artifact(
            "owners/replicaset-web-6d9f7c8b5d.json", 6_402, "/apis/apps/v1/namespaces/payments/replicasets/web", 2.9
        ),
        artifact("owners/deployment-web.json", 7_115, "/apis/apps/v1/namespaces/payments/deployments/web", 3.0),
        artifact("network/services.json", 3_014, f"{ns}/services", 3.0, "services that select the pod"),
        artifact(
            "network/networkpolicies.json", 5_220, "/apis/networking.k8s.io/v1/namespaces/payments/networkpolicies", 3.1
        ),
        artifact("identity/serviceaccount.json", 540, f"{ns}/serviceaccounts/web", 3.1),
        artifact("node/node.json", 14_871, "/api/v1/nodes/worker-2", 3.2),
        artifact("audit/events.jsonl", 48_113, "", 4.0, "the matching lines, as they were"),
        artifact("audit/matches.jsonl", 52_019, "", 4.0, "with tier and reason"),
    )


def gaps() -> tuple[Gap, ...]:
    return (
        Gap(
            "identity",
            "cluster role bindings of service account web",
            GapReason.DENIED,
            "403: alice may not list clusterrolebindings.rbac.authorization.k8s.io",
            "grant list on clusterrolebindings: irkit rbac prints the role",
        ),
        Gap("logs", "previous log of container sidecar", GapReason.NEVER_EXISTED, "it never restarted"),
        Gap("logs", "previous log of init container migrate", GapReason.NEVER_EXISTED, "it never restarted"),
    )


def steps() -> tuple[StepRecord, ...]:
    undo = f"irkit release {POD} -n payments"
    return (
        StepRecord("pin", "pod.resolve@1", Effect.READ, Status.DONE, f"the pod is uid {UID}", at(0), at(0.3)),
        StepRecord(
            "contain",
            "pod.isolate@1",
            Effect.MUTATE,
            Status.DONE,
            "deny-all policy in place, the pod carries its label",
            at(0.3),
            at(1.9),
            (
                Action("NetworkPolicy payments/irkit-q-6f1c9a52 created", undo),
                Action(f"Pod payments/{POD} labelled irkit.dev/quarantine", undo),
            ),
        ),
        StepRecord("evidence", "evidence.collect@1", Effect.COLLECT, Status.GAPS, "12 files, 1 gap", at(1.9), at(3.4)),
        StepRecord(
            "audit",
            "audit.match@1",
            Effect.COLLECT,
            Status.DONE,
            "31 of 18,204 events concern the pod",
            at(3.4),
            at(4.1),
        ),
        StepRecord("report", "report.write@1", Effect.READ, Status.DONE, "written", at(4.1), at(4.3)),
        StepRecord("seal", "bundle.seal@1", Effect.COLLECT, Status.DONE, "22 files, 1.1 MB", at(4.3), at(4.9)),
        StepRecord(
            "ship",
            "bundle.ship@1",
            Effect.COLLECT,
            Status.DONE,
            "s3://evidence/irkit holds it, read back",
            at(4.9),
            at(6.2),
        ),
    )


def timeline() -> tuple[Moment, ...]:
    mallory = "ci-deployer from 203.0.113.47"
    account = "system:serviceaccount:payments:web from 203.0.113.47"
    grave = [
        (-3132, "audit", mallory, "get pods", "info", MATCHES),
        (-3120, "audit", mallory, "exec into the pod, container app: id, refused with 403", "medium", MATCHES),
        (-2790, "audit", mallory, "create rolebindings ci-debug", "high", MATCHES),
        (
            -2744,
            "audit",
            mallory,
            "exec into the pod, container app: sh -c id; uname -a; env, for 1.2 s",
            "high",
            MATCHES,
        ),
        (-2601, "audit", mallory, "exec into the pod, container app: sh, for 31 min 4 s", "high", MATCHES),
        (-2118, "audit", account, "list secrets", "medium", MATCHES),
        (-2102, "audit", account, "get secrets db-credentials", "medium", MATCHES),
        (-1544, "audit", account, "create selfsubjectrulesreviews", "low", MATCHES),
        (-1210, "audit", mallory, "port-forward to the pod, for 12 min 41 s", "high", MATCHES),
        (
            -840,
            "event",
            "kubelet on worker-2",
            "Unhealthy: Readiness probe failed: HTTP 503 (first of 9)",
            "low",
            "events/events.json",
        ),
        (
            -610,
            "event",
            "kubelet on worker-2",
            "Unhealthy: Readiness probe failed: HTTP 503 (last of 9)",
            "low",
            "events/events.json",
        ),
        (-604, "pod", "kubelet", "container app ended with exit code 137, OOMKilled", "medium", "pod/pod.json"),
        (-602, "pod", "kubelet", "container app started again (restart 1)", "low", "pod/pod.json"),
        (-480, "audit", mallory, "delete events web-6d9f7c8b5d-x2k4q.18a1", "medium", MATCHES),
    ]
    life = [
        (-6 * 86400 - 4000, "pod", "API server", "pod created", "low", "pod/pod.json"),
        (
            -6 * 86400 - 3999,
            "event",
            "default-scheduler",
            f"Scheduled: assigned payments/{POD} to worker-2",
            "info",
            "events/events.json",
        ),
        (-6 * 86400 - 3990, "pod", "kubelet", "container sidecar started", "low", "pod/pod.json"),
        (-6 * 86400 - 3989, "pod", "kubelet", "Ready became True", "info", "pod/pod.json"),
    ]
    own = [
        (0, "irkit", "irkit", f"pin: the pod is uid {UID}", "info", ""),
        (0.3, "irkit", "irkit", "contain: deny-all policy in place, the pod carries its label", "low", ""),
        (1.9, "irkit", "irkit", "NetworkPolicy payments/irkit-q-6f1c9a52 created", "low", ""),
        (1.9, "irkit", "irkit", "evidence: 12 files, 1 gap", "low", ""),
        (3.4, "irkit", "irkit", "audit: 31 of 18,204 events concern the pod", "low", ""),
    ]
    watches = [(-3300 + 3.1 * n, "audit", "system:node:worker-2", "watch pods", "info", MATCHES) for n in range(1000)]
    return tuple(Moment(at(second), *rest) for second, *rest in sorted([*life, *watches, *grave, *own]))


def audit() -> AuditSummary:
    return AuditSummary(
        ("audit.log", "audit-2026-11-22T23-00-00.000.log.gz"),
        18_204,
        2,
        14,
        {"UID": 11, "NAME": 14, "SERVICE_ACCOUNT": 6},
        {"Metadata": 27, "RequestResponse": 4},
        at(-4 * 3600),
        at(1.5),
        (
            Finding(
                "exec into a pod",
                Severity.HIGH,
                "T1609",
                at(-2744),
                "ci-deployer",
                f"payments/{POD}",
                ("a1", "a2"),
                "an interactive shell of 31 minutes, by an account that until then only deployed",
            ),
        ),
    )


def incident() -> RunRecord:
    """A run as respond makes it: quarantined, unverified, one gap."""
    return RunRecord(
        id="20261123T030211Z-7f3a",
        case="IR-2026-014",
        playbook="compromised-pod",
        playbook_sha256=hashlib.sha256(b"playbook").hexdigest(),
        tool_version="0.1.0",
        operator=Operator("alice", "bastion-1", "alice@example.org"),
        started=at(0),
        status=Status.GAPS,
        finished=at(6.4),
        cluster=ClusterIdentity("https://10.0.0.1:6443", "v1.37.2", "prod-eu", -0.012),
        target=Target(
            "payments",
            POD,
            UID,
            "worker-2",
            "Running",
            ("10.42.2.17", "fd00::2:17"),
            "ReplicaSet/web-6d9f7c8b5d",
            "web",
            {
                "app": "registry.example.org/payments/web@sha256:" + "3b1f" * 16,
                "sidecar": "registry.example.org/mesh/proxy@sha256:" + "9c0d" * 16,
            },
            at(-6 * 86400 - 4000),
        ),
        steps=steps(),
        isolation=isolation(),
        artifacts=artifacts(),
        gaps=gaps(),
        audit=audit(),
        timeline=timeline(),
        bundle=f"irkit-IR-2026-014-{POD}-20261123T030211Z.tar.gz",
    )


def ineffective() -> RunRecord:
    """A second policy still lets clients in."""
    open_ = Residual("allow-monitoring", Direction.INGRESS, "selects every pod and admits namespace monitoring on 9090")
    made = tuple(
        replace(step, status=Status.UNVERIFIED, summary="the pod can still be reached", hint="narrow allow-monitoring")
        if step.id == "contain"
        else step
        for step in steps()
    )
    return replace(incident(), isolation=isolation(Verdict.UNVERIFIED, open_), steps=made, status=Status.UNVERIFIED)


def proven() -> RunRecord:
    """All is well."""
    return replace(incident(), isolation=isolation(Verdict.PROVEN), gaps=gaps()[1:], status=Status.DONE)


def dry_run() -> RunRecord:
    """Nothing was changed, nothing was taken."""
    return replace(incident(), dry_run=True, artifacts=(), gaps=(), bundle="", status=Status.DONE)


def collect_only() -> RunRecord:
    """No isolation, no audit."""
    left = tuple(step for step in steps() if step.id not in ("contain", "audit"))
    return replace(incident(), isolation=None, audit=None, steps=left, playbook="collect-only")


def being_written() -> RunRecord:
    """As the report inside the bundle is: the report step itself is still running."""
    done = steps()[:4]
    running = replace(steps()[4], status=Status.RUNNING, finished=None, summary="")
    return replace(incident(), steps=(*done, running), status=Status.RUNNING, finished=None, bundle="")


def cut_off() -> RunRecord:
    """SIGKILL during the capture."""
    running = replace(steps()[2], status=Status.RUNNING, finished=None, summary="")
    return replace(
        incident(), steps=(*steps()[:2], running), status=Status.RUNNING, finished=None, audit=None, bundle=""
    )


def failed() -> RunRecord:
    """The pod was never found."""
    step = StepRecord(
        "pin",
        "pod.resolve@1",
        Effect.READ,
        Status.FAILED,
        f"no pod payments/{POD}",
        at(0),
        at(0.1),
        hint="check the name",
    )
    return replace(bare(), steps=(step,), status=Status.FAILED, finished=at(0.1))


def bare() -> RunRecord:
    """The least a record can hold."""
    return RunRecord("r", "", "p", "", "0.1.0", Operator("", ""), START, Status.DONE)


XSS = (
    "</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'>"
    "<svg/onload=alert(1)>{{7*7}}{% raw %}"
)
DECEIT = (
    "\x1b[31mred\x9b2J \u202egnp.exe\u2066 zero\u200bwidth \u05e9\u05dc\u05d5\u05dd |a|b| `code` **bold** "
    "[x](http://evil.example)\n# heading\r\n- item <b>"
)
EVIL = (
    XSS,
    DECEIT,
    "`" * 7,
    "x" * 200_000,
    "",
    "\U000e0041tag",
    "|",
    "-",
    "1.",
    "javascript:alert(1)",
    "www.evil.example",
)


def hostile() -> RunRecord:
    """Every text field that a cluster, a log or a user fills, filled with malice."""

    def text(n: int) -> str:
        return EVIL[n % len(EVIL)]

    many = range(len(EVIL))
    call = Call("GET", XSS, 200, at(0), 0.1)
    return RunRecord(
        XSS,
        DECEIT,
        XSS,
        "`" * 5,
        XSS,
        Operator(DECEIT, XSS, DECEIT),
        at(0),
        Status.FAILED,
        at(5),
        cluster=ClusterIdentity(XSS, DECEIT, XSS, 1e9),
        target=Target(XSS, DECEIT, XSS, DECEIT, XSS, (XSS, DECEIT), XSS, DECEIT, {text(n): text(n + 1) for n in many}),
        steps=tuple(
            StepRecord(
                text(n),
                text(n),
                Effect.MUTATE,
                Status.FAILED,
                text(n),
                at(n),
                None,
                (Action(text(n), text(n + 1)),),
                text(n),
            )
            for n in many
        ),
        isolation=Isolation(
            XSS,
            DECEIT,
            XSS,
            DECEIT,
            tuple(Change(text(n), text(n), text(n), text(n), text(n), {XSS: DECEIT}) for n in many),
            tuple(Residual(text(n), Direction.EGRESS, text(n)) for n in many),
            {Direction.EGRESS: Verdict.INEFFECTIVE},
            tuple(Proof(text(n), text(n), text(n)) for n in many),
            EVIL,
        ),
        artifacts=tuple(Artifact(text(n), text(n), text(n), 2**62, at(n), call, True, text(n)) for n in many),
        gaps=tuple(Gap(text(n), text(n), reason, text(n), text(n)) for n in many for reason in GapReason),
        audit=AuditSummary(
            EVIL,
            1,
            1,
            1,
            {text(n): n for n in many},
            {text(n): n for n in many},
            at(0),
            at(1),
            tuple(Finding(text(n), Severity.CRITICAL, text(n), at(n), text(n), text(n), EVIL, text(n)) for n in many),
        ),
        timeline=tuple(Moment(at(n), text(n), text(n), text(n), text(n), text(n)) for n in many)
        + tuple(Moment(at(n), "audit", text(n), text(n), "critical", text(n)) for n in many),
        bundle=DECEIT,
    )


def large(moments: int = 100_000, files: int = 5_000) -> RunRecord:
    """More than anybody reads."""
    return replace(
        incident(),
        artifacts=tuple(artifact(f"logs/{n:05d}.log", n, f"/api/v1/pods/{n}/log", n / 1000) for n in range(files)),
        timeline=tuple(
            Moment(at(n), ("audit", "event", "pod")[n % 3], f"user-{n % 50}", f"get pods pod-{n}", "info", MATCHES)
            for n in range(moments)
        ),
    )


ALL = {
    made.__name__: made
    for made in (incident, ineffective, proven, dry_run, collect_only, being_written, cut_off, failed, bare, hostile)
}
