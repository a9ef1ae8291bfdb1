variable "bootstrap_servers" {
  description = "Brokers, HOST:PORT each."
  type        = list(string)
}

variable "admin_user" {
  description = "User that may create topics and rights."
  type        = string
}

variable "admin_password" {
  description = "Its password."
  type        = string
  sensitive   = true
}

variable "replication_factor" {
  description = "Copies of each partition; the topics ask for two in sync."
  type        = number
  default     = 3

  validation {
    condition     = var.replication_factor >= 3
    error_message = "With fewer than three copies and two in sync, one broker that is away stops every writer."
  }
}

variable "users" {
  description = "The broker's user of a principal, where it is not `loan-` and the principal's name."
  type        = map(string)
  default     = {}
}

variable "topics" {
  description = "Topics by name: generated."
  type = map(object({
    partitions = number
    config     = map(string)
  }))
}

variable "rights" {
  description = "Access rights: generated."
  type = list(object({
    principal     = string
    resource_type = string
    resource_name = string
    pattern_type  = string
    operation     = string
  }))
}
