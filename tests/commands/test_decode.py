"""`decode` shows everything in a file, names what is wrong with it, and goes on."""

import argparse
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from line_protocol_parser import parse_line

from collector.commands.decode import add_arguments, main
from collector.errors import SourceError, UsageError
from collector.p1.telegram import Policy, parse
from collector.points import Points
from collector.settings.settings import load
from p1.golden import TELEGRAMS, frames, golden, names, telegrams
from p1.sealing import AUTH_KEY, KEY, seal


def arguments(*args: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(args)


def decode(*args: str) -> int:
    return main(arguments(*args))


def path(name: str) -> str:
    return str(TELEGRAMS / f"{name}.txt")


def offset(name: str) -> str:
    return f"--utc-offset={golden(name).get('utc_offset_hours', 1)}"


@pytest.mark.parametrize("name", names())
def test_json_is_what_is_written_beside_the_telegrams(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    decode(path(name), "--json", offset(name))

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == golden(name)["telegrams"]


def test_a_policy_that_is_none_is_told_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        arguments(path("dsmr50-1phase-gas"), "--crc", "maybe")
    said = capsys.readouterr().err.splitlines()[-1]
    assert "Policy" not in said
    assert all(policy.value in said for policy in Policy)


@pytest.mark.parametrize("name", names())
def test_the_table_shows_every_value_and_every_line_it_does_not_know(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    decode(path(name), offset(name))

    shown = capsys.readouterr().out
    for telegram in golden(name)["telegrams"]:
        values = [*telegram["electricity"].values()]
        values += [value for device in telegram["devices"] for value in device["fields"].values()]
        values += [peak["power_kw"] for peak in telegram["demand_peaks"]]
        values += [failure["duration_s"] for failure in telegram["power_failures"]]
        values += [*telegram["about"].values(), *telegram["unknown"]]
        values += [telegram["messages"]["text"] or "", telegram["meter"] or ""]
        assert [value for value in values if str(value) not in shown] == []


@pytest.mark.parametrize("name", names())
def test_line_protocol_is_line_protocol(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is read by another implementation; a measurement is there for all that there is."""
    decode(path(name), "--line-protocol", offset(name), "--received=2026-01-31T12:00:00Z")

    points = [parse_line(line) for line in capsys.readouterr().out.splitlines()]
    measurements = {point["measurement"] for point in points}
    for telegram in telegrams(name):
        if telegram.checksum != "bad" and name != "dsmr50-checksum-missing":
            assert measurements >= {device.medium for device in telegram.devices}
            assert not telegram.electricity or "electricity" in measurements


def test_a_telegram_without_a_time_takes_the_time_it_was_received(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    twice = tmp_path / "twice.txt"
    twice.write_bytes(Path(path("dsmr30-gas")).read_bytes() * 2)

    decode(str(twice), "--line-protocol", "--received=2026-01-31T12:00:00Z", "--site=shed")

    points = [parse_line(line) for line in capsys.readouterr().out.splitlines()]
    received = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())
    times = [point["time"] for point in points if point["measurement"] == "electricity"]
    assert times == [received, received + 10]
    assert {point["tags"]["site"] for point in points} == {"shed"}


def test_received_without_an_offset_is_utc() -> None:
    assert arguments("x", "--received=2026-01-31T12:00:00").received == datetime(
        2026, 1, 31, 12, tzinfo=UTC
    )


def test_good_telegrams_exit_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert decode(path("dsmr50-spring")) == 0
    assert capsys.readouterr().err == ""


def test_a_bad_telegram_is_named_and_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "both.txt"
    bad = Path(path("dsmr50-checksum-wrong")).read_bytes()
    file.write_bytes(bad + Path(path("dsmr50-1phase-gas")).read_bytes())

    code = decode(str(file), "--line-protocol")

    shown = capsys.readouterr()
    assert code == 1
    assert shown.err == "telegram 1: wrong checksum, not to be used\n"
    assert "E0025000000000025" not in shown.out
    assert "E0011000000000011" in shown.out


def test_a_damaged_line_is_shown_with_a_caret_under_the_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the table where there is one, else on stderr."""
    damage = ["unknown unit", "  1-0:1.8.2(000987.654*XWh)", "                       ^"]

    assert decode(path("dsmr50-damaged-lines")) == 1
    table = capsys.readouterr()
    assert "\n".join(f"    {line}" for line in damage) in table.out
    assert table.err == "telegram 1: damaged lines: 10\n"

    assert decode(path("dsmr50-damaged-lines"), "--line-protocol") == 1
    assert "telegram 1: " + "\n".join(damage) in capsys.readouterr().err


def test_a_missing_checksum_is_named_unless_it_is_accepted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert decode(path("dsmr50-checksum-missing")) == 1
    assert "no checksum, although this version has one" in capsys.readouterr().err
    assert decode(path("dsmr50-checksum-missing"), "--crc=accept-missing") == 0
    assert decode(path("hungary-wrong-polynomial"), "--crc=ignore") == 0


def test_an_unfinished_telegram_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cut.txt"
    file.write_bytes(Path(path("dsmr50-1phase-gas")).read_bytes()[:100])

    assert decode(str(file)) == 1
    assert "unfinished telegram at the end: 100 bytes" in capsys.readouterr().err


def test_a_file_without_telegrams_is_named_for_what_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "hdlc.bin"
    file.write_bytes(b"\x7e\xa0\x8b\xce\xff\x03")

    assert decode(str(file)) == 1
    assert "no telegram: DLMS in HDLC frames" in capsys.readouterr().err


def test_noise_is_counted_and_forgiven(capsys: pytest.CaptureFixture[str]) -> None:
    assert decode(path("dsmr50-torn-and-glued")) == 0
    assert "bytes that belong to no telegram: " in capsys.readouterr().err


def test_a_file_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read `.*none.txt`: No such file"):
        decode(str(tmp_path / "none.txt"))


def test_a_dash_is_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = io.BytesIO(Path(path("dsmr50-1phase-gas")).read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))

    assert decode("-", "--json") == 0
    assert json.loads(capsys.readouterr().out)["meter"] == "E0011000000000011"


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    many = tmp_path / "many.txt"
    many.write_bytes(Path(path("dsmr50-1phase-gas")).read_bytes() * 200)
    command = [sys.executable, "-m", "collector", "decode", str(many)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(100)
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait(60) == 1


@pytest.fixture
def encrypted(tmp_path: Path) -> str:
    """Give a file of two encrypted telegrams of Austria, with two keys."""
    file = tmp_path / "encrypted.bin"
    text = Path(path("austria-sagemcom")).read_bytes()
    file.write_bytes(b"".join(seal(text, n, auth_key=AUTH_KEY) for n in (1, 2)))
    return str(file)


def test_encrypted_telegrams_take_their_keys_from_a_file(
    encrypted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY.hex()}\n{AUTH_KEY.hex()}\n")

    assert decode(encrypted, "--json", f"--key-file={keys}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == golden("austria-sagemcom")["telegrams"] * 2


def test_keys_come_from_the_environment_or_a_file_that_it_names(
    encrypted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "auth").write_text(f"{AUTH_KEY.hex()}\n")
    monkeypatch.setenv("P1_DECRYPT_KEY", KEY.hex())
    monkeypatch.setenv("P1_DECRYPT_AUTH_KEY_FILE", str(tmp_path / "auth"))

    assert decode(encrypted) == 0


@pytest.mark.parametrize(
    "salt", [{}, {"P1_METER_SALT": "of-sixteen-signs"}, {"P1_METER_SALT": "short"}]
)
def test_a_number_has_the_hash_that_the_service_stores(
    salt: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath(".env").write_text("P1_SITE=cabin\n")
    for name, text in {"P1_METER": "hash", **salt}.items():
        monkeypatch.setenv(name, text)
    settings, _ = load()
    points = Points(site=settings.site, meter=settings.meter, salt=settings.salt)
    telegram = parse(frames("dsmr50-1phase-gas")[0])
    assert telegram.time

    decode(path("dsmr50-1phase-gas"), "--line-protocol")
    shown = capsys.readouterr().out.splitlines(keepends=True)
    wanted = points.lines(telegram, telegram.time)
    assert wanted
    assert shown[: len(wanted)] == wanted


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (b"", "no key is set"),
        (KEY[::-1], "the key does not fit"),
        (KEY, "the second is `P1_DECRYPT_AUTH_KEY`"),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_named(
    encrypted: str,
    key: bytes,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "keys").write_text(key.hex())
    assert decode(encrypted, f"--key-file={tmp_path / 'keys'}") == 1
    said = capsys.readouterr().err
    assert said.startswith("encrypted telegrams that were not read: 2: ")
    assert words in said
    assert "hint: " in said


def test_a_key_that_is_none_is_refused_and_never_repeated(encrypted: str, tmp_path: Path) -> None:
    nearly = KEY.hex()[:-1]
    (tmp_path / "keys").write_text(nearly)

    with pytest.raises(UsageError, match="must be 32 hexadecimal digits") as refused:
        decode(encrypted, f"--key-file={tmp_path / 'keys'}")
    assert nearly not in str(refused.value)


def test_a_key_file_that_is_not_there_is_named(encrypted: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the key in `.*none`: No such file"):
        decode(encrypted, f"--key-file={tmp_path / 'none'}")


def test_it_imports_nothing_heavy() -> None:
    code = "import sys, collector.commands.decode; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"serial", "pydantic", "influxdb_client", "cryptography"}.isdisjoint(
        done.stdout.split()
    )
