import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.applications import faults
from schemas.codec.application_decoder import ApplicationReader
from scorecard.decisions.decision_records import DecisionWriter
from scorecard.decisions.scoring import decide
from scorecard.policy import Policy
from tests.builders import CONTRACT, DECISION_SCHEMA_ID, WRITERS, a_batch, a_champion, application_bytes
from tests.unit.scorecard.plain_encoding import plain

READER = ApplicationReader(CONTRACT)
BASELINE = np.linspace(-0.5, 0.1, 8)
CHAMPIONS = [a_champion("1"), a_champion("12", reason_baseline=BASELINE)]

applications = st.fixed_dictionaries(
    {
        "application_id": st.text(min_size=1, max_size=70),
        "person_home_ownership": st.sampled_from(["RENT", "OTHER", "CASTLE"]),
        "loan_intent": st.sampled_from(["EDUCATION", "HOMEIMPROVEMENT", ""]),
        "person_emp_length": st.one_of(st.none(), st.floats(-5, 70)),
        "loan_percent_income": st.floats(0.11, 0.31),
        "cb_person_cred_hist_length": st.integers(-3, 90),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(applications, max_size=5), st.sampled_from(CHAMPIONS), st.integers(0, 2**62), st.text(max_size=70))
def test_any_decision_is_written_as_fastavro_would(some, champion, first_offset, release):
    batch = a_batch(*[application_bytes(**fields) for fields in some], first_offset=first_offset)
    policy = Policy(0.1, 0.4)
    decoded = READER.read(batch.values, WRITERS)
    decided = decide(decoded, faults(CONTRACT, decoded.applications.values), champion, policy)

    records = DecisionWriter("d", DECISION_SCHEMA_ID, release).write(
        decided, batch, champion.scorecard, champion.version, policy
    )

    by_hand = [plain(decided, row, batch, champion, policy, DECISION_SCHEMA_ID, release) for row in range(len(some))]
    assert [record.value for record in records] == by_hand


def test_another_version_is_not_written_with_the_words_of_the_last():
    writer, batch = DecisionWriter("d", DECISION_SCHEMA_ID), a_batch(application_bytes())
    decoded = READER.read(batch.values, WRITERS)
    found = faults(CONTRACT, decoded.applications.values)

    values = []
    for champion in CHAMPIONS:
        policy = champion.scorecard.policy
        decided = decide(decoded, found, champion, policy)
        values.append(writer.write(decided, batch, champion.scorecard, champion.version, policy)[0].value)

    assert b"\x021" in values[0]
    assert b"\x0412" in values[1]
