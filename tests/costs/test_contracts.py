"""The file of contracts: what is read, and what is said of a mistake in it."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from collector.costs.contracts import ContractsError, read
from collector.settings.settings import load

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "infra" / "contracts.toml"
FLAT: Final = '[[electricity]]\nfrom = 2026-01-01\nkind = "flat"\nimport = 0.25\n'


def test_the_example_has_a_contract_of_each_kind() -> None:
    found = read(EXAMPLE)
    assert {(contract.medium, contract.kind) for contract in found} == {
        ("electricity", "flat"),
        ("electricity", "two tariffs"),
        ("electricity", "dynamic"),
        ("gas", ""),
    }
    assert found[0].amounts["import_t1"] == Decimal("0.1190")
    assert found[0].netting == date(2026, 12, 31)
    assert found[0].year == (7, 1)


def test_contracts_come_in_the_order_of_their_days(tmp_path: Path) -> None:
    (file := tmp_path / "c").write_text(FLAT.replace("2026", "2027") + FLAT)
    assert [contract.start.year for contract in read(file)] == [2026, 2027]


@pytest.mark.parametrize(
    ("text", "line", "value", "expected"),
    [
        ("import = 0.25", 4, "import = 25", "euros a unit"),
        ("import = 0.25", 4, 'import = "0.25"', "a number"),
        ("import = 0.25", 4, "import = true", "a number"),
        ("import = 0.25", 4, "import = nan", "between -5 and 5"),
        ("import = 0.25", 4, "import = 0,25", "TOML"),
        ("import = 0.25", 4, "imports = 0.25", "`import`"),
        ("import = 0.25", 4, "import_t1 = 0.25", "`import`"),
        ("import = 0.25", 1, "", "`import` in this contract"),
        ("from = 2026-01-01", 2, 'from = "2026-01-01"', "a date without quotes"),
        ("from = 2026-01-01", 2, "from = 2026-01-01T00:00:00", "a date without quotes"),
        ("from = 2026-01-01", 2, "from = 2026-02-30", "TOML"),
        ("from = 2026-01-01", 1, "", "`from` in this contract"),
        ('kind = "flat"', 3, 'kind = "fixed"', '"flat" or "two tariffs"'),
        ('kind = "flat"', 3, "kind = [1]", '"flat" or "two tariffs"'),
        ('kind = "flat"', 3, 'kind = "flat"\nvat = 121', "between 0 and 100"),
        ('kind = "flat"', 3, 'kind = "flat"\nyear = "02-29"', "month and day"),
        ('kind = "flat"', 3, 'kind = "flat"\nyear = 7', "month and day"),
        ('kind = "flat"', 3, 'kind = "flat"\nzone = "nl"', "a bidding zone"),
        ("[[electricity]]", 1, "[[power]]", "[[electricity]]"),
        ("[[electricity]]", 1, "[electricity]", "[[electricity]]"),
        ("[[electricity]]", 1, "vat = 21\n[[electricity]]", "[[electricity]]"),
    ],
)
def test_a_mistake_is_named_with_its_line_its_value_and_what_is_expected(
    tmp_path: Path, text: str, line: int, value: str, expected: str
) -> None:
    (file := tmp_path / "contracts.toml").write_text(FLAT.replace(text, value))
    with pytest.raises(ContractsError) as caught:
        read(file)

    extra = value.count("\n") if "[[" not in value else 0
    shown = value.splitlines()[extra] if value else "[[electricity]]"
    assert f"contracts.toml, line {line + extra}: `{shown}`" in str(caught.value)
    assert expected in str(caught.value)


def test_two_contracts_of_one_day_are_one_too_many(tmp_path: Path) -> None:
    (file := tmp_path / "contracts.toml").write_text(FLAT + FLAT)
    with pytest.raises(ContractsError, match="line 6: `from = 2026-01-01`; expected: a day"):
        read(file)


def test_a_mistake_in_the_file_is_a_problem_of_the_settings(tmp_path: Path) -> None:
    (file := tmp_path / "contracts.toml").write_text("import = 1")
    _, problems = load({"P1_CONTRACTS": str(file)})
    assert len(problems) == 1
    assert "line 1" in str(problems[0])


def test_a_file_that_is_named_must_be_there_and_be_text(tmp_path: Path) -> None:
    with pytest.raises(ContractsError, match="cannot be read"):
        read(tmp_path / "none")
    (file := tmp_path / "contracts.toml").write_bytes(b"\xff")
    with pytest.raises(ContractsError, match="cannot be read"):
        read(file)
