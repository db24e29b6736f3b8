"""Fan-out on FastWS and uvicorn, as FastWS's own documentation shows it."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastws import Client, FastWS, Message
from pydantic import BaseModel

PAD = "p" * 75
FIRST_NUMBER = 1_000_000
FIRST_TOPIC = 1000


class Subscribe(BaseModel):
    k: int


class Subscribed(BaseModel):
    status: str
    k: int
    message: str
    topic: str


class Bar(BaseModel):
    at: int
    n: int
    k: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    pad: str


def topic_name(k: int) -> str:
    return f'bars:{{"k":{k}}}'


service = FastWS()


@service.send("bars.subscribe", reply="bars.subscribe.response")
async def subscribe(payload: Subscribe, client: Client) -> Subscribed:
    name = topic_name(payload.k)
    client.subscribe(name)
    return Subscribed(status="ok", k=payload.k, message=f"Subscribed to {payload.k}", topic=name)


@service.recv("bars.update")
async def update(payload: Bar) -> Bar:
    return payload


def bar(topic: int, at: int, number: int) -> Bar:
    return Bar(
        at=at,
        n=FIRST_NUMBER + number,
        k=FIRST_TOPIC + topic,
        open=229.41,
        high=230.12,
        low=228.97,
        close=229.88,
        volume=183442,
        pad=PAD,
    )


numbers: dict[int, int] = {}


async def publish(start: int, period: int, ticks: int, topics: int, spread: int) -> None:
    """Publishes on the schedule; what is late goes out at once."""
    total = ticks * topics
    for i in range(total):
        tick, topic = divmod(i, topics)
        at = start + (tick * period + (topic * period // topics if spread else 0)) // 1000
        wait = at / 1e6 - time.time()
        if wait > 0:
            await asyncio.sleep(wait)
        numbers[topic] = number = numbers.get(topic, 0) + 1
        message = Message(type="bars.update", payload=bar(topic, at, number).model_dump())
        # A subscriber that has gone makes a broadcast fail as a whole.
        with contextlib.suppress(Exception):
            await service.server_send(message, topic=topic_name(FIRST_TOPIC + topic))
    print(f"published {total}", flush=True)


async def obey() -> None:
    """Reads commands until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        word, *arguments = line.decode().split()
        if word != "publish":
            sys.exit(f"unknown command `{word}`: allowed is publish")
        task = asyncio.create_task(publish(*map(int, arguments)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    os._exit(0)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    task = asyncio.create_task(obey())
    service.setup(app)
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/")
async def stream(client: Annotated[Client, Depends(service.manage)]):
    await service.serve(client)


def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    print(f"ready {listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", backlog=4096)).run(sockets=[listener])


if __name__ == "__main__":
    main()
