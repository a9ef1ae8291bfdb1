"""The HTTP interface: request models, endpoints, problem documents."""
