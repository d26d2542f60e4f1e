"""The settings: environment variables, an `.env` file, systemd credentials, Docker secrets.

README's table and the file of settings are made from what stands below each of them.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from collector.costs.contracts import PLACE, ContractsError, read
from collector.delivery.answer import Target, shown
from collector.errors import IgnoredSetting, IncompleteSetting, SettingsError
from collector.p1.decryption import Keys, read_key, read_keys
from collector.points import SHORTEST_SALT, usable
from collector.reading.share import end_of
from collector.reading.sources import Access, Address, address
from collector.settings.search import COMMON, Found, Search, file_values

_SECRET: Final = ("TOKEN", "KEY", "SALT")
"""How the names of settings end whose values are shown to nobody."""
_NUMBERS: Final = {"float_parsing": "must be a number", "int_parsing": "must be a whole number"}
"""By pydantic's type of a complaint, where its own words are a programmer's."""

_ALSO: Final = {
    "influx_url": ("INFLUXDB_V2_URL", "INFLUX_HOST"),
    "influx_token": ("INFLUXDB_V2_TOKEN", "INFLUX_TOKEN"),
    "influx_org": ("INFLUXDB_V2_ORG", "INFLUX_ORG"),
    "influx_bucket": ("INFLUX_BUCKET",),
}
"""The names that InfluxDB's own clients use."""


def _open(secret: SecretStr | str | None) -> str:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else secret or ""


def _checked(check: Callable[[str], object]) -> AfterValidator:
    """Refuse a text, or a secret, for which `check` raises `ValueError`."""

    def judge(given: Any) -> Any:
        if text := _open(given):
            check(text)
        return given

    return AfterValidator(judge)


