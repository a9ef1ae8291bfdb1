"""The kept sample gives what one reading of everything gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.performance.kept_sample import KeptSample, assemble, chunks_of, digest_of_text
from drift.performance.loan_sample import LONGEST_MS, LoanSample
from drift.performance.outcome_join import EndedLoan, OutcomeJoin, ScoredLoan
from drift.performance.performance_report import ReportSubject, performance_report, sample_report
from drift.performance.vintages import vintages
from schemas.events.performance import PERFORMANCE_METHOD, PerformanceReport, PerformanceRules, ReadRange
from tests.unit.drift.performance.test_outcome_join import DAY, a_loan, an_end

RULES = PerformanceRules(age_ms=365 * DAY, most=1_000, least_auc=0.75, minimum_n=200, method=PERFORMANCE_METHOD)
AS_OF = 300 * DAY
SUBJECT = ReportSubject(product="credit_risk", champion_version="1", champion_digest="d", as_of=AS_OF)
Record = ScoredLoan | EndedLoan


def some(count: int = 400, seed: int = 3) -> list[Record]:
    """Decisions of two champions, each with an outcome or none, some of both kinds twice, some contradictory."""
    rng = np.random.default_rng(seed)
    records: list[Record] = []
    for nth in range(count):
        name, version = f"a{nth}", "12"[nth % 4 == 3]
        day = int(rng.integers(-200, 250))
        records.append(a_loan(name, version=version, day=day)._replace(place=(DAY * (day + 300), nth % 3, nth)))
        if rng.random() < 0.1:
            records.append(
                a_loan(name, version=version, day=day)._replace(place=(DAY * (day + 301), nth % 3, 1_000 + nth))
            )
        for _ in range(int(rng.integers(0, 3))):
            age, bad = int(rng.integers(-5, 400)), bool(rng.random() < 0.3)
            records.append(
                an_end(name, defaulted=bad)._replace(observed_at=DAY * (day + age), place=(DAY * 300, 0, len(records)))
            )
    return [*records, an_end("nobody")]


def fold(sample: LoanSample, records: list[Record]) -> LoanSample:
    """As the agent reads: decisions, then outcomes."""
    for record in records:
        if isinstance(record, ScoredLoan):
            sample.add_decision(record)
    for record in records:
        if isinstance(record, EndedLoan):
            sample.add_outcome(record)
    return sample


def a_sample(most: int = 1_000) -> LoanSample:
    sample = LoanSample(most, RULES.age_ms)
    sample.watch("1")
    return sample


def report_of(sample: LoanSample, rules: PerformanceRules = RULES) -> PerformanceReport:
    return sample_report(sample, SUBJECT, rules, ())


def save_and_restore(sample: LoanSample) -> LoanSample:
    read = (ReadRange(topic="d", partition=0, first=0, end=5),)
    text = KeptSample(sample=sample, read=read, digests={"1": "d"}).to_text()
    restored = KeptSample.from_text(text, RULES.age_ms)
    assert (restored.read, restored.digests) == (read, {"1": "d"})
    return restored.sample


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 900), max_size=4), st.randoms(use_true_random=False))
def test_folded_in_parts_and_saved_between_them_it_gives_what_one_reading_gives(cuts, random):
    records = some()
    whole = report_of(fold(a_sample(), records))
    random.shuffle(records)

    sample = a_sample()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(records)], strict=True):
        sample = save_and_restore(fold(sample, records[start:end]))

    assert report_of(sample) == whole


def test_a_sample_that_is_full_is_the_same_sample_whatever_the_order():
    records = some(900)
    whole = fold(a_sample(50), records)
    parts = a_sample(50)
    for start in range(0, len(records), 70):
        parts = save_and_restore(fold(parts, records[start : start + 70]))

    assert whole.share("1") < 1.0
    assert replace(report_of(parts), notes=report_of(whole).notes) == report_of(whole)


def test_it_agrees_with_the_join_that_reads_everything_each_time():
    records = some()
    joining = OutcomeJoin(SUBJECT.joins(replace(RULES, method=1)))
    for record in records:
        if isinstance(record, ScoredLoan):
            joining.add_decision(record)
    for record in records:
        if isinstance(record, EndedLoan):
            joining.add_outcome(record)

    before, now = performance_report(joining, SUBJECT, RULES, ()), report_of(fold(a_sample(), records))

    assert now.notes == before.notes
    assert now.performance.observed is not None
    assert before.performance.observed is not None
    assert now.performance.observed.defaults == before.performance.observed.defaults
    assert now.performance.observed.auc.value == pytest.approx(before.performance.observed.auc.value)  # type: ignore[union-attr]
    assert now.performance.decided == before.performance.decided


def test_a_former_champion_s_loans_go_on_being_looked_at():
    records = some()
    sample = fold(a_sample(), [record for record in records if isinstance(record, ScoredLoan)])
    sample = save_and_restore(sample)
    sample.watch("3")

    fold(sample, [a_loan("new", version="3"), *(record for record in records if isinstance(record, EndedLoan))])

    assert sample.champions == ["1", "3"]
    assert report_of(sample).performance == report_of(fold(a_sample(), records)).performance
    sample.forget("1")
    assert sample.champions == ["3"]
    assert sample.versions == {"1", "2", "3"}


def test_an_application_that_another_champion_decided_first_takes_its_outcome_along():
    sample = fold(a_sample(), [a_loan("a"), an_end("a")])
    sample.watch("2")

    fold(sample, [a_loan("a", version="2")])

    assert sample.loans("2", RULES, AS_OF).known.tolist() == [True]


def test_the_latest_of_its_outcomes_is_taken_along_though_the_first_came_before_any_decision():
    first, last = an_end("a"), an_end("a", defaulted=True)._replace(observed_at=an_end("a").observed_at + DAY)
    sample = fold(a_sample(), [first])
    fold(sample, [a_loan("a"), last])
    sample.watch("2")

    fold(sample, [a_loan("a", version="2")])

    assert sample.loans("2", RULES, AS_OF).defaulted.tolist() == [True]


def test_whoever_repays_after_the_performance_window_has_not_defaulted_within_it():
    window = replace(RULES, mature_ms=RULES.age_ms)
    late = RULES.age_ms + DAY
    as_of = a_loan("a").applied_at + late + DAY
    sample = fold(a_sample(), [a_loan(name) for name in "abc"])
    for name, defaulted, age in [("a", False, late), ("b", True, late), ("c", True, DAY), ("c", False, late)]:
        applied_at = a_loan(name).applied_at
        sample.add_outcome(an_end(name, defaulted=defaulted)._replace(observed_at=applied_at + age))

    mature, naive = sample.loans("1", window, as_of), sample.loans("1", RULES, as_of)

    assert sorted(zip(mature.known, mature.defaulted, strict=True)) == [(False, False), (True, False), (True, True)]
    assert sorted(zip(naive.known, naive.defaulted, strict=True)) == [(False, False), (False, False), (True, True)]
    assert (sample.notes("1", window, as_of).too_old, sample.notes("1", RULES, as_of).too_old) == (1, 3)


def test_loans_whose_topic_forgets_them_are_dropped():
    sample = fold(a_sample(), [a_loan("a"), an_end("a")])
    moment = a_loan("a").place[0] + LONGEST_MS + 1

    assert len(sample.loans("1", RULES, moment).known) == 0
    assert len(sample.loans("1", replace(RULES, mature_ms=1), moment).known) == 1
    sample.expire(RULES, moment - 1)
    assert len(sample.loans("1", RULES, AS_OF).known) == 1
    sample.expire(RULES, moment)
    assert len(sample.loans("1", RULES, AS_OF).known) == 0


def test_no_id_is_in_what_is_saved():
    text = str(fold(a_sample(), [a_loan("Ada-Lovelace"), an_end("Ada-Lovelace"), an_end("Bob")]).to_dict())

    assert "Ada" not in text
    assert "Bob" not in text


def nightly(nights: int) -> list[Record]:
    """Ten loans whose source repeats every night what it knows: the same outcome, then the opposite, seen anew."""
    told = (
        an_end(f"a{nth}", defaulted=bool(night % 2) and nth > 5)._replace(
            observed_at=DAY * (night - 5), place=(DAY * night, 0, 100 * night + nth)
        )
        for night in range(nights)
        for nth in range(10)
    )
    return [*(a_loan(f"a{nth}") for nth in range(8)), *told]


def test_outcomes_that_a_source_repeats_each_night_are_counted_and_not_kept():
    many, more = (save_and_restore(fold(a_sample(), nightly(nights))) for nights in (400, 1_200))

    rows = [len(str(sample.to_dict())) for sample in (many, more)]
    notes = many.notes("1", RULES, AS_OF)

    assert rows[1] < 1.05 * rows[0]
    assert (notes.outcomes, notes.unknown) == (4_000, 2 * 400)
    in_time = [observed for observed in range(-5, 395) if 0 <= DAY * observed - a_loan("a0").applied_at <= RULES.age_ms]
    assert notes.repeated == 6 * (len(in_time) - 1) + 2 * (len(in_time) - 2)
    assert notes.contradictory == 2
    assert notes.before + notes.too_old == 8 * (400 - len(in_time))


def test_a_sample_of_before_which_kept_every_outcome_goes_on_without_their_repetitions():
    sample = fold(a_sample(), nightly(40))
    plain = sample.to_dict()
    [[version, loans]] = plain["loans"]
    every = [
        [*record.place, record.observed_at, int(record.defaulted)]
        for record in nightly(40)
        if isinstance(record, EndedLoan)
    ]
    alone = {**plain, "loans": [[version, {**loans, "rows": [[*loans["rows"][0][:-1], every[::10]]]}]]}
    del alone["age_ms"]

    restored = LoanSample.from_dict(alone, RULES.age_ms)

    [row] = restored.to_dict()["loans"][0][1]["rows"]
    assert len(row[-1]) < 4
    assert sum(times for *_, times in row[-1]) == 40


def young_lender() -> LoanSample:
    """A tenth of the loans default within a year, evenly; those that do not are known when the year is over.

    Two hundred loans a month for two years, the last of them today: of the young ones defaults alone are known.
    """
    rng, sample, records = np.random.default_rng(5), a_sample(10_000), list[Record]()
    for nth in range(4_800):
        day = nth * 730 // 4_800 - 430
        default, after = rng.random() < 0.1, int(rng.integers(1, 365))
        age = after if default else 365
        records.append(a_loan(f"a{nth}", probability=0.1, day=day))
        if day + age <= 300:
            records.append(an_end(f"a{nth}", defaulted=bool(default))._replace(observed_at=DAY * (day + age)))
    return fold(sample, records)


def test_of_young_loans_defaults_come_first_and_maturity_does_not_count_them():
    sample, year = young_lender(), replace(RULES, mature_ms=365 * DAY)

    naive, mature = report_of(sample), report_of(sample, year)

    assert naive.performance.observed is not None
    assert mature.performance.observed is not None
    assert naive.performance.observed.default_rate.low > 0.12
    assert mature.performance.observed.default_rate.low < 0.1 < mature.performance.observed.default_rate.high
    recent = [each for each in naive.vintages if each.month >= "1970-06" and each.default_rate]
    assert min(each.default_rate.value for each in recent if each.default_rate) == 1.0


def test_vintages_say_which_are_final():
    loans = young_lender().loans("1", replace(RULES, mature_ms=365 * DAY), AS_OF)

    found = list(vintages(loans, 365 * DAY, AS_OF))

    assert sum(each.decided for each in found) == 4_800
    assert [each.month for each in found] == sorted(each.month for each in found)
    final = [each for each in found if each.mature]
    assert 9 <= len(final) < len(found)
    assert all(each.with_outcome == each.decided for each in final)
    assert all(0.03 < each.default_rate.value < 0.2 for each in final if each.default_rate)
    assert {each.with_outcome for each in found[-9:]} == {0}
    assert {each.default_rate for each in found[-9:]} == {None}


def test_a_text_is_put_together_from_all_its_parts_or_not_at_all():
    text = "x" * 900_001
    parts = list(chunks_of(text))

    assert [len(part) for part in parts] == [400_000, 400_000, 100_001]
    assert assemble(parts, digest_of_text(text)) == text
    assert assemble([*parts[:2], ""], digest_of_text(text)) is None
    with pytest.raises(ValueError, match="incorrect header"):
        KeptSample.from_text("bm8=", RULES.age_ms)
