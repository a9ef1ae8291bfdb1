"""URLs without what is in them of secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.urls import mask_credentials

SECRET = st.text(
    st.characters(exclude_characters="@ \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0", codec="ascii"), min_size=3
)
SCHEMES = ("http", "https", "postgresql", "mysql+pymysql", "s3", "hdfs", "databricks", "jdbc:postgresql", "what.ever")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host/db#loans", "postgresql://***@host/db#loans"),
        ("https://user:pass@host:1/a.csv?token=x", "https://***@host:1/a.csv?***"),
        ("http://token@host:8081", "http://***@host:8081"),
        ("jdbc:postgresql://me:se/cret@host:1/x", "jdbc:postgresql://***@host:1/x"),
        ("me:secret@host:5000", "***@host:5000"),
        ("http://one:8081,http://me:secret@two:8081", "http://one:8081,http://***@two:8081"),
        ("broker http://me:secret@one is away", "broker http://***@one is away"),
    ],
)
def test_credentials_and_queries_are_masked(url: str, shown: str) -> None:
    assert mask_credentials(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        "localhost:9092,other:9092",
        "sqlite:////home/me/mlflow.db",
        "/data/a@b.csv",
        "./what?.csv",
        "http://[::1]:80/x",
        "http://host:5000/a@b/c.csv",
        "is it 12:30, or later?",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert mask_credentials(text) == text


@given(st.sampled_from(SCHEMES), SECRET)
def test_no_password_passes_whatever_the_scheme_and_its_characters(scheme: str, secret: str) -> None:
    shown = mask_credentials(f"cannot read {scheme}://me:pw{secret}wp@host/path (refused)")

    assert f"pw{secret}wp" not in shown
    assert shown == f"cannot read {scheme}://***@host/path (refused)"
    assert mask_credentials(shown) == shown
