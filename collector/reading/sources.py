"""Where telegrams come from: a serial device, a TCP port, a file. One interface, bytes out."""

import errno
import fcntl
import os
import select
import socket
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from collector.errors import AbsentError, SettlingError, SourceError
from collector.p1.telegram import Policy
from collector.reading.bell import Bell
from collector.reading.port import Finder, holders, listed

READ_SECONDS: Final = 1.1
"""How long a read waits for bytes: a meter that sends each second is waited for once."""
GATHER_SECONDS: Final = 0.15
"""How long the first bytes of a telegram wait for the others: a converter gives some 60 at a time,
and to look at each of these costs more than to read a telegram."""
_FEW: Final = 512
"""Bytes: with more waiting, nothing is waited for."""

CONNECT_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 2.0
"""After a plug-in the kernel is quicker than udev, which gives the names and the permissions."""
_CHUNK: Final = 4096
PSEUDO_TERMINALS: Final = range(136, 144)
"""The major numbers of `/dev/pts/`."""
_FAILED: Final = (OSError, termios.error)
"""What a serial port raises: pyserial's errors are the system's."""
_IN_USE: Final = (errno.EAGAIN, errno.EBUSY)
_ABSENT: Final = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
IN_USE_WORDS: Final = "another program reads it"
_SEVEN_BITS: Final = bytes(byte & 0x7F for byte in range(256))


class Source(Protocol):
    """An open line from a meter; `name` is what it is, by which it can be opened again."""

    @property
    def name(self) -> str: ...

    def read(self, seconds: float) -> bytes:
        """Give what has come; empty if nothing came in so long. Raises `SourceError`."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Speed:
    """A line's speed and form: DSMR 4 and later 115200 8N1, DSMR 2 and 3 9600 7E1."""

    baud: int
    data_bits: int
    parity: str

    def __str__(self) -> str:
        return f"{self.baud} {self.data_bits}{self.parity}1"


FAST: Final = Speed(115200, 8, "N")
SLOW: Final = Speed(9600, 7, "E")
EVEN: Final = Speed(115200, 8, "E")
"""NES meters (Denmark); never tried unless it is set."""


@dataclass(frozen=True, slots=True)
class Address:
    """What `P1_SOURCE` names. `live` is a meter that is being read now, not a record of one.

    `open` raises `SourceError`, of a port that is not there `AbsentError`; `fault` is why it
    always will, if the text names no source at all. `found` is False if no source is set, and
    there was none to choose. `checked` is False where a gateway checks the telegrams, and may cut
    their checksums off. `bell` ends the wait of a read.
    """

    text: str
    live: bool
    speeds: tuple[Speed, ...]
    open: Callable[[Speed], Source]
    fault: SourceError | None = None
    found: bool = True
    checked: bool = True
    bell: Bell = field(default_factory=Bell)

    def policy(self, wanted: Policy) -> Policy:
        """Say what is accepted of what comes from here."""
        lenient = wanted is Policy.REQUIRE and not self.checked
        return Policy.ACCEPT_MISSING if lenient else wanted

    @property
    def is_device(self) -> bool:
        """Whether it is a port of this machine: only such a one has a speed and a cable."""
        return "://" not in self.text


@dataclass(frozen=True, slots=True)
class Access:
    """What a gateway wants: its token, and a file that says whom to trust."""

    token: str = field(default="", repr=False)
    ca_file: str | None = None


def address(text: str, baud: str, access: Access = Access()) -> Address:
    """Understand `P1_SOURCE` and `P1_BAUD` (`auto`, `115200`, `9600` or `115200-8E1`)."""
    if text.startswith("file://"):
        path = Path(text.removeprefix("file://"))
        return Address(text, live=False, speeds=(FAST,), open=lambda _: FileSource(path))
    if "://" in text:
        return _network_address(text, access)
    finder = Finder()
    device = text or finder.find()
    named = {"115200": (FAST,), "9600": (SLOW,), "115200-8E1": (EVEN,)}
    speeds = named.get(baud, (FAST, SLOW))
    bell = Bell()

    def open_device(speed: Speed) -> Source:
        """Open the port that is there now: the cable may be plugged in later, and elsewhere."""
        name = text or finder.find()
        if name is None:
            raise finder.missing()
        if not text and name != finder.usual and _is_settling(name):
            raise SettlingError(f"`{name}` was plugged in a moment ago, and may be named yet")
        return SerialSource(name, speed, bell)

    place = device or finder.usual
    found = device is not None
    return Address(place, live=True, speeds=speeds, open=open_device, found=found, bell=bell)


