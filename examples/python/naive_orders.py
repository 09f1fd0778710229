"""What works until the group fails over: it sends no message again.

stanlocal run --fault kill:@active --every 3s -- pytest naive_orders.py
"""

import os
import secrets
import time

from stanlocal.sync import stan


def test_orders_are_published() -> None:
    suffix = secrets.token_hex(4)
    client = stan.connect(
        os.environ["NATS_URL"],
        cluster_id=os.environ["STAN_CLUSTER_ID"],
        client_id=f"naive-{suffix}",
        ack_timeout=2,
    )
    with client:
        end = time.monotonic() + 9
        while time.monotonic() < end:
            client.publish(f"naive.{suffix}", b"an order")
            time.sleep(0.01)
