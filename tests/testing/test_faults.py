"""The language of faults, and how they are dealt out."""

from __future__ import annotations

from collections import Counter

import pytest

from connector_core.exceptions import ConfigError
from connector_core.testing.faults import FAULTS, Fault, Faults, Misfortunes, Treatment


@pytest.mark.parametrize(
    "text, fault",
    [
        ("reset", Fault("reset")),
        ("reset=2%", Fault("reset", 0.02)),
        ("timeout=5s", Fault("timeout", amount=5.0)),
        ("timeout=5s@0.5%", Fault("timeout", 0.005, 5.0)),
        ("latency=50ms±20ms", Fault("latency", amount=0.05, spread=0.02)),
        ("latency=50ms+-20ms@10%", Fault("latency", 0.1, 0.05, 0.02)),
        ("bandwidth=64KB/s", Fault("bandwidth", amount=64000.0)),
        ("drip=20ms@1%", Fault("drip", 0.01, 0.02)),
        ("truncate=100B@1%", Fault("truncate", 0.01, 100)),
        ("down=2s@1%", Fault("down", 0.01, 2.0)),
        ("503=5%", Fault("503", 0.05)),
        ("429=0s@5%", Fault("429", 0.05, 0.0)),
    ],
)
def test_a_fault_is_read(text, fault):
    """A name, an amount with its unit, and a share."""
    assert Fault.read(text) == fault


@pytest.mark.parametrize("name", FAULTS)
def test_every_example_is_read(name):
    """What an error shows as an example is right."""
    assert Fault.read(FAULTS[name].example).name == name


NAMES = "bandwidth, closed, down, drip, latency, reset, timeout, truncate"


@pytest.mark.parametrize(
    "text, told",
    [
        (
            "rset=2%",
            "'rset' is no fault, did you mean 'reset'? — faults: rset=2% — a status from 400 to 599 is one too",
        ),
        ("200=2%", f"'200' is no fault (one of: {NAMES}) — faults: 200=2% — a status from 400 to 599 is one too"),
        ("reset=2", "reset has no amount — faults: reset=2 — such as reset=2%"),
        ("reset=", "something is missing — faults: reset= — such as reset=2%"),
        ("reset=@2%", "something is missing — faults: reset=@2% — such as reset=2%"),
        ("timeout=1s@", "something is missing — faults: timeout=1s@ — such as timeout=2%"),
        (
            "reset=200%",
            (
                "'200%' is not a share: write a number from 0 to 100 and a percent sign, such as 50%"
                " — faults: reset=200% — such as reset=2%"
            ),
        ),
        (
            "latency",
            "latency needs an amount: a time and how much it varies — faults: latency — such as latency=50ms±20ms",
        ),
        ("latency=50", "say the unit: 50s — faults: latency=50 — such as latency=50ms±20ms"),
        (
            "latency=5ms±9ms",
            "it varies by more than there is — faults: latency=5ms±9ms — such as latency=50ms±20ms",
        ),
        (
            "bandwidth=64KB",
            (
                "'64KB' is not a bandwidth: write a size in a second, such as 64KB/s — faults: bandwidth=64KB"
                " — such as bandwidth=64KB/s"
            ),
        ),
        (
            "bandwidth=0B/s",
            (
                "'0B/s' lets nothing through: write timeout for an answer that never comes — faults: bandwidth=0B/s"
                " — such as bandwidth=64KB/s"
            ),
        ),
        (
            "reset=2%,,503",
            "there is a comma too many — faults: reset=2%,,503 — such as latency=50ms±20ms,reset=2%,503=5%",
        ),
        ("reset=2%, reset=3%", "reset is there twice — faults: reset=2%, reset=3% — say it once"),
        (
            "reset=60%,503=60%",
            (
                "120 % of all requests cannot end badly — faults: reset=60%,503=60%"
                " — a fault without a share happens to every request: reset=2%"
            ),
        ),
    ],
)
def test_what_cannot_be_read_is_told(text, told):
    """What is wrong, where, and what to write instead."""
    with pytest.raises(ConfigError) as caught:
        Faults.read(text)
    assert (str(caught.value), caught.value.code) == (told, "faults.invalid")


def test_nothing_said_is_nothing_done():
    """No faults, no treatment, and nothing is rolled for."""
    assert not Misfortunes("  ")
    assert Misfortunes().next() == Treatment()


def test_shares_are_kept():
    """Of many requests each fault has its share, and no request ends in two ways."""
    faults = Misfortunes("reset=10%,503=20%,timeout=5%,latency=50ms±20ms", seed=1)
    dealt = [faults.next() for _ in range(20_000)]
    ends = Counter(treatment.ending.name if treatment.ending else "" for treatment in dealt)
    for name, share in {"reset": 0.1, "503": 0.2, "timeout": 0.05, "": 0.65}.items():
        assert ends[name] / len(dealt) == pytest.approx(share, abs=0.015)
    delays = [treatment.delay for treatment in dealt]
    assert [min(delays), max(delays)] == pytest.approx([0.03, 0.07], abs=0.001)


def test_a_seed_repeats():
    """The same seed gives the same row of faults, another one another."""
    rows = [[(found := Misfortunes("reset=50%", seed=seed), [found.next() for _ in range(64)])[1] for seed in seeds]
            for seeds in ((1, 1), (1, 2))]  # fmt: skip
    assert rows[0][0] == rows[0][1]
    assert rows[1][0] != rows[1][1]


def test_an_outage_lasts():
    """Once the service is down, every request ends so until the time is over."""
    now = [0.0]
    faults = Misfortunes("down=2s@10%", seed=3, clock=lambda: now[0])
    while faults.next().ending is None:
        pass
    now[0] = 1.9
    assert [faults.next().ending for _ in range(50)] == [Fault("down", 0.1, 2.0)] * 50
    now[0] = 2.0
    assert None in [faults.next().ending for _ in range(50)]


def test_an_outage_without_end():
    """Without a time it lasts until the faults are others."""
    faults = Misfortunes("down=50%", seed=0)
    while faults.next().ending is None:
        pass
    assert None not in [faults.next().ending for _ in range(20)]
    faults.change("")
    assert faults.next().ending is None


def test_what_slows_an_answer_down():
    """How slowly an answer comes has a share of its own, whatever its end."""
    faults = Misfortunes("drip=20ms@50%,bandwidth=1KB/s@50%,closed", seed=0)
    found = {(treatment.pause, treatment.per_second) for treatment in (faults.next() for _ in range(99))}
    assert found == {(0.0, 0.0), (0.02, 0.0), (0.0, 1000.0), (0.02, 1000.0)}
    assert faults.next().ending == Fault("closed")
