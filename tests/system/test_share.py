"""What the service listens on is reached under the unit's sandbox."""

from typing import Final

import pytest

from system.house import House

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(2400)]

READ: Final = (
    "import socket; line = socket.create_connection(('127.0.0.1', 2001), 60); print(line.recv(99))"
)


def test_another_program_reads_the_line_under_the_sandbox(house: House) -> None:
    machine = house.machine
    machine.run("echo P1_SHARE=localhost:2001 >> /etc/p1-collector/p1-collector.env")
    machine.run("systemctl restart p1-collector")
    machine.wait_until(lambda status: status["counts"]["telegrams"] > 2)
    assert machine.run(f'python3 -c "{READ}"').startswith("b'/XMX5")