def _check_token(token: str) -> None:
    """Refuse what no header can hold: the error of the HTTP library would print it."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("must be one word of plain characters")


def _check_salt(salt: str) -> None:
    if not usable(salt):
        raise ValueError(f"must have {SHORTEST_SALT} characters or more")


Seconds = Annotated[float, Field(gt=0, le=86_400)]
Token = Annotated[SecretStr | None, _checked(_check_token)]
Key = Annotated[SecretStr | None, _checked(read_key)]


def names(field: str) -> list[str]:
    """Give the variables that set a field, ours first."""
    return [f"P1_{field.upper()}", *_ALSO.get(field, ())]


class Settings(BaseSettings):
    """Every setting, in the order in which people need them."""

    model_config = SettingsConfigDict(
        alias_generator=lambda field: names(field)[0], extra="ignore", frozen=True
    )

    source: str = ""
    """the meter: a serial device, `socket://host:port`, `http://host` or `https://host` of a
    HomeWizard P1, or `file:///path` to replay (default: `/dev/p1`, else the first of
    `/dev/serial/by-id/` that is no radio stick)"""
    source_token: Token = None
    """the token of a gateway at `https://`: `p1-collector pair` gets it"""
    source_ca: Path | None = None
    """a file with the certificate of a gateway at `https://`, or of the authority that signs it"""
    share: Annotated[str | None, _checked(end_of)] = None
    """where other programs may read the line too, such as `localhost:2001`: the service then
    listens there, without a password"""
    influx_url: str | None = None
    """InfluxDB's address, such as `https://influx.example:8086`; without one everything is kept in
    the spool"""
    influx_token: Token = None
    """a token that may write to the bucket"""
    influx_org: str = ""
    """the organisation, by name or ID"""
    influx_bucket: str = "p1"
    """the bucket to write to"""
    influx_ca: Path | None = None
    """a file of certificates to trust, for a server with its own authority"""
    site: str = Field("home", min_length=1)
    """the tag `site`: tells households apart in one bucket"""
    meter: str | None = None
    """a name in the place of the electricity meter's number, or `hash` for a hash of every
    number"""
    meter_salt: Annotated[SecretStr | None, _checked(_check_salt)] = None
    """what `P1_METER=hash` mixes in, 16 characters or more that nobody else knows; without it the
    hash is short, and somebody can find your number by trying all"""
    baud: Literal["auto", "115200", "9600", "115200-8E1"] = "auto"
    """the line's speed: `115200` (DSMR 4, 5), `9600` (DSMR 2, 3), `115200-8E1` (NES), or `auto`"""
    crc: Literal["require", "accept-missing", "ignore"] = "require"
    """checksums: `require` where the telegram's version has one, `accept-missing`, or `ignore` for
    a meter that computes them wrongly"""
    decrypt_key: Key = None
    """the key of a meter that encrypts its telegrams, 32 hexadecimal digits, from the grid
    operator (Luxembourg, parts of Austria)"""
    decrypt_auth_key: Key = None
    """the second key, if the grid operator gave two (Austria)"""
    clock: Literal["auto", "meter", "host"] = "auto"
    """whose time is stored: the `meter`'s, the `host`'s, or `auto`: the meter's unless it is
    plainly wrong"""
    clock_tolerance_seconds: Seconds = 60.0
    """how far the meter's clock may be off before `auto` takes the host's"""
    contracts: Path = PLACE
    """the file that says what energy costs, and from when; there need be none"""
    entsoe_token: Token = None
    """a token of ENTSO-E's platform, which `prices` asks when the first source has nothing"""
    utc_offset_hours: int = Field(1, ge=-12, le=14)
    """winter time where the meter is: 1; Finland and the Baltics 2"""
    sample_seconds: int = Field(0, ge=0, le=86_400)
    """keep one telegram (the last) of each so many seconds; 0 keeps every one"""
    silence_seconds: Seconds = 30.0
    """open the port again after so long without a byte"""
    keep_seconds: Seconds = 10.0
    """how long a reading may be in RAM alone: a power cut loses no more than these seconds"""
    send_seconds: float = Field(5.0, ge=0, le=5)
    """how long readings are gathered for one request; at 0 each telegram is sent as it comes, as
    long as InfluxDB answers within a tenth of a second"""
    request_seconds: Seconds = 30.0
    """how long one request to InfluxDB may take in all"""
    retry_seconds: Seconds = 60.0
    """the longest wait between two attempts while InfluxDB is away; with a wrong token or bucket
    up to 15 times as long"""
    spool_dir: Path | None = None
    """where readings wait for InfluxDB (default: below `$STATE_DIRECTORY`, else
    `~/.local/state/p1-collector/spool`)"""
    spool_mib: int = Field(4096, gt=4)
    """the most that the spool takes, in MiB, and never over half of the free space"""
    free_mib: int = Field(500, ge=0)
    """what the spool leaves free on its disk, in MiB"""
    hot_dir: Path | None = None
    """a directory in RAM for the last seconds (default: `$RUNTIME_DIRECTORY`, else below
    `$XDG_RUNTIME_DIR`, else `/dev/shm`)"""
    hot_mib: int = Field(16, gt=0, le=1024)
    """the most that the hot directory takes, in MiB"""

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_quotes(cls, given: object) -> object:
        """Refuse what a file of another kind, or a copy, has left around a value."""
        text = str(given)
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
            raise ValueError(f"must stand without the {text[0]} around it")
        return given

    @field_validator("influx_url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if not url:
            return None
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with `http://` or `https://`")
        with suppress(ValueError):
            place = urlsplit(url)
            if place.hostname and place.port != 0 and not any(map(str.isspace, url)):
                return url.rstrip("/")
        raise ValueError("must name a host, such as `http://localhost:8086`")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Any, *others: Any, **named: Any
    ) -> tuple[Any, ...]:
        """Take values from `load` alone, which has seen all sources and knows their names."""
        del settings_cls, others, named
        return (init_settings,)

    @property
    def target(self) -> Target | None:
        if not self.influx_url or self.influx_token is None:
            return None
        return Target(
            self.influx_url,
            self.influx_org,
            self.influx_bucket,
            self.influx_token.get_secret_value(),
            str(self.influx_ca) if self.influx_ca else None,
        )

    @property
    def place(self) -> Address:
        return address(self.source, self.baud, self.access)

    @property
    def access(self) -> Access:
        return Access(_open(self.source_token), str(self.source_ca) if self.source_ca else None)

    @property
    def digest(self) -> str:
        """A name for all of them, out of which nothing can be read."""
        values = [v.get_secret_value() if isinstance(v, SecretStr) else v for _, v in self]
        return hashlib.sha256(repr(values).encode()).hexdigest()[:16]

    @property
    def salt(self) -> str:
        """What the hash of a meter's number is made with; empty for the short hash of old."""
        return _open(self.meter_salt)

    @property
    def keys(self) -> Keys | None:
        """What decrypts the telegrams; None if they are not encrypted."""
        return read_keys(_open(self.decrypt_key), _open(self.decrypt_auth_key))

    @property
    def spool(self) -> Path:
        return self.spool_dir or self.default_spool

    @property
    def default_spool(self) -> Path:
        """Where the spool is if nothing says otherwise: in systemd's directory, else in XDG's."""
        if state := os.environ.get("STATE_DIRECTORY"):
            return Path(state.split(":")[0]) / "spool"
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(home) / "p1-collector" / "spool"

    @property
    def hot(self) -> Path:
        """The hot directory: systemd's, else one in RAM for this user."""
        if self.hot_dir:
            return self.hot_dir
        if runtime := os.environ.get("RUNTIME_DIRECTORY"):
            return Path(runtime.split(":")[0])
        if runtime := os.environ.get("XDG_RUNTIME_DIR"):
            return Path(runtime) / "p1-collector"
        return Path(f"/dev/shm/p1-collector-{os.getuid()}")  # noqa: S108  0700, checked when made


