"""A publisher and a subscriber that survive failovers of the group.

stanlocal run --fault kill:@active --every 3s -- pytest
"""

import os
import secrets
import time

from stanlocal.sync import DeliverAll, stan

PUBLISH_S = 9
GIVE_UP_S = 30


def test_no_order_is_lost() -> None:
    suffix = secrets.token_hex(4)
    channel = f"orders.{suffix}"
    received: set[bytes] = set()  # a set: an order that is delivered again is the same order
    published: list[bytes] = []
    client = stan.connect(
        os.environ["NATS_URL"],  # every node
        cluster_id=os.environ["STAN_CLUSTER_ID"],
        client_id=f"orders-{suffix}",
        retry=True,  # a message is sent again until it is acknowledged, and so stored
    )
    with client:
        client.subscribe(
            channel,
            lambda message: received.add(message.data),
            start=DeliverAll(),
            durable_name="warehouse",
            ack_wait=5,
        )
        end = time.monotonic() + PUBLISH_S
        while time.monotonic() < end:
            order = b"order %d" % len(published)
            client.publish(channel, order)
            published.append(order)
            time.sleep(0.01)
        deadline = time.monotonic() + GIVE_UP_S
        while not received.issuperset(published) and time.monotonic() < deadline:
            time.sleep(0.05)
    missing = [order for order in published if order not in received]
    assert not missing, f"{len(missing)} of {len(published)} orders are lost"
