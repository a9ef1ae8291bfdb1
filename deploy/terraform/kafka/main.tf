# Topics and access rights on any Kafka, as `loanctl topics apply` and `loanctl topics acls --apply` make them. Their
# tables are in tables.auto.tfvars.json, which `make declarations` writes.
terraform {
  required_version = ">= 1.5"
  required_providers {
    kafka = {
      source  = "Mongey/kafka"
      version = "~> 0.12"
    }
  }
}

# The administrator's password comes from the variable TF_VAR_admin_password, and is in no file.
provider "kafka" {
  bootstrap_servers = var.bootstrap_servers
  tls_enabled       = true
  sasl_mechanism    = "scram-sha512"
  sasl_username     = var.admin_user
  sasl_password     = var.admin_password
}

resource "kafka_topic" "loan" {
  for_each = var.topics

  name               = each.key
  partitions         = each.value.partitions
  replication_factor = var.replication_factor
  config             = each.value.config

  # Decisions are evidence: a topic is deleted by hand or not at all.
  lifecycle {
    prevent_destroy = true
  }
}

resource "kafka_acl" "loan" {
  for_each = {
    for right in var.rights :
    join(" ", [right.principal, right.operation, right.resource_type, right.resource_name]) => right
  }

  resource_name                = each.value.resource_name
  resource_type                = each.value.resource_type
  resource_pattern_type_filter = each.value.pattern_type
  acl_principal                = "User:${lookup(var.users, each.value.principal, "loan-${each.value.principal}")}"
  acl_host                     = "*"
  acl_operation                = each.value.operation
  acl_permission_type          = "Allow"
}
