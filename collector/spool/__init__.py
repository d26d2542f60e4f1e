r"""Readings kept in files until InfluxDB has them: the format, and who may do what.

`record` and `segment` are the format; `hot`, `handoff`, `keeper` and `inbox` the ways into
`spool`, the directory, of which `stock` knows the files, and `refusals` keeps what is refused;
`early` is where telegrams wait for a clock; `account`, with its `identities`, counts; `disk` makes
every call to a disk, `errands` has another thread make them, and `fault` says what a failing one
means. No meter, no schema and no server is known here: lines go in, lines come out.

- A file is plain line protocol: `influx write --precision s --file …` takes it as it stands.
- What was written is found again after a crash of the process at any instruction; what was
  synced, after a power cut as well.
- Whatever a file contains, reading it ends, never raises, and gives only records that are
  byte for byte what was written.
- A file exists until InfluxDB has acknowledged all of it. There is no cursor and no index: what
  is in the directory is what is waiting.

A record
========

The lines of one telegram and one comment line, the *trailer*, which InfluxDB ignores::

    electricity,site=home,meter=E1 power_import_kw=0.321 1700000000\n  ┐ body,
    gas,site=home,meter=G1,channel=1 volume_m3=12.345 1699999800\n     ┘ `length` bytes
    # p1 5f0c9e2ab417 42 125 85648b2a\n                                  trailer
         │            │  │   └ CRC-32 of the body and the three fields before it, 8 hex digits
         │            │  └ length of the body in bytes, decimal
         │            └ number in that run, counted from 1, decimal
         └ run: 6 random bytes drawn at each start of the program, 12 hex digits

`run` and `number` are the record's identity, which never repeats on a machine: a record found in
two files after a crash is one record. Number 0 is the program's own state (`collector` points):
kept and delivered like the others, outside the accounting.

A record is whole once its last byte is there, and who has lost the place finds the next trailer
and looks back `length` bytes. What lies between two good records is damage: reported with its
place, kept aside, skipped. Other comment lines between records mean nothing (`rejected/` puts the
server's words there), nor does a tail of zeros, which ext4 leaves of an append that was never
synced; zeros before a good record are damage.

Do not change the order, the width or the meaning of the trailer's fields: files written by an
older version must be read by every later one. A new kind of trailer gets a new word for `p1`.

A segment
=========

A file of whole records, at most 5,000 lines and 4 MiB, so that it is one request; small ones are
one together. Its name is a number of 20 digits: `00000000000000000042.open` while it is written,
`00000000000000000042.lp` once it is closed. Closed files do not change. No line of a body begins
with `#`.

What waits for a clock
======================

A meter of DSMR 2 or 3 has no clock. Its telegrams that come before the host's is set after a boot
wait as records whose body is none of InfluxDB's::

    b0..1f 31.415926 7.000000 L1RTVC… MUEyQg==\n   boot, seconds since it, the host's time then,
    # p1 5f0c9e2ab417 42 125 85648b2a\n             the telegram and its checksum in base64
    # clock b0..1f 1770120000.250000\n              once it is known: what to add to the seconds

in `early.p1` in the hot directory at once, and after a while in `early/`, in a file named after
the boot. They keep their identity when they get their time. What is of an earlier boot and has no
such line goes to `damaged/`.

Directories
===========

==================  ===========  ==================================================================
hot directory       RAM disk     what was read in the last seconds; a `write` a record, no sync
`spool/`            disk         what InfluxDB did not take in time; the keeper syncs it
`spool/rejected/`   disk         what InfluxDB refuses, its words above it as a comment: a file a
                                 kind of refusal and day, `<number>-<day>-<kind>.lp`
`spool/damaged/`    disk         bytes that are no record, named after their segment and offset;
                                 segments that the disk does not give back
`spool/early/`      disk         what waits for a clock (above)
`spool/inbox/`      disk         finished segments of other commands, put there by rename
hot `inbox/`        RAM disk     the tray: the same, for what comes beside the running service; the
                                 keeper brings to the inbox what is not delivered in time
==================  ===========  ==================================================================

Who does what
=============

The **reader** creates hot files, appends to them and seals them. What the RAM disk does not take
goes the same way from the memory of the process; beyond the bound of both the oldest are dropped.
The **keeper** copies hot segments to the spool when they are due, syncs, then removes the hot
file; it creates and closes spool segments, recovers them at the start, and drops the oldest when
a limit is reached and that makes room. The **sender** reads closed segments, and removes a file
when InfluxDB has answered 204 for all of it, or after its refused lines are synced in `rejected/`.

Locks are taken in this order, never the other way round:

===================  ==============================================================================
`Keeper._busy`       the keeper's round, against `finish` of the main thread at the end
`Spool.lock`         the disk, for one file at a time: the keeper, or who runs the sender's errands
`Stock._lock`        which files there are; held for moments, and no call of the disk under it
`Handoff._changed`   who has which sealed hot segment, and the wait for the next one
`Account._lock`      the counts
===================  ==============================================================================

A call of a disk may never end. The keeper may wait for it, and so may who runs the sender's
errands. The sender takes only the last three locks, the reader the last two: neither ever waits.

What lies in the directories is known without looking: who changes something says so, and the
keeper looks at the names now and then for what others did. A file is known by its name, size,
inode and time of change together: in the inbox, names come again.

What happens in each crash
==========================

====================================  ============================================================
killed while a record is appended     a torn tail in the hot file: cut off at the next start
killed between append and sync        the hot file still has it; the spool's tail is read as it is
killed between sync and removal       the record is in both places: one identity, counted once,
  of the hot file                     delivered twice at worst, which changes nothing
killed between the 204 and removal    the segment is sent again, which changes nothing
power cut                             the RAM disk is gone: at most the last `P1_KEEP_SECONDS`; the
                                      spool has all that was synced, behind it perhaps a tail of
                                      zeros or garbage, which is cut off
a sync fails                          the kernel forgets what it did not write: the records are
                                      written again, to a new segment; one identity, counted once
the RAM disk is full, or fails        what it does not take is in the memory of the process until
                                      it is delivered or on the disk: lost by a kill alone
the spool is deleted while in use     noticed at the next sync; what was in RAM goes to a new one,
                                      what was on the disk counts as dropped
====================================  ============================================================

Not supported: two writers on one directory (a lock prevents it), network file systems without
working `flock`, editing a segment by hand (its records would be taken for damage).
"""
