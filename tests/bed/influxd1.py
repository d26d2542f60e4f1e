"""A real InfluxDB 1 for the tests, with authentication on.

Its bucket is a database, its token a user with the password: `user:password`.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from bed.influxd import Influxd, Row, Token, at
from bed.influxdb import Image, Program

POLICY: Final = "autogen"
ADMINISTRATOR: Final = "tests"


class Influxd1(Influxd):
    """An `influxd` of version 1 that is ours, to be used as one of version 2."""

    def new_bucket(self, name: str, retention_seconds: int = 0) -> str:
        self._do(f"CREATE DATABASE {quoted(name)}")
        self.retain(name, retention_seconds)
        return name

    def write_token(self, bucket: str) -> Token:
        user, password = f"w{secrets.token_hex(3)}", secrets.token_urlsafe()
        self._do(f"CREATE USER {quoted(user)} WITH PASSWORD '{password}'")
        token = Token(f"{user} {bucket}", f"{user}:{password}")
        self.activate(token, active=True)
        return token

    def revoke(self, token: Token) -> None:
        self._do(f"DROP USER {quoted(token.id.split()[0])}")

    def activate(self, token: Token, *, active: bool) -> None:
        user, bucket = map(quoted, token.id.split())
        words = f"GRANT WRITE ON {bucket} TO" if active else f"REVOKE WRITE ON {bucket} FROM"
        self._do(f"{words} {user}")

    def delete_bucket(self, name: str) -> None:
        self._do(f"DROP DATABASE {quoted(name)}")

    def retain(self, bucket: str, seconds: int) -> None:
        duration = f"{seconds}s" if seconds else "INF"
        self._do(f"ALTER RETENTION POLICY {POLICY} ON {quoted(bucket)} DURATION {duration}")

    def flux(self, query: str) -> list[Row]:
        raise NotImplementedError("version 1 is asked in InfluxQL")

    def _do(self, query: str) -> None:
        answer = self.request("POST", at("/query", q=query))
        assert answer.status == 200, answer
        assert "error" not in answer.json["results"][0], answer

    def _command(self) -> Sequence[str]:
        config = self._data / "influxdb.conf"
        config.write_text(
            f"""reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{self._data}/meta"
[data]
  dir = "{self._data}/data"
  wal-dir = "{self._data}/wal"
  query-log-enabled = false
[coordinator]
  write-timeout = "5m"
[http]
  bind-address = "{self.url.removeprefix("http://")}"
  auth-enabled = true
  log-enabled = false
[monitor]
  store-enabled = false
"""
        )
        assert isinstance(self._found, Program)
        return [self._found.path, "-config", str(config)]

    def _answers(self) -> bool:
        try:
            return self.request("GET", "/ping").status == 204
        except OSError:
            return False

    def _set_up(self) -> None:
        password = secrets.token_urlsafe()
        self._do(f"CREATE USER {ADMINISTRATOR} WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
        self.token = f"{ADMINISTRATOR}:{password}"


def own(found: Program | Image) -> Influxd:
    """Give a server of the kind that was found; it starts on entry."""
    return (Influxd1 if isinstance(found, Program) and found.generation == 1 else Influxd)(found)


def quoted(name: str) -> str:
    return f'"{name}"'
