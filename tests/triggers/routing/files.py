"""A triggers file for tests."""

from __future__ import annotations

FILE = """\
apiVersion: irkit/v1
kind: Triggers
sources:
  prom:
    format: alertmanager
    auth: {bearer: [{env: TEST_PROM}, {env: TEST_PROM_OLD}]}
  pager:
    format: pagerduty
    auth: {pagerduty: [{env: TEST_PAGER}]}
  hooks:
    format: standard-webhooks
    auth: {standard: [{env: TEST_HOOKS}]}
rules:
  - name: shells
    when: {sources: [prom], names: ['*Shell*'], min_severity: high, labels: {team: [payments, 'pay-*']}}
    run: compromised-pod
    with:
      namespace: ${{ alert.pod.namespace }}
      pod: ${{ alert.pod.name }}
      deadline: ${{ alert.labels.deadline }}
  - name: anything-grave
    when: {min_severity: critical}
    run: collect-only
    with: {namespace: '${{ alert.pod.namespace }}', pod: '${{ alert.pod.name }}', deadline: 60}
"""
