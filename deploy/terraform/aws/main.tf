# An example: managed Kafka (MSK), and buckets for MLflow's artifacts and for the ledger's anchors. Apply it before ../kafka.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

resource "aws_msk_configuration" "loan" {
  name           = var.name
  kafka_versions = [var.kafka_version]

  # Offsets outlive the applications (30 days), and a misspelt topic fails.
  server_properties = <<-EOT
    auto.create.topics.enable=false
    default.replication.factor=3
    min.insync.replicas=2
    offsets.retention.minutes=50400
    unclean.leader.election.enable=false
    allow.everyone.if.no.acl.found=false
  EOT
}

resource "aws_msk_cluster" "loan" {
  cluster_name           = var.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = 3

  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnets
    security_groups = var.security_groups

    storage_info {
      ebs_storage_info {
        volume_size = var.volume_gib
      }
    }
  }

  client_authentication {
    sasl {
      scram = true
    }
  }

  encryption_info {
    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.loan.arn
    revision = aws_msk_configuration.loan.latest_revision
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket" "loan" {
  for_each = toset(["artifacts", "anchors"])

  bucket = "${var.name}-${each.key}"
  # Anchors prove that the ledger's history is as it was; a lock needs this at the bucket's birth.
  object_lock_enabled = each.key == "anchors"

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "loan" {
  for_each = aws_s3_bucket.loan

  bucket = each.value.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "loan" {
  for_each = aws_s3_bucket.loan

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_object_lock_configuration" "anchors" {
  bucket = aws_s3_bucket.loan["anchors"].id

  rule {
    default_retention {
      mode  = "COMPLIANCE"
      years = 10
    }
  }

  depends_on = [aws_s3_bucket_versioning.loan]
}

output "bootstrap_servers" {
  description = "For ../kafka and LOAN_BOOTSTRAP_SERVERS."
  value       = aws_msk_cluster.loan.bootstrap_brokers_sasl_scram
}
