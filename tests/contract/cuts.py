#!/usr/bin/env python3
"""Cuts a client of a table over and over, and compares its rows with the publisher's.

`cuts.py path/to/kit_server [seed]`
"""

import json
import os
import random
import subprocess
import sys
import threading
import time

from table import Number, canonical, read
from table_client import TableClient

PATH, SYMBOL, ROUTE = "/api/v1/ws", "AAPL", "levels"
CUTS, LIMIT = 120, 120


class Kit:
    """The server, and the publisher of the table: commands to its standard input."""

    def __init__(self, program, port=0):
        self.process = subprocess.Popen(
            [program, "--port", str(port), "--unsent-bytes", "65536"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.last = 0
        self.lock = threading.Lock()
        host, port = json.loads(self.process.stdout.readline())["listening"].rsplit(":", 1)
        self.address = (host, int(port))

    def command(self, **command):
        with self.lock:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            answer = read(self.process.stdout.readline())
            self.last = int(answer.get("last", self.last))
        assert "error" not in answer, answer
        return answer

    def trade(self, times):
        """Changes the table so many times. `last` is the number of all changes, the topic's counter."""
        self.command(do="trade", symbol=SYMBOL, times=times)

    def rows(self):
        return list(map(canonical, self.command(do="levels", symbol=SYMBOL)["levels"]))

    def end(self, topic, code, retryable):
        return self.command(do="end", topic=topic, code=code, retryable=retryable)["ended"]

    def kill(self):
        with self.lock:
            self.process.kill()
            self.process.communicate()


class World:
    """A server whose table changes all the time, and a client of it."""

    def __init__(self, program, seed):
        self.program, self.random = program, random.Random(seed)
        self.kit = Kit(program)
        self.kit.trade(1)
        self.client = TableClient(self.kit.address, PATH, ROUTE, {"symbol": SYMBOL})
        self.deadline = time.monotonic() + LIMIT
        self.publishing, self.stopped = threading.Lock(), threading.Event()
        self.publisher = threading.Thread(target=self.publish, daemon=True)
        self.publisher.start()

    def publish(self):
        while not self.stopped.wait(0.002):
            with self.publishing:
                self.kit.trade(1)

    def close(self):
        self.stopped.set()
        self.publisher.join()
        self.kit.kill()

    def restart(self):
        with self.publishing:
            self.kit.kill()
            self.kit = Kit(self.program, self.kit.address[1])
            self.kit.trade(self.random.randint(1, 30))

    def connect(self):
        """Connects, unless the client is connected or has ended."""
        while self.client.connection is None and self.client.phase != "ended":
            self.check_time()
            if not self.client.connect():
                time.sleep(0.01)

    def read(self, count):
        """Processes messages over one connection."""
        for _ in range(count):
            self.check_time()
            if self.client.connection is None:
                return
            self.client.step(5)

    def end(self, code):
        """Ends the client's subscription, and reads until the client knows it."""
        counts, name = self.client.counts, f"unsubscribed with {code}"
        before = counts[name]
        ended = self.kit.end(self.client.topic, code, True)
        assert ended == 1, f"{ended} subscriptions ended, with a client that is {self.client.phase}"
        while counts[name] == before:
            self.read(1)

    def check_time(self):
        assert time.monotonic() < self.deadline, f"not done in {LIMIT} s: {self.client.phase}"

    def settle(self):
        """Stops the publisher, reads what is left, and compares the client's rows with the publisher's."""
        self.stopped.set()
        self.publisher.join()
        while self.client.position != self.kit.last:
            self.connect()
            self.read(1)
        rows, expected = list(map(canonical, self.client.table.in_order())), self.kit.rows()
        assert rows == expected, f"the client has {rows}, and the publisher has {expected}"
        return self.client.counts


def require(counts, **least):
    for name, count in least.items():
        name = name.replace("_", " ")
        assert counts[name] >= count, f"{counts[name]} instead of {count} {name}: {dict(counts)}"


def cuts(world):
    """The client is cut at random points, while the server publishes, restarts and ends subscriptions."""
    client, chance = world.client, world.random
    for cut in range(1, CUTS + 1):
        world.connect()
        if cut % 12 == 0:
            world.read(2)
            world.end(["unavailable", "reset"][cut % 24 == 0])
        # Zero is a cut before the reply; one, after a restart, is a cut before the snapshot.
        world.read(1 if cut % 20 == 1 else chance.choice([0, 1, 2, 3, chance.randint(4, 30)]))
        if client.connection:
            client.cut(abruptly=chance.random() < 0.5)
        if cut % 20 == 0:
            world.restart()
        elif chance.random() < 0.7:
            world.kit.trade(chance.choice([1, 2, 5, 20, 200]))
    counts = world.settle()
    require(counts, connections=CUTS, recovered=CUTS // 3, merged_updates=10, updates=100)
    require(counts, cuts_while_asked=5, cuts_while_announced=3, cuts_while_live=CUTS // 3)
    require(counts, not_recovered=3, unsubscribed_with_unavailable=3, unsubscribed_with_reset=3)
    assert counts["mismatches"] == 0, counts
    return counts


def limited(world):
    """A client that asks for few updates per second receives the changes merged, or a snapshot in their place."""
    client = world.client
    for rate, times, reads in ((50, 5, 30), (2, 500, 4)):
        client.max_rate = rate
        world.connect()
        for _ in range(reads):
            world.kit.trade(times)
            world.read(1)
        client.cut(abruptly=False)
    counts = world.settle()
    require(counts, recovered=1, merged_updates=5, snapshots_in_place_of_updates=1)
    assert counts["mismatches"] == 0, counts
    return counts


def corrupted(world):
    """A client whose rows are wrong finds that by the checksum, and subscribes again."""
    client = world.client
    for expected in range(1, 11):
        world.connect()
        while client.phase != "live":
            world.read(1)
        while client.counts["mismatches"] < expected:
            # The next message may replace this row.
            row = next(iter(client.table.rows.values()))
            row["size"] = Number("12345.5")
            world.read(1)
    counts = world.settle()
    require(counts, subscribed=11, snapshots=11)
    assert counts["mismatches"] == 10 and counts["unverified"] == 0, counts
    return counts


def unverified(world):
    """A client that computes other checksums subscribes twice more, and then goes on without them."""
    client = world.client
    receive = client.table.receive
    client.table.receive = lambda kind, payload: receive(kind, payload) and False
    world.connect()
    while client.counts["unverified"] < 20:
        world.read(1)
    counts = world.settle()
    assert counts["mismatches"] == 2 and counts["subscribed"] == 3, counts
    return counts


def ended(world):
    """An end that is not retryable ends the subscription for good."""
    client = world.client
    world.connect()
    world.read(5)
    assert world.kit.end(client.topic, "forbidden", False) == 1
    while client.phase != "ended":
        world.read(1)
    assert client.step(0.2) is False, "a message after the end"
    return client.counts


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "big")
    failures, scenarios = [], [cuts, limited, corrupted, unverified, ended]
    for scenario in scenarios:
        world = World(program, seed)
        start = time.monotonic()
        try:
            counts = scenario(world)
            took = time.monotonic() - start
            print(f"{scenario.__name__}, seed {seed}, {took:.1f} s: {dict(sorted(counts.items()))}", flush=True)
        except Exception as error:
            failures.append(f"{scenario.__name__}, seed {seed}: {type(error).__name__}: {error}")
        finally:
            world.close()
    if failures:
        print(f"{len(failures)} of {len(scenarios)} cases failed:", *failures, sep="\n  ")
        return 1
    print(f"{len(scenarios)} cases passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
