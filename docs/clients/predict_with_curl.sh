curl -sS http://127.0.0.1:8104/predict -H 'Content-Type: application/json' -H 'Idempotency-Key: 2026-03-01/17' -d '{
  "application_id": "from-curl",
  "person_income": 50000, "person_home_ownership": "RENT", "loan_intent": "MEDICAL", "loan_amnt": 10000,
  "cb_person_default_on_file": "N", "cb_person_cred_hist_length": 6}'
