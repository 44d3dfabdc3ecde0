"""ministack as a process, with three things that AWS does: the messages of a batch keep their trace header, connections
count as encrypted unless the file PLAIN exists, and requests are counted as they are billed. COUNTS names the file
that the counts are appended to."""

import json
import math
import os
import threading

from ministack.app import main
from ministack.core import iam_evaluator
from ministack.services import dynamodb, sqs

COUNTS, LOCK = os.environ.get("COUNTS"), threading.Lock()
SQS_UNIT, WRITE_UNIT, READ_UNIT = 64 * 1024, 1024, 4 * 1024


def count(what, units=1):
    if COUNTS:
        with LOCK, open(COUNTS, "a") as file:
            file.write(f"{what} {units}\n")


def encrypted(resolve):
    """What policies are told about the connection."""

    def resolved(key, context):
        if key.lower() == "aws:securetransport":
            return str(not os.path.exists(os.environ.get("PLAIN", ""))).lower()
        return resolve(key, context)

    return resolved


def traced_batch(batch):
    """A batch whose messages keep their system attributes."""

    def act(data, url):
        entries, send = iter(data.get("Entries", [])), sqs._act_send_message

        def one(message, to):
            return send(message | {"MessageSystemAttributes": next(entries).get("MessageSystemAttributes")}, to)

        with LOCK:
            sqs._act_send_message = one
            try:
                return batch(data, url)
            finally:
                sqs._act_send_message = send

    return act


def counted_queue(action, act):
    """Counts a request once for each 64 KiB, as it is billed."""

    def counted(data, url):
        kind = "fifo" if (data.get("QueueUrl") or url or "").endswith(".fifo") else "standard"
        count(f"sqs.{kind}", max(1, math.ceil(len(json.dumps(data)) / SQS_UNIT)))
        return act(data, url)

    return counted


def size(item):
    return len(json.dumps(item, ensure_ascii=False).encode())


def counted_table(name, units):
    act = getattr(dynamodb, name)

    def counted(data):
        answer = act(data)
        for kind, number in units(data, answer):
            count(f"dynamodb.{kind}", number)
        return answer

    setattr(dynamodb, name, counted)


def body_of(answer):
    return json.loads(answer[2])


def written(data, _):
    for writes in data["RequestItems"].values():
        yield "write", sum(math.ceil(size(write) / WRITE_UNIT) for write in writes)


def updated(data, _):
    # The state is small. It is in one of the two indexes, which is written too.
    yield "write", 2


def read(data, answer):
    items = body_of(answer).get("Items", [])
    units = max(1, math.ceil(sum(map(size, items)) / READ_UNIT))
    yield "read", units if data.get("ConsistentRead") else units / 2


def got(data, answer):
    yield "read", max(1, math.ceil(size(body_of(answer).get("Item", {})) / READ_UNIT))


def got_many(data, _):
    yield "read", sum(len(keys["Keys"]) for keys in data["RequestItems"].values()) / 2


iam_evaluator._resolve_condition_key = encrypted(iam_evaluator._resolve_condition_key)
sqs._HANDLERS["SendMessageBatch"] = traced_batch(sqs._act_send_message_batch)
for action, act in list(sqs._HANDLERS.items()):
    if action in ("SendMessage", "SendMessageBatch", "ChangeMessageVisibility"):
        sqs._HANDLERS[action] = counted_queue(action, act)
for name, units in (
    ("_batch_write_item", written),
    ("_update_item", updated),
    ("_query", read),
    ("_get_item", got),
    ("_batch_get_item", got_many),
):
    counted_table(name, units)
main()
