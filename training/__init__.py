"""How a scorecard is made, judged and promoted."""
