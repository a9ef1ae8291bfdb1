# Debian: apt-get install kcat. It has no Avro there: application, coordinates and headers of each decision.
kcat -C -b localhost:9092 -t loan.decisions.v1 -X isolation.level=read_committed -f '%k %p/%o %h\n' -u
