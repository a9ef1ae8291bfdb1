# Kafka's own tool: id, type and application of each decision, from its headers. Java reads uncommitted records by default.
kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic loan.decisions.v1 --from-beginning \
  --group downstream.java --command-property isolation.level=read_committed \
  --formatter-property print.headers=true --formatter-property print.key=true --formatter-property print.value=false
