"""The demo's gateway for visitors: in demo mode, where the environment says, else on loopback."""

from loanctl.demo.demo_processes import visitor_settings

OF_THE_CREW = {"LOAN_GATEWAY_HOST": "127.0.0.1", "LOAN_GATEWAY_DEMO": "false", "LOAN_LEDGER_URL": "sqlite:///l.db"}


def test_visitors_come_where_the_environment_says() -> None:
    own = visitor_settings(OF_THE_CREW, {"LOAN_GATEWAY_HOST": "0.0.0.0", "LOAN_GATEWAY_PORT": "80"}, 5)  # noqa: S104

    assert own == {
        "LOAN_GATEWAY_HOST": "0.0.0.0",  # noqa: S104 - public
        "LOAN_GATEWAY_PORT": "80",
        "LOAN_GATEWAY_DEMO": "true",
        "LOAN_LEDGER_URL": "sqlite:///l.db",
    }


def test_visitors_come_to_loopback_where_it_says_nothing() -> None:
    own = visitor_settings(OF_THE_CREW, {"LOAN_GATEWAY_PORT": ""}, 5)

    assert (own["LOAN_GATEWAY_HOST"], own["LOAN_GATEWAY_PORT"]) == ("127.0.0.1", "5")