def _network_address(text: str, access: Access = Access()) -> Address:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    bell = Bell()
    place = partial(Address, text, live=True, speeds=(FAST,), bell=bell)
    if text.startswith(("http://", "https://")) and host and port != 0:
        return place(open=lambda _: _gateway(text, access, bell), checked=False)
    if not text.startswith("socket://") or not host or not port:
        fault = SourceError(
            f"`{text}` is no source",
            hint="`P1_SOURCE` is a device such as `/dev/ttyUSB0`, `socket://host:port`,"
            " `http://host` of a gateway, or `file:///path` of recorded telegrams",
        )
        return place(open=partial(_refuse, fault), fault=fault)
    end = (host, port)
    return place(open=lambda _: TcpSource(text, end, bell))


def _gateway(text: str, access: Access, bell: Bell) -> Source:
    from collector.reading.gateway import Gateway, HttpSource  # noqa: PLC0415  few have one

    return HttpSource(Gateway(text, access.token, access.ca_file), bell)


def _refuse(fault: SourceError, _: Speed) -> Source:
    raise fault


def _is_settling(name: str) -> bool:
    """Whether a device was made, or given to a group, so lately that udev may be at work yet."""
    with suppress(OSError):
        return 0 <= time.time() - Path(name).stat().st_ctime < SETTLE_SECONDS
    return False


def misnamed(name: str) -> str | None:
    """Say how to write a source that is not there, if it looks like no path of a device."""
    if "/" in name:
        return None
    reader = f"socket://{name}"
    if _network_address(reader).fault is None:
        return f"for a network reader write `{reader}`"
    return "a serial device on Linux begins with `/dev/`"


def _gathered(file: int, seconds: float, bell: Bell) -> bool:
    """Wait so long for bytes, and a moment for those behind the first; whether there are any."""
    rung = bell.fileno()
    ready = select.select([file, rung], [], [], seconds)[0]
    if rung in ready:
        bell.heard()
    if file not in ready:
        return False
    waiting = fcntl.ioctl(file, termios.FIONREAD, bytes(4))
    if 0 < int.from_bytes(waiting, sys.byteorder) < _FEW:
        time.sleep(GATHER_SECONDS)
    return True


class SerialSource:
    """A serial device, through pyserial.

    The device is opened exclusively. RTS is raised before: the meter sends only while the data
    request line is high (DSMR 5.0.2, 5.7.2). Seven data bits with parity are eight bits on the
    line, so a port that cannot do them, or only says it can, loses nothing but the check.
    """

    def __init__(self, name: str, speed: Speed, bell: Bell | None = None) -> None:
        self.name = name
        self._bell = bell or Bell()
        self._seven_bits = speed.data_bits == SLOW.data_bits
        try:
            self._port = _port(name, speed)
        except (*_FAILED, ValueError) as error:
            raise _kind(error, name)(
                f"cannot open `{name}`: {_words(error)}", hint=_open_hint(error, name)
            ) from error

    def read(self, seconds: float) -> bytes:
        try:
            if not _gathered(self._port.fileno(), seconds, self._bell):
                return b""
            data = os.read(self._port.fileno(), _CHUNK)
            if not data:
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        except BlockingIOError:
            return b""  # a second program was quicker
        except _FAILED as error:
            raise SourceError(
                f"the line `{self.name}` broke: {_words(error)}",
                hint="was the cable pulled out, or does a second program read this port?",
            ) from error
        return data.translate(_SEVEN_BITS) if self._seven_bits else data

    def close(self) -> None:
        with suppress(*_FAILED):
            self._port.close()


