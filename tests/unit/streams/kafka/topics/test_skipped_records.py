from collections import Counter

import pytest
from structlog.testing import capture_logs

from schemas.codec.wire_format import NotFramedError, TombstoneError
from streams.kafka.topics.skipped_records import SkippedRecords


def decoder_that_raises(fault: type[Exception]):
    def decode():
        raise fault

    return decode


def test_what_cannot_be_read_is_counted_each_time_and_said_once():
    counted: Counter[tuple[str, str]] = Counter()
    passed_over = SkippedRecords(lambda topic, reason: counted.update([(topic, reason)]))

    with capture_logs() as lines:
        for offset in range(3):
            assert passed_over.read(decoder_that_raises(TombstoneError), "t", offset) is None
        assert passed_over.read(decoder_that_raises(NotFramedError), "t", 3) is None
        assert passed_over.read(lambda: "event", "t", 4) == "event"

    assert counted == passed_over.reasons == {("t", "tombstone"): 3, ("t", "not_framed"): 1}
    assert [(line["topic"], line["offset"], line["reason"]) for line in lines] == [
        ("t", 0, "tombstone"),
        ("t", 3, "not_framed"),
    ]


def test_what_is_no_records_fault_is_raised():
    with pytest.raises(ZeroDivisionError):
        SkippedRecords().read(decoder_that_raises(ZeroDivisionError), "t", 0)
