# Where ECS tasks run. VPC and cluster are looked up by name: base/aws makes them, or the infra team has its own.

data "aws_vpc" "vpc" {
  filter {
    name   = "tag:Name"
    values = [coalesce(var.vpc_name, "${var.environment}-vpc")]
  }
}

data "aws_subnets" "all" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.vpc.id]
  }
}

data "aws_subnets" "subnets" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.vpc.id]
  }
  tags = length(var.subnet_tags) > 0 ? var.subnet_tags : { Tasks = "true" }
}

data "aws_subnet" "task" {
  for_each = toset(local.subnet_ids)
  id       = each.value

  lifecycle {
    postcondition {
      condition     = self.available_ip_address_count > 0
      error_message = "The subnet ${self.id} has no free address left for a task."
    }
  }
}

data "aws_ecs_cluster" "ecs-cluster" {
  cluster_name = coalesce(var.ecs_cluster_name, "${var.environment}-cluster")
}

locals {
  subnet_ids = sort(length(data.aws_subnets.subnets.ids) > 0 || length(var.subnet_tags) > 0 ? data.aws_subnets.subnets.ids : data.aws_subnets.all.ids)

  # A task in a public subnet reaches nothing without an address of its own.
  assign_public_ip = anytrue([for subnet in data.aws_subnet.task : subnet.map_public_ip_on_launch]) ? "ENABLED" : "DISABLED"
}

# Nothing comes in; out go HTTPS and, inside the VPC, DNS (which no security group filters).
resource "aws_security_group" "tasks" {
  name        = "${var.environment}-tasks"
  description = "ECS tasks of ${var.environment}: HTTPS out, nothing in"
  vpc_id      = data.aws_vpc.vpc.id

  lifecycle {
    precondition {
      condition     = length(local.subnet_ids) > 0
      error_message = "The VPC ${coalesce(var.vpc_name, "${var.environment}-vpc")} has no subnet for tasks: look at vpc_name and subnet_tags in live/${var.environment}/env.tfvars."
    }
  }
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.tasks.id
  description       = "HTTPS"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  cidr_ipv4         = "0.0.0.0/0"
}