def _port(name: str, speed: Speed) -> Any:
    import serial  # noqa: PLC0415  `--help` must not pay for it

    port = serial.Serial()
    port.port = name
    port.baudrate = speed.baud
    port.bytesize = speed.data_bits
    port.parity = speed.parity
    port.timeout = 0
    port.exclusive = True
    port.rts = True
    try:
        port.open()
    except termios.error:
        # The form is refused rather than ignored; of eight bits the last is the parity.
        port.bytesize, port.parity = FAST.data_bits, FAST.parity
        port.open()
    if os.major(os.fstat(port.fileno()).st_rdev) not in PSEUDO_TERMINALS:
        # pyserial's lock keeps out programs that ask for one, this all that are not root's. (On a
        # pseudo-terminal it would outlive us for as long as the other end is open.)
        fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
    return port


def _kind(error: Exception, name: str) -> type[SourceError]:
    if getattr(error, "errno", None) in _ABSENT:
        return AbsentError
    return SettlingError if _is_settling(name) else SourceError


def _words(error: Exception) -> str:
    """Say what went wrong; pyserial wraps the system's words in several others."""
    number = getattr(error, "errno", None)
    if number in _IN_USE:
        return IN_USE_WORDS
    if isinstance(error, socket.gaierror) or not number:
        return (error.strerror if isinstance(error, OSError) else None) or str(error)
    return os.strerror(number)


def _open_hint(error: Exception, name: str) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return "add the user to the group that owns the port: `sudo usermod -aG dialout $USER`"
    if number in _IN_USE:
        who = listed(holders(name)) or f"`sudo fuser -v {name}` names the other"
        return f"only one program can read a port: {who}"
    if number in _ABSENT:
        return misnamed(name) or (
            "is the cable plugged in? `ls /dev/serial/by-id/` lists what is there (`P1_SOURCE`)"
        )
    if Path(name).is_file():
        return f"to replay a file of telegrams, set `P1_SOURCE` to `file://{Path(name).resolve()}`"
    return "check `P1_SOURCE`: it must be a serial device"


class TcpSource:
    """A TCP port that sends what a meter says: ser2net, or a dongle in the meter."""

    def __init__(self, text: str, end: tuple[str, int], bell: Bell | None = None) -> None:
        self.name = text
        self._bell = bell or Bell()
        try:
            self._socket = socket.create_connection(end, CONNECT_SECONDS)
        except OSError as error:
            words = str(error) if isinstance(error, TimeoutError) else _words(error)
            raise SourceError(
                f"cannot connect to `{text}`: {words}",
                hint="is the other end switched on, and are address and port right (`P1_SOURCE`)?",
            ) from error

    def read(self, seconds: float) -> bytes:
        try:
            if not _gathered(self._socket.fileno(), seconds, self._bell):
                return b""
            data = self._socket.recv(_CHUNK)
        except OSError as error:
            raise self._broken(_words(error)) from error
        if not data:
            raise self._broken("closed by the other end")
        return data

    def close(self) -> None:
        self._socket.close()

    def _broken(self, words: str) -> SourceError:
        return SourceError(
            f"the line `{self.name}` broke: {words}",
            hint="was the other end restarted, or does a second program read it?"
            " Most serve only one",
        )


class FileSource:
    """A file of telegrams, read once; after its end `read` raises `EOFError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"file://{path}"
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise self._unreadable(error) from error

    def read(self, seconds: float) -> bytes:
        del seconds
        try:
            data = os.read(self._file, _CHUNK)
        except OSError as error:
            raise self._unreadable(error) from error
        if not data:
            raise EOFError
        return data

    def close(self) -> None:
        os.close(self._file)

    def _unreadable(self, error: OSError) -> SourceError:
        words = f"cannot read `{self._path}`: {_words(error)}"
        return SourceError(words, hint="check `P1_SOURCE`")
