# The three ways out, and what is refused.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  moulin_yml  = "tests/project/moulin.yml"
  environment = "ci"
}

run "private_with_endpoints" {
  command = plan

  assert {
    condition     = aws_vpc.this.tags["Name"] == "ci-vpc" && aws_ecs_cluster.this.name == "ci-cluster"
    error_message = "pipelines/ looks for other names"
  }
  assert {
    condition     = length(aws_subnet.private) == 2 && length(aws_subnet.public) == 0 && alltrue([for subnet in aws_subnet.private : subnet.tags["Tasks"] == "true"])
    error_message = "tasks have no private subnets"
  }
  assert {
    condition     = length(setintersection(keys(aws_vpc_endpoint.service), ["athena", "ecr.api", "ecr.dkr", "glue", "logs", "secretsmanager", "sts"])) == 7 && aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
    error_message = "a task cannot reach an AWS service that it needs"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_internet_gateway.this) == 0
    error_message = "there is a way to the internet"
  }
  assert {
    condition     = aws_subnet.private["eu-central-1a"].cidr_block == "10.20.0.0/20" && aws_subnet.private["eu-central-1b"].cidr_block == "10.20.16.0/20"
    error_message = "the subnets moved"
  }
}

run "private_with_nat" {
  command = plan
  variables {
    egress = "nat"
    zones  = 3
  }

  assert {
    condition     = length(aws_subnet.private) == 3 && length(aws_subnet.public) == 3 && length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 1
    error_message = "the private subnets have no gateway"
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.tags["Tasks"] == "false"]) && length(aws_vpc_endpoint.service) == 0
    error_message = "tasks would run in the gateway's subnets"
  }
}

run "public" {
  command = plan
  variables {
    egress     = "public"
    cidr_block = "10.9.0.0/20"
  }

  assert {
    condition     = length(aws_subnet.private) == 0 && alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch && subnet.tags["Tasks"] == "true"])
    error_message = "tasks have no address of their own"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_vpc_endpoint.service) == 0
    error_message = "something costs money while nothing runs"
  }
}

run "another_way_out_is_refused" {
  command = plan
  variables {
    egress = "vpn"
  }
  expect_failures = [var.egress]
}

run "a_network_that_is_too_small_is_refused" {
  command = plan
  variables {
    cidr_block = "10.0.0.0/28"
  }
  expect_failures = [var.cidr_block]
}

run "an_environment_that_moulin_yml_does_not_have_is_refused" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.environment]
}
