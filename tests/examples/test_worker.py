"""Synchronous workers share a durable queue group; one that stops, and a failover, lose no job."""

from __future__ import annotations

import uuid

import pytest

from stanlocal import FTGroup, sync

pytestmark = pytest.mark.docker

JOBS = [b"job %d" % number for number in range(10)]


def join(worker: sync.stan.Client, channel: str, work: sync.Recorder) -> sync.stan.Subscription:
    """Takes part in the work; what is not done when a worker leaves waits for the next."""
    start = sync.DeliverAll()
    return worker.subscribe(channel, work, queue_group="workers", durable_name="jobs", start=start)


def test_jobs_wait_for_a_worker_that_comes_back(
    stan_sync_client: sync.stan.Client, stan_group: FTGroup, stan_channel: str
) -> None:
    early, late = sync.Recorder(), sync.Recorder()
    with stan_group.sync.connect(f"worker-{uuid.uuid4().hex}") as worker:
        with join(worker, stan_channel, early):
            stan_sync_client.publish_batch(stan_channel, JOBS[:5])
            early.wait(5)
        with stan_group.sync.during_failover():
            stan_sync_client.publish_batch(stan_channel, JOBS[5:])
        with join(worker, stan_channel, late):
            late.wait(5)
    sync.assert_no_loss(JOBS, early.data + late.data)
    assert not set(early.data) & set(late.data), "a job that was done does not come again"
