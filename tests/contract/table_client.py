"""A client of one topic of a table, written from docs/protocol.md alone."""

import collections
import http.client
import json
import time

from table import Table, key_order, key_text, read
from websocket import Closed, WebSocket

ENVELOPE = ["type", "id", "topic", "epoch", "seq", "recovered", "snapshot", "skipped", "payload"]
BACKOFF = 0.01


class Fault(Exception):
    """The server broke a promise of the protocol."""


def expect(promise, text, message):
    if not promise:
        raise Fault(f"{text}: {json.dumps(message)[:1000]}")


def describe(address, path, route):
    """Reads the extension x-topicast of a channel from the server's document."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", f"{path}/asyncapi-3.json")
        document = json.load(connection.getresponse())
    finally:
        connection.close()
    return document["components"]["messages"][f"{route}.update"]["x-topicast"]


class TableClient:
    """Maintains the rows of a topic over one connection after another.

    The phase is that of the subscription: "cut" (not connected), "asked" (the reply is awaited),
    "announced" (the snapshot is awaited), "live", "leaving" (the reply to an unsubscribe is
    awaited), "left" (subscribes again after a backoff) or "ended".
    """

    def __init__(self, address, path, route, request):
        self.address, self.path, self.route, self.request = address, path, route, request
        description = describe(address, path, route)
        assert description["kind"] == "table", description
        self.has_checksums = description.get("checksum", False)
        self.table = Table(description["key"])
        self.connection, self.phase, self.topic = None, "cut", None
        self.epoch, self.position, self.stated = None, None, None
        self.max_rate = None
        self.requests, self.pending, self.again_at = 0, None, 0
        self.mismatches, self.verifies = 0, True
        self.counts = collections.Counter()

    def connect(self):
        """Connects and subscribes. Returns false if the server cannot be reached."""
        try:
            self.connection = WebSocket(self.address, self.path)
            self._subscribe()
        except Closed:
            self._disconnected()
            return False
        self.counts["connections"] += 1
        return True

    def cut(self, abruptly):
        """Ends the connection as a network failure does."""
        self.counts[f"cuts while {self.phase}"] += 1
        self.connection.cut(abruptly)
        self._disconnected()

    def step(self, timeout):
        """Processes at most one message. Returns false if none arrived in time."""
        if self.phase == "left":
            if time.monotonic() < self.again_at:
                timeout = min(timeout, self.again_at - time.monotonic())
            else:
                self._try(self._subscribe)
        text = self._try(lambda: self.connection.receive(timeout)) if self.connection else None
        if text is None:
            return False
        self._try(lambda: self._process(read(text)))
        return True

    def _try(self, action):
        try:
            return action()
        except Closed as closed:
            # The others end a connection that the client may open again.
            if closed.code in (1002, 1003, 1007, 1008, 1009):
                raise Fault(f"the server closed with {closed}") from closed
            self.counts[f"closed with {closed.code}"] += 1
            self._disconnected()
            return None

    def _disconnected(self):
        if self.connection:
            self.connection.socket.close()
        self.connection = None
        if self.phase != "ended":
            self.phase = "cut"

    def _send(self, kind, **members):
        self.requests += 1
        self.pending = self.requests
        message = {"type": f"{self.route}.{kind}", "id": self.pending, "payload": self.request}
        self.connection.send(json.dumps(message | members))

    def _subscribe(self):
        self.stated = None if self.position is None else (self.epoch, self.position)
        members = {} if self.stated is None else {"recover": {"epoch": self.epoch, "seq": self.position}}
        if self.max_rate is not None:
            members["max_rate"] = self.max_rate
        self.phase = "asked"
        self._send("subscribe", **members)

    def _process(self, message):
        expect([name for name in ENVELOPE if name in message] == list(message), "members in another order", message)
        kind = message["type"]
        if kind == f"{self.route}.subscribe.response":
            self._subscribed(message)
        elif kind == f"{self.route}.unsubscribe.response":
            expect(self.phase == "leaving" and message["id"] == self.pending, "a reply to no request", message)
            self._again(BACKOFF)
        elif kind in (f"{self.route}.snapshot", f"{self.route}.update"):
            if self.phase != "leaving":
                expect(message["topic"] == self.topic, "a topic without a subscription", message)
                self._changed(kind.rpartition(".")[2], message)
        elif kind == f"{self.route}.unsubscribed":
            self._unsubscribed(message)
        else:
            raise Fault(f"an unexpected message: {message}")

    def _subscribed(self, message):
        expect(self.phase == "asked" and message["id"] == self.pending, "a reply to no request", message)
        payload = message["payload"]
        if payload["status"] != "ok":
            expect("topic" not in payload, "a refusal with a topic", message)
            self._refused(payload)
            return
        expect(self.topic in (None, payload["topic"]), "another topic", message)
        self.topic = payload["topic"]
        seq, has_snapshot = int(message["seq"]), message.get("snapshot", False)
        expect(("recovered" in message) == (self.stated is not None), "recovered without recover", message)
        if message.get("recovered"):
            expect((message["epoch"], seq) == self.stated, "recovered at another position", message)
            expect(not has_snapshot, "recovered, with a snapshot", message)
            self.counts["recovered"] += 1
            self.phase = "live"
            return
        expect(has_snapshot, "a table without a snapshot", message)
        self.counts["not recovered" if self.stated else "subscribed"] += 1
        self.epoch, self.announced, self.position, self.phase = message["epoch"], seq, None, "announced"

    def _changed(self, kind, message):
        seq, payload = int(message["seq"]), message["payload"]
        if kind == "snapshot":
            expect(self.phase in ("announced", "live"), "a snapshot without a subscription", message)
            least = self.announced if self.phase == "announced" else self.position + 1
            expect(seq >= least, "a snapshot of the past", message)
            expect("remove" not in payload, "a snapshot that removes", message)
            orders = [key_order(self.table.names, row) for row in payload["set"]]
            expect(all(one < other for one, other in zip(orders, orders[1:])), "a snapshot out of order", message)
            self.counts["snapshots" if self.phase == "announced" else "snapshots in place of updates"] += 1
        else:
            expect(self.phase == "live", "an update without a position", message)
            expect(seq > self.position, "an update of the past", message)
            expect(all(payload.get(member, True) for member in ("set", "remove")), "an empty list", message)
            self.counts["updates" if seq == self.position + 1 else "merged updates"] += 1
        for key in payload.get("remove", []):
            expect(list(key) == self.table.names, "a key with other members", message)
        keys = [key_text(self.table.names, row) for row in payload.get("set", []) + payload.get("remove", [])]
        expect(len(set(keys)) == len(keys), "a key twice in a message", message)
        expect(self.has_checksums == ("checksum" in payload), "a checksum where none is declared, or none", message)
        is_right = self.table.receive(kind, payload)
        self.position, self.phase = seq, "live"
        if not self.verifies:
            self.counts["unverified"] += 1
        elif is_right:
            self.mismatches = 0
            self.counts["verified"] += 1
        else:
            self._mismatched()

    def _mismatched(self):
        self.counts["mismatches"] += 1
        self.mismatches += 1
        self.verifies = self.mismatches < 2
        self.position, self.phase = None, "leaving"
        self._send("unsubscribe")

    def _unsubscribed(self, message):
        expect(message["topic"] == self.topic, "the end of no subscription", message)
        if self.phase == "leaving":
            return
        expect(self.phase in ("live", "announced"), "the end of no subscription", message)
        self.counts[f"unsubscribed with {message['payload']['code']}"] += 1
        self._refused(message["payload"])

    def _refused(self, payload):
        if payload["retryable"]:
            self._again(float(payload.get("retry_after_ms", 0)) / 1000 + BACKOFF)
        else:
            self.counts[f"ended by {payload['code']}"] += 1
            self.phase = "ended"

    def _again(self, delay):
        self.phase, self.again_at = "left", time.monotonic() + delay
