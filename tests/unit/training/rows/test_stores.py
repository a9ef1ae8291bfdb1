"""Tables from what holds them elsewhere: a server that speaks S3, and a real PostgreSQL."""

from collections.abc import Iterator

import pandas as pd
import pytest
import sqlalchemy

from schemas.tables.table_errors import TableError
from tests.unit.training.builders import CONTRACT, a_table
from tests.unit.training.postgres import postgres
from training.rows import labelled_rows as rows
from training.rows.labelled_rows import CleanRows
from training.rows.sources import table

ROWS = 600
BUCKET = "lending"
SECRET = "let in"  # noqa: S105 - the server lets everybody in


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Holds `loans` of 600 rows, and `risk."Loans 2026"` of three in types of its own, one value missing."""
    with postgres() as address:
        engine = sqlalchemy.create_engine(address.replace("postgresql", "postgresql+psycopg", 1))
        with engine.begin() as connection:
            a_table(ROWS).to_sql("loans", connection, index=False)
            connection.execute(sqlalchemy.text("CREATE SCHEMA risk"))
            connection.execute(
                sqlalchemy.text('CREATE TABLE risk."Loans 2026" AS SELECT *, 1 AS branch FROM loans LIMIT 3')
            )
            connection.execute(sqlalchemy.text('ALTER TABLE risk."Loans 2026" ALTER person_income TYPE numeric(12, 2)'))
            connection.execute(
                sqlalchemy.text('UPDATE risk."Loans 2026" SET person_emp_length = NULL WHERE person_income = 50000')
            )
        engine.dispose()
        yield address


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server that speaks S3; its bucket holds one table as CSV and as Parquet."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="me", aws_secret_access_key=SECRET
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="base/loans.csv", Body=a_table(ROWS).to_csv(index=False).encode())
    client.put_object(Bucket=BUCKET, Key="base/loans.parquet", Body=a_table(ROWS).to_parquet())
    yield address
    server.stop()


@pytest.fixture
def s3_credentials(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an operator would be: by the variables that every client of S3 reads."""
    told = {"ENDPOINT_URL": s3, "ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": SECRET, "DEFAULT_REGION": "us-east-1"}
    for name, value in told.items():
        monkeypatch.setenv(f"AWS_{name}", value)


def clean(found: pd.DataFrame) -> CleanRows:
    return rows.from_table(CONTRACT, found, "the store")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loans.csv", "loans.parquet"])
def test_a_table_is_read_from_s3(s3_credentials: None, name: str) -> None:
    assert len(clean(table(f"s3://{BUCKET}/base/{name}")).rows) == ROWS


@pytest.mark.parametrize("url", [f"s3://{BUCKET}/nothing.csv", "s3://nobody/loans.csv"])
def test_what_s3_does_not_hold_is_one_line(s3_credentials: None, url: str) -> None:
    with pytest.raises(TableError) as fault:
        table(url)

    assert str(fault.value) == f"{url}: cannot be fetched (FileNotFoundError)"


@pytest.mark.parametrize(
    "wanted", ["loans", "public.loans", "SELECT * FROM loans", "with a as (table loans) select * from a"]
)
def test_a_table_or_a_query_is_read_from_postgresql(database: str, wanted: str) -> None:
    found = clean(table(f"{database}#{wanted}"))

    assert len(found.rows) == ROWS
    assert found.rows.values.tolist() == clean(a_table(ROWS)).rows.values.tolist()


def test_postgresqls_own_types_and_missing_values_are_understood(database: str) -> None:
    found = clean(table(f"{database}#risk.Loans 2026"))

    columns = [CONTRACT.position[name] for name in ("person_income", "person_emp_length")]
    told = sorted(found.rows.values[:, columns].tolist())
    assert told == [[50_000.0, pytest.approx(float("nan"), nan_ok=True)], [50_010.0, 4.0], [50_020.0, 4.0]]
    assert found.ignored_columns == ("branch",)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("", "#nothing"), "cannot be read (UndefinedTable)"),
        (("secret", "wrong"), "cannot be read (OperationalError)"),
        (("", "#SELECT loan_status FROM"), "cannot be read (SyntaxError)"),
        (("", "#loans; DROP TABLE loans"), "cannot be read (UndefinedTable)"),
    ],
)
def test_what_postgresql_refuses_is_one_line_without_the_password(
    database: str, change: tuple[str, str], told: str
) -> None:
    old, new = change
    url = database.replace(old, new) + "#loans" if old else database + new

    with pytest.raises(TableError) as fault:
        table(url)

    assert str(fault.value).startswith("postgresql://***@127.0.0.1:")
    assert str(fault.value).endswith(told)
    assert "\n" not in str(fault.value)
    assert "lender" not in str(fault.value)
    assert len(table(f"{database}#loans")) == ROWS
