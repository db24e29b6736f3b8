"""A WebSocket client (RFC 6455) over a blocking socket, without extensions."""

import base64
import hashlib
import os
import socket
import struct
import time

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Closed(Exception):
    """The connection has ended, with the code 1006 if there was no close frame."""

    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class WebSocket:
    """One connection."""

    def __init__(self, address, path):
        self.received = b""
        self.fragments = None
        try:
            self.socket = socket.create_connection(address, 10)
            self._handshake(address, path)
        except OSError as error:
            raise Closed(1006, str(error)) from error

    def _handshake(self, address, path):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {address[0]}:{address[1]}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.received:
            self._fill()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        if status.split()[1] != "101":
            raise Closed(1006, f"the handshake was refused with {status}")
        headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        expected = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        assert headers["sec-websocket-accept"] == expected, head
        assert not {"sec-websocket-protocol", "sec-websocket-extensions"} & headers.keys(), head

    def send(self, text):
        """Sends a text message."""
        self._send(TEXT, text.encode())

    def receive(self, timeout):
        """Returns the next text message, or None if none is complete in time."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self._frame()
            if frame is None:
                left = deadline - time.monotonic()
                if left <= 0 or not self._fill(left):
                    return None
                continue
            text = self._take(*frame)
            if text is not None:
                return text

    def cut(self, abruptly):
        """Ends the connection without a close frame; abruptly, with a TCP reset."""
        if abruptly:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _take(self, is_final, opcode, body):
        if opcode == PING:
            self._send(PONG, body)
        elif opcode == CLOSE:
            code, reason = (struct.unpack(">H", body[:2])[0], body[2:].decode()) if body else (1005, "")
            try:
                self._send(CLOSE, body[:2])
            finally:
                self.socket.close()
            raise Closed(code, reason)
        elif opcode == TEXT:
            assert self.fragments is None, "a text frame inside a message"
            self.fragments = body
        elif opcode == CONTINUATION:
            assert self.fragments is not None, "a continuation of no message"
            self.fragments += body
        else:
            assert opcode == PONG, f"a frame with the opcode {opcode}"
        if opcode in (TEXT, CONTINUATION) and is_final:
            text, self.fragments = self.fragments.decode(), None
            return text
        return None

    def _frame(self):
        """Takes a frame from the received bytes, if one is complete."""
        buffer = self.received
        if len(buffer) < 2:
            return None
        first, length, at = buffer[0], buffer[1], 2
        assert not first & 0x70 and not length & 0x80, "a reserved bit, or a server's frame with a mask"
        if length in (126, 127):
            form, size = (">H", 2) if length == 126 else (">Q", 8)
            if len(buffer) < at + size:
                return None
            length, at = struct.unpack(form, buffer[at : at + size])[0], at + size
        if len(buffer) < at + length:
            return None
        self.received = buffer[at + length :]
        return bool(first & 0x80), first & 0xF, buffer[at : at + length]

    def _fill(self, timeout=10):
        """Reads from the socket. Returns false if nothing arrived in time."""
        try:
            self.socket.settimeout(timeout)
            read = self.socket.recv(65536)
        except TimeoutError:
            return False
        except OSError as error:
            raise Closed(1006, str(error)) from error
        if not read:
            raise Closed(1006, "the connection ended without a close frame")
        self.received += read
        return True

    def _send(self, opcode, body):
        mask = os.urandom(4)
        length = len(body)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack(">H", length)
        assert length < 65536, "a message longer than a server takes"
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))
        try:
            self.socket.settimeout(10)
            self.socket.sendall(bytes([0x80 | opcode]) + size + mask + masked)
        except OSError as error:
            raise Closed(1006, str(error)) from error
