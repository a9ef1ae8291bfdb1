"""Asks for a decision, and for what would change it. `pip install ./loan_client`, from a checkout of this project."""

from loan_client.client import LoanClient

loans = LoanClient("http://127.0.0.1:8104")
application = {
    "application_id": "from-loan-client",
    "person_income": 50_000,
    "person_home_ownership": "RENT",
    "loan_intent": "MEDICAL",
    "loan_amnt": 15_000,
    "cb_person_default_on_file": "N",
    "cb_person_cred_hist_length": 6,
}
decision = loans.predict(application)
print(decision.application_id, decision.outcome, [reason.text for reason in decision.reasons])
for way in loans.counterfactuals(application).counterfactuals:
    print([f"{change.label}: {change.before} to {change.after} {change.unit}" for change in way.changes])
