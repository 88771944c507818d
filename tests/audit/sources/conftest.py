"""CloudWatch Logs and S3 as moto serves them over HTTP, and a shell that is set to them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.ship import servers


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The URL of a moto server of our own."""
    command = [sys.executable, "-W", "ignore", "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)))
        yield found.group()
        process.kill()


@pytest.fixture
def cloud(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, for irkit too: by the variables that boto3 itself heeds, and by our own for S3."""
    servers.environment(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", aws)
    monkeypatch.setenv("IRKIT_S3_ENDPOINT_URL", aws)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
    return aws
