# A parameter that others look up by its name.

variable "name" {
  type = string
}

variable "value" {
  type = string
}

resource "aws_ssm_parameter" "this" {
  name  = var.name
  type  = "String"
  value = var.value
}

output "name" {
  value = aws_ssm_parameter.this.name
}
