import copy
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from schemas.contract.contract import Contract
from schemas.errors import SetupError
from scorecard.bundle import FILES, FITTED, MANIFEST, BundleError, digest_of, read, training_identities, write
from tests.builders import CONTRACT, a_longer_contract, a_stump_forest, feature_space, scorecard_parts, some_values


@pytest.fixture
def saved_bundle(tmp_path):
    folder = tmp_path / "bundle"
    digest = write(scorecard_parts(), CONTRACT, some_values(), folder)
    return folder, digest


def forge(folder, name: str, data: bytes) -> None:
    """Alters a file and the manifest with it, as only one who means to would."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (folder / MANIFEST).write_bytes(json.dumps(manifest).encode())


def arrays_of(folder) -> dict:
    with np.load(folder / "forest.npz") as archive:
        return dict(archive)


def npz(arrays: dict) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def test_a_scorecard_read_back_scores_as_before(saved_bundle):
    folder, digest = saved_bundle
    scorecard = read(folder, CONTRACT, digest)

    again = scorecard.score(some_values())

    assert scorecard.digest == digest
    assert set(np.round(again.margin, 12)) == {-2.0, 1.0}


def test_the_same_parts_have_the_same_digest(saved_bundle, tmp_path):
    assert write(scorecard_parts(), CONTRACT, some_values(), tmp_path / "other") == saved_bundle[1]


def test_another_leaf_is_another_digest(saved_bundle, tmp_path):
    space = feature_space()
    forest = a_stump_forest(space.columns.index("loan_percent_income"), 0.25, -2.0, 1.0001, len(space.columns))

    assert write(scorecard_parts(forest=forest), CONTRACT, some_values(), tmp_path / "other") != saved_bundle[1]


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused_before_it_is_parsed(saved_bundle, name):
    folder, _ = saved_bundle
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))

    with pytest.raises(BundleError, match=name):
        read(folder, CONTRACT)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_an_absent_file_is_refused(saved_bundle, name):
    folder, _ = saved_bundle
    (folder / name).unlink()

    with pytest.raises(BundleError, match="lacks a file"):
        read(folder, CONTRACT)


def test_another_digest_than_announced_is_refused(saved_bundle):
    with pytest.raises(BundleError, match="announced"):
        read(saved_bundle[0], CONTRACT, "0" * 64)


def test_a_scorecard_of_another_schema_is_refused(saved_bundle):
    schema = copy.deepcopy(json.loads(json.dumps(CONTRACT.schema)))
    next(field for field in schema["fields"] if field["name"] == "loan_amnt")["range"] = [1, 2_000_000]

    with pytest.raises(BundleError, match="another application schema"):
        read(saved_bundle[0], Contract.of(schema))


@pytest.mark.parametrize(
    "damage",
    [
        {"left": np.array([99, -1, -1], dtype=np.int32)},
        {"left": np.array([0, -1, -1], dtype=np.int32)},
        {"right": np.array([1, -1, -1], dtype=np.int32)},
        {"feature": np.array([999, -1, -1], dtype=np.int32)},
        {"threshold": np.array([np.nan, 0, 0])},
        {"value": np.array([0, np.inf, 0])},
        {"roots": np.array([7], dtype=np.int32)},
        {"cover": np.array([100.0, 60.0])},
        {"feature": np.array([0.5, -1, -1])},
    ],
)
def test_arrays_that_are_no_trees_are_refused_though_their_digest_is_right(saved_bundle, damage):
    folder, _ = saved_bundle
    forge(folder, "forest.npz", npz({**arrays_of(folder), **damage}))

    with pytest.raises(SetupError):
        read(folder, CONTRACT)


def test_other_answers_than_promised_are_refused(saved_bundle):
    folder, _ = saved_bundle
    forge(folder, "forest.npz", npz({**arrays_of(folder), "value": np.array([0.0, -2.0, 1.5])}))

    with pytest.raises(BundleError, match="not what training promised"):
        read(folder, CONTRACT)


def test_a_pickle_within_the_arrays_is_refused(saved_bundle):
    folder, _ = saved_bundle
    forge(folder, "forest.npz", npz({**arrays_of(folder), "value": np.array([{"a": 1}], dtype=object)}))

    with pytest.raises(BundleError, match="malformed"):
        read(folder, CONTRACT)


def test_the_digest_of_a_folder_is_that_of_its_writing(saved_bundle):
    folder, digest = saved_bundle

    assert digest_of(folder) == digest


@pytest.mark.parametrize("place", [2, len(CONTRACT.fields)])
def test_a_bundle_answers_as_before_under_a_contract_with_one_more_field(saved_bundle, place):
    folder, digest = saved_bundle
    extended = a_longer_contract(place)
    values = some_values(contract=extended, dependents=3)

    scores = read(folder, extended, digest).score(values)

    before = read(folder, CONTRACT, digest).score(some_values())
    assert np.array_equal(scores.margin, before.margin)
    assert np.array_equal(scores.contributions, before.contributions)


def test_a_bundle_of_the_longer_contract_is_refused_by_the_shorter(tmp_path):
    extended = a_longer_contract()
    write(scorecard_parts(extended), extended, some_values(contract=extended), tmp_path)

    with pytest.raises(BundleError, match="another application schema"):
        read(tmp_path, CONTRACT)


def test_a_bundle_written_before_fingerprints_left_prose_out_is_read_and_keeps_its_reference():
    """Written by commit ebf4dbc; the words of the packaged schema may have changed since."""
    folder = Path(__file__).with_name("bundle_of_before")

    scorecard = read(folder, CONTRACT, "0ade9ab6f60d9a20c914268672e68490d0e8fe372fe2acd2220ae6a8b9c74f58")

    assert scorecard.profile.reference_id == "1a466ecb40600629"
    assert set(np.round(scorecard.score(some_values()).margin, 12)) == {-2.0, 1.0}


def test_what_reasons_compare_with_comes_back_and_a_bundle_of_before_has_none(tmp_path):
    typical = np.arange(8.0)
    typical[2] = np.nan

    digest = write(scorecard_parts(typical=typical), CONTRACT, some_values(), tmp_path / "new")

    read_back = read(tmp_path / "new", CONTRACT, digest)
    assert np.array_equal(read_back.reasons.typical, typical, equal_nan=True)
    assert read_back.features.scored_as == {"loan_intent": {"MEDICAL": "DEBTCONSOLIDATION"}}
    before = read(Path(__file__).with_name("bundle_of_before"), CONTRACT)
    assert np.isnan(before.reasons.typical).all()
    assert before.features.scored_as == {}


def test_a_bundle_tells_who_it_was_made_of_and_one_of_before_does_not(saved_bundle, tmp_path):
    made_of = np.array([9, 2, 5], dtype=np.uint64)

    digest = write(scorecard_parts(), CONTRACT, some_values(), tmp_path / "new", made_of)

    assert training_identities(tmp_path / "new").tolist() == [2, 5, 9]
    assert read(tmp_path / "new", CONTRACT, digest).digest == digest
    assert training_identities(saved_bundle[0]) is None


def test_altered_identities_are_refused(tmp_path):
    write(scorecard_parts(), CONTRACT, some_values(), tmp_path / "new", np.array([1], dtype=np.uint64))
    (tmp_path / "new" / FITTED).write_bytes(b"altered")

    with pytest.raises(BundleError, match="not what the manifest says"):
        training_identities(tmp_path / "new")


def test_a_bundle_whose_header_asks_for_a_petabyte_is_refused_and_not_unpacked(saved_bundle):
    folder, _ = saved_bundle
    arrays = arrays_of(folder)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            plain = io.BytesIO()
            np.save(plain, array)
            archive.writestr(f"{name}.npy", header.getvalue() if name == "value" else plain.getvalue())
    forge(folder, "forest.npz", out.getvalue())

    with pytest.raises(BundleError, match="malformed"):
        read(folder, CONTRACT)
