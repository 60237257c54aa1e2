# The network of the tasks: one VPC, subnets in some zones, and a way out as `egress` says.

data "aws_availability_zones" "this" {
  state = "available"
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = slice(sort(data.aws_availability_zones.this.names), 0, min(var.zones, length(data.aws_availability_zones.this.names)))

  has_private = var.egress != "public"
  has_public  = var.egress != "endpoints"

  # /20 of a /16: the first eight networks for tasks, the next for gateways and tasks with own addresses.
  private_blocks = { for index, zone in local.zones : zone => cidrsubnet(var.cidr_block, 4, index) if local.has_private }
  public_blocks  = { for index, zone in local.zones : zone => cidrsubnet(var.cidr_block, 4, index + 8) if local.has_public }

  # What a task calls: images, logs, the catalog, queries, secrets, parameters, tokens.
  endpoint_services = ["athena", "ecr.api", "ecr.dkr", "glue", "logs", "secretsmanager", "ssm", "states", "sts"]
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr_block
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = "${var.environment}-vpc" }
}

# Nothing uses the VPC's default group, so it lets nothing through.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.environment}-unused" }
}

resource "aws_subnet" "private" {
  for_each          = local.private_blocks
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value
  tags              = { Name = "${var.environment}-private-${each.key}", Tasks = "true" }
}

resource "aws_subnet" "public" {
  for_each                = local.public_blocks
  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = true
  tags                    = { Name = "${var.environment}-public-${each.key}", Tasks = tostring(!local.has_private) }
}

resource "aws_route_table" "private" {
  count  = local.has_private ? 1 : 0
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.environment}-private" }
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[0].id
}

resource "aws_internet_gateway" "this" {
  count  = local.has_public ? 1 : 0
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.environment}-internet" }
}

resource "aws_route_table" "public" {
  count  = local.has_public ? 1 : 0
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.environment}-public" }
}

resource "aws_route" "internet" {
  count                  = local.has_public ? 1 : 0
  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_eip" "nat" {
  count  = var.egress == "nat" ? 1 : 0
  domain = "vpc"
  tags   = { Name = "${var.environment}-nat" }
}

# One for all zones: half the price, and a batch that is lost with its zone is tried again.
resource "aws_nat_gateway" "this" {
  count         = var.egress == "nat" ? 1 : 0
  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.public[local.zones[0]].id
  tags          = { Name = "${var.environment}-nat" }
  depends_on    = [aws_internet_gateway.this]
}

resource "aws_route" "nat" {
  count                  = var.egress == "nat" ? 1 : 0
  route_table_id         = aws_route_table.private[0].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[0].id
}

# S3 by its gateway endpoint in each case: it costs nothing, and tables are read and written through it.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.settings.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat(aws_route_table.private[*].id, aws_route_table.public[*].id)
  tags              = { Name = "${var.environment}-s3" }
}

resource "aws_security_group" "endpoints" {
  count       = var.egress == "endpoints" ? 1 : 0
  name        = "${var.environment}-endpoints"
  description = "VPC endpoints of ${var.environment}: HTTPS from inside the VPC"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.environment}-endpoints" }

  ingress {
    description = "HTTPS from the VPC"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = [var.cidr_block]
  }
}

resource "aws_vpc_endpoint" "service" {
  for_each            = toset([for service in local.endpoint_services : service if var.egress == "endpoints"])
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.settings.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints[0].id]
  tags                = { Name = "${var.environment}-${each.key}" }
}

# ---- flow log, when asked for

resource "aws_cloudwatch_log_group" "flow" {
  count             = var.log_retention_days > 0 ? 1 : 0
  name              = "/vpc/${var.environment}-vpc"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "flow" {
  count                = var.log_retention_days > 0 ? 1 : 0
  name                 = "${var.environment}-vpc-flow-log"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "flow" {
  count = var.log_retention_days > 0 ? 1 : 0
  name  = "write"
  role  = aws_iam_role.flow[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
      Resource = ["${aws_cloudwatch_log_group.flow[0].arn}:*"]
    }]
  })
}

resource "aws_flow_log" "this" {
  count           = var.log_retention_days > 0 ? 1 : 0
  vpc_id          = aws_vpc.this.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flow[0].arn
  iam_role_arn    = aws_iam_role.flow[0].arn
}
