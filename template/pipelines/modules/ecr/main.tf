# A repository of images. Functions and tasks name an image by its digest, so moving a tag changes nothing that runs.

variable "name" {
  type = string
}

variable "force_delete" {
  description = "Whether it may be deleted while it holds images."
  type        = bool
}

resource "aws_ecr_repository" "this" {
  name         = var.name
  force_delete = var.force_delete

  # The tag `current` moves to what was pushed last; see live/images.sh.
  image_tag_mutability = "MUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "keep the last 20 images"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
      action       = { type = "expire" }
    }]
  })
}

# Lambda fetches images by itself, which the repository has to allow.
data "aws_caller_identity" "this" {}

resource "aws_ecr_repository_policy" "this" {
  repository = aws_ecr_repository.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaReads"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

output "name" {
  value = aws_ecr_repository.this.name
}

output "arn" {
  value = aws_ecr_repository.this.arn
}

output "url" {
  value = aws_ecr_repository.this.repository_url
}
