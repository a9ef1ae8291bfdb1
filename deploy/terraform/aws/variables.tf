variable "name" {
  description = "Of the cluster, and the beginning of the buckets' names."
  type        = string
  default     = "loan-decisions"
}

variable "kafka_version" {
  description = "One that MSK offers."
  type        = string
}

variable "instance_type" {
  description = "Of the three brokers."
  type        = string
  default     = "kafka.m7g.large"
}

variable "volume_gib" {
  description = "Disk of each broker, in GiB."
  type        = number
  default     = 200
}

variable "subnets" {
  description = "Three, in three zones."
  type        = list(string)
}

variable "security_groups" {
  description = "That let the processes in on port 9096."
  type        = list(string)
}
