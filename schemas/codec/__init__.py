"""Records to values: framing, Avro decoding, projection, limits."""