def load(environment: Mapping[str, str] | None = None) -> tuple[Settings, list[SettingsError]]:
    """Give the settings and what is wrong with them; a wrong value counts as not set."""
    search = _search(environment)
    found, problems = search.found, search.problems
    wrong = set()
    try:
        settings = _settings(found)
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            name = str(problem["loc"][0])
            wrong.add(name)
            wants = _NUMBERS.get(problem["type"], problem["msg"])
            problems.append(_wrong(found.pop(name), wants))
        settings = _settings(found)
    if wrong.isdisjoint({"P1_INFLUX_URL", "P1_INFLUX_TOKEN"}):
        problems += _incomplete(settings)
    try:
        read(settings.contracts)
    except ContractsError as error:
        problems.append(error)
    return settings, problems


def _search(environment: Mapping[str, str] | None) -> Search:
    return Search(os.environ if environment is None else environment).run(
        map(names, Settings.model_fields)
    )


def _settings(found: Mapping[str, Found]) -> Settings:
    # pydantic reads the texts
    return Settings(**{name: one.text for name, one in found.items()})  # type: ignore[arg-type]


def origins(environment: Mapping[str, str] | None = None) -> dict[str, Found]:
    """Give where each setting came from, by our name of it; what is not set is not there."""
    return _search(environment).found


def load_first() -> Settings | None:
    """Give the first meter's settings; None if these are its own."""
    common = os.environ.get(COMMON)
    if not common:
        return None
    # Not those of the environment: that is the further meter's.
    first, _ = load(file_values(common))
    state, runtime = (
        Path(os.environ.get(name) or "/none").with_name("p1-collector")
        for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY")
    )
    places = {"spool_dir": first.spool_dir or state / "spool", "hot_dir": first.hot_dir or runtime}
    return first.model_copy(update=places)


def load_strictly(*harmless: type[SettingsError]) -> Settings:
    """Give the settings; raises the first thing that is wrong with them, unless it is harmless."""
    settings, problems = load()
    for problem in problems:
        if not isinstance(problem, (IgnoredSetting, *harmless)):
            raise problem
    return settings


def _wrong(found: Found, message: str) -> SettingsError:
    wants = message.removeprefix("Value error, ").removeprefix("Input should be ")
    wants = message if wants == message else f"must be {wants}" if "must" not in wants else wants
    name, value = found.name, found.text
    value = shown(value) if name in names("influx_url") else value
    got = "a secret" if name.endswith(_SECRET) else f"`{value}`"
    return SettingsError(f"{name}: {wants} (got {got})", hint=f"correct or remove `{name}`")


def _incomplete(settings: Settings) -> Iterator[SettingsError]:
    """Say which of address and token is missing."""
    if settings.influx_url and settings.influx_token is None:
        hint = "make one in InfluxDB's UI (Load Data, API Tokens) that may write to the bucket"
        yield IncompleteSetting("P1_INFLUX_TOKEN is missing, P1_INFLUX_URL is set", hint=hint)
    if settings.influx_token is not None and not settings.influx_url:
        hint = "set it to InfluxDB's address, such as `http://localhost:8086`"
        yield IncompleteSetting("P1_INFLUX_URL is missing, P1_INFLUX_TOKEN is set", hint=hint)
