"""What to do about each thing that can be wrong: one table, for `check` and for README.md."""

# ruff: noqa: E501  one row is one symptom and its remedy, however long

from enum import Enum


class Remedy(Enum):
    """A symptom in the words of who sees it, and what to do, in the order of the chain."""

    # fmt: off
    SERVICE_SILENT = "the service runs, but says nothing", "restart it: `sudo systemctl restart p1-collector`; if it happens again, send the last lines of `journalctl -u p1-collector`"
    SAME_METER = "two meters share what each must have of its own", "set it in the second meter's own file, `/etc/p1-collector/NAME.env`: its `P1_SOURCE`, and where they are set `P1_SPOOL_DIR`, `P1_HOT_DIR`, `P1_METER`"
    PORT_ABSENT = "the port is not there", "is the cable plugged into this machine? `ls /dev/serial/by-id/` lists the cables; set `P1_SOURCE` to one of them"
    PORT_NO_SERIAL = "the port is no serial device", "set `P1_SOURCE` to a serial device; a file of telegrams is `file:///path`, a network reader `socket://host:port`"
    PORT_FORBIDDEN = "no permission to use the port", "add the user to the group that owns the port (`sudo usermod -aG dialout $USER`), and log in again"
    PORT_TAKEN = "another program reads the port", "a port has one reader: stop the other program, or let `ser2net` read the port and give both `socket://host:port`"
    PORT_SHARED = "two programs read one port, telegrams come torn", "stop the other program: each byte goes to one of the two; or let `ser2net` read the port"
    NETWORK_READER = "a network reader does not answer", "is it switched on, are its address and port right (`P1_SOURCE`), and does nobody else use it? Most serve one reader"
    LINE_BROKE = "the line breaks while it is read", "another cable or USB port; a power supply that is strong enough; and nobody else on this port"
    SILENCE = "the port opens, but no byte comes", "is the cable in the meter's P1 port (not beside it), and the port switched on? In Belgium the grid operator's site does that (Flanders: mijn.fluvius.be). Some cables need the power pins of a 6-wire plug"
    INVERTED = "only zeros come, or bytes that are no text", "a P1 port is inverted: use a P1 cable, or an inverter before the GPIO pin; if the cable is right, try `P1_BAUD=9600` and `P1_BAUD=115200`"
    WRONG_SPEED = "telegrams come at another speed than the one that is set", "remove `P1_BAUD`: `auto` finds the speed"
    HDLC = "the port sends DLMS in HDLC or M-Bus frames", "this is no P1 text: ask the grid operator whether the port can send P1 telegrams (Norway and parts of Austria: it cannot)"
    SML = "the port sends SML", "this is the optical port of a German meter, which has no P1 telegrams: a program that reads SML is needed"
    ENCRYPTED = "the telegrams are encrypted, and no key is set", "ask the grid operator for the key of this meter's P1 port and set `P1_DECRYPT_KEY` (Luxembourg, parts of Austria; there also `P1_DECRYPT_AUTH_KEY`)"
    KEY_WRONG = "the key does not fit the encrypted telegrams", "compare `P1_DECRYPT_KEY` with what the grid operator gave for this meter; if that was two keys (Austria), the second is `P1_DECRYPT_AUTH_KEY`"
    NO_DECRYPTION = "the package that decrypts telegrams is missing", "install `p1-collector[decrypt]`"
    JSON = "the port sends JSON", "this is the web interface of a gateway: use its raw P1 or telnet port in `P1_SOURCE`"
    NO_TELEGRAM = "bytes come, but no whole telegram", "is the cable shorter than a few metres and firmly in? Does another program read this port too?"
    CHECKSUM = "checksums are wrong", "bytes are lost on the way: another cable or USB port, nothing else on this port; if every telegram is wrong and the values are right, the meter computes it wrongly: `P1_CRC=ignore`"
    CHECKSUM_MISSING = "telegrams come without their checksum", "a gateway cuts it off: choose its raw output, or set `P1_CRC=accept-missing`"
    BAD_LINES = "lines of a telegram cannot be read", "`p1-collector decode` shows them in a recorded telegram; the others are stored. Please report the meter"
    METER_CLOCK = "the meter's clock is wrong", "`P1_CLOCK=auto` (the default) stores the host's time after ten minutes; the grid operator sets the meter's clock"
    ZONE = "the meter's clock is off by whole hours", "set `P1_UTC_OFFSET_HOURS` to the winter time of where the meter is (Finland and the Baltics: 2)"
    DEVICE_STALE = "a gas or water meter has not been read for long", "its radio or battery may have failed: the grid operator can see that; the electricity meter goes on sending the last value"
    HOST_CLOCK = "this machine's clock is not set by a time server", "`timedatectl set-ntp true`; without it, meters that send no time (DSMR 2 and 3) are stored under a wrong one"
    SPOOL_UNUSABLE = "the spool cannot be written", "`P1_SPOOL_DIR` must be a directory on a writable disk that belongs to the user of the service; run `check` as that user"
    SPOOL_IN_RAM = "the spool lies in RAM", "what waits there is gone after a power cut: set `P1_SPOOL_DIR` to a directory on a disk or USB stick"
    SPOOL_ON_OVERLAY = "the spool lies on an overlay", "what waits there is gone after a reboot: in Raspberry Pi OS's read-only mode set `P1_SPOOL_DIR` to a USB stick, in a container to a volume"
    DISK_FULL = "the spool's disk is nearly full", "make room, or lower `P1_FREE_MIB`: below that the oldest readings that wait are dropped"
    HOT_UNUSABLE = "the hot directory cannot be written", "`P1_HOT_DIR` must be a directory in RAM that belongs to the user of the service"
    HOT_ON_DISK = "the hot directory lies on a disk", "each telegram then writes to the SD card: set `P1_HOT_DIR` to a directory below `/run` or `/dev/shm`"
    HOT_SMALL = "little room for the hot directory", "lower `P1_HOT_MIB`, or give the RAM disk more room"
    BACKLOG = "readings wait for InfluxDB", "they are delivered once the links to InfluxDB below are right, and the service runs"
    OTHER_SPOOL = "readings wait in a spool that is no longer used", "`sudo p1-collector spool take-over` brings them into the spool of now, from where they are delivered"
    REJECTED = "InfluxDB refused readings", "its words stand in the files in `rejected/`; once the cause is gone, `p1-collector spool resend`"
    DAMAGED = "damaged files in the spool", "they are kept aside in `damaged/`; if there are ever more, the SD card is failing: replace it"
    NO_INFLUX = "nothing is delivered, no InfluxDB is set", "set `P1_INFLUX_URL`, `P1_INFLUX_TOKEN`, `P1_INFLUX_ORG`, `P1_INFLUX_BUCKET`; until then everything stays in the spool"
    NAME = "InfluxDB's name is not found", "is the name in `P1_INFLUX_URL` right, and the network up? A name that ends in `.local` needs mDNS: use the IP address"
    REFUSED = "InfluxDB's port does not answer", "is InfluxDB running, listening to more than its own machine, on this port (usually 8086), and open in its firewall?"
    TLS = "InfluxDB's certificate is not accepted", "for a server with its own authority set `P1_INFLUX_CA` to that authority's certificate; the name in `P1_INFLUX_URL` must be in the certificate"
    TLS_TIME = "InfluxDB's certificate is outside its dates", "renew it on the server; if it is good, this machine's clock is wrong"
    TLS_NONE = "the server speaks no TLS there", "write `http://` in `P1_INFLUX_URL`, or the port that speaks TLS"
    TLS_SOON = "InfluxDB's certificate expires soon", "renew it on the server; readings wait in the spool if it expires"
    PLAIN = "the token travels unencrypted over the internet", "use `https://` in `P1_INFLUX_URL`"
    TOKEN = "InfluxDB does not know the token (401)", "make one in InfluxDB's UI (Load Data, API Tokens) with write access to the bucket, and set `P1_INFLUX_TOKEN`"
    TOKEN_FORBIDDEN = "the token may not write to the bucket (403)", "give the token write access to this bucket, or correct `P1_INFLUX_BUCKET`"
    BUCKET = "InfluxDB does not find the bucket (404)", "make the bucket, or correct `P1_INFLUX_BUCKET`; a name of a bucket, not of its label"
    ORGANISATION = "InfluxDB does not find the organisation", "set `P1_INFLUX_ORG` to the organisation's name or ID, as InfluxDB's UI shows it"
    DATABASE = "InfluxDB 1 has no such database", "make it: `influx -execute 'CREATE DATABASE p1'`, with the name that is in `P1_INFLUX_BUCKET`"
    MAPPING = "Grafana shows nothing from a bucket in the cloud", "InfluxQL wants a database that leads to the bucket (DBRP mapping): `p1-collector check --map-bucket` makes it, with a token that may write to the organisation's mappings"
    MAPPING_TOKEN = "the mapping for InfluxQL cannot be made", "set `P1_INFLUX_TOKEN`, for this one command, to a token that may do everything in the organisation"
    KEEPS = "the bucket keeps readings for a short time", "the dashboards of weeks, months and years show no more than that: lengthen the bucket's retention (a free plan keeps 30 days)"
    UI_PATH = "the address is one of InfluxDB's pages", "leave the path away: `P1_INFLUX_URL` ends after the host and the port"
    NOT_INFLUX = "something that is not InfluxDB answers", "is `P1_INFLUX_URL` right, including port and `http` or `https`? A login page or a proxy may stand between"
    BUSY = "InfluxDB is there, but does not take a request now", "wait, and look at its log and its disk; readings wait in the spool meanwhile"
    WRITE = "InfluxDB refuses a point", "its words say why; readings wait in the spool meanwhile"
    RETENTION = "what waits is older than the bucket keeps", "lengthen the bucket's retention before the backlog is sent; what InfluxDB refuses is kept in `rejected/`"
    # fmt: on

    def __init__(self, symptom: str, advice: str) -> None:
        self.symptom = symptom
        self.advice = advice
