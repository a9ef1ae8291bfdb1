-- In the ledger, SQLite or PostgreSQL: the last word on each application, with the reasons of those not approved.
SELECT d.application_id, d.final_outcome, d.probability, d.scorecard_version, r.text
FROM final_decisions d
LEFT JOIN decision_reasons r ON r.application_id = d.application_id
ORDER BY d.applied_at, d.application_id, r.place;
