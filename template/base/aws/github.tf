# Who CI is: GitHub's workflows sign in by OIDC, without keys. Pull requests, and the nightly look for drift on the branch main, take the role that may look (and build into
# throw-away databases), deployments the one that may change; which run gets which is decided by the token's subject.
# The OIDC provider is one per account: base/aws/account makes it.

locals {
  has_github = var.github_repository != null
  github     = "token.actions.githubusercontent.com"

  github_subjects = {
    plan  = ["repo:${coalesce(var.github_repository, "-")}:pull_request", "repo:${coalesce(var.github_repository, "-")}:ref:refs/heads/main"]
    apply = "repo:${coalesce(var.github_repository, "-")}:environment:${var.environment}"
  }
  github_assume = {
    for name, subject in local.github_subjects : name => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = "${local.arn}:iam::${local.account_id}:oidc-provider/${local.github}" }
        Condition = { StringEquals = { "${local.github}:aud" = "sts.amazonaws.com", "${local.github}:sub" = subject } }
      }]
    })
  }

  # The state of this environment, and the lock beside it.
  state_read = [for statement in [
    { Sid = "ListState", Effect = "Allow", Action = ["s3:ListBucket"], Resource = ["${local.arn}:s3:::${coalesce(var.state_bucket, "-")}"] },
    { Sid = "ReadState", Effect = "Allow", Action = ["s3:GetObject"], Resource = ["${local.arn}:s3:::${coalesce(var.state_bucket, "-")}/${var.environment}/*"] },
    { Sid = "LockState", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], Resource = ["${local.arn}:s3:::${coalesce(var.state_bucket, "-")}/${var.environment}/*.tflock"] },
  ] : statement if var.state_bucket != null]

  warehouse_bucket = split("/", local.settings.warehouse)[2]
  staging_bucket   = try(split("/", local.settings.namespaces.analytics.location)[2], local.warehouse_bucket)
  namespace_prefix = try(local.settings.namespace_prefix, "")
  pull_databases   = "${local.namespace_prefix}ci_pr_*" # what --namespace-prefix ci_pr_<number>_ makes
}

resource "aws_iam_role" "github_plan" {
  count                = local.has_github ? 1 : 0
  name                 = "${var.environment}-github-plan"
  description          = "Pull requests of ${coalesce(var.github_repository, "-")}: plan, and build into databases ${local.pull_databases}"
  assume_role_policy   = local.github_assume.plan
  permissions_boundary = var.permissions_boundary
  max_session_duration = 3600
}

resource "aws_iam_role_policy_attachment" "github_plan" {
  count      = local.has_github ? 1 : 0
  role       = aws_iam_role.github_plan[0].name
  policy_arn = "${local.arn}:iam::aws:policy/ReadOnlyAccess" # holds no secret's value
}

resource "aws_iam_role_policy" "github_plan" {
  count = local.has_github ? 1 : 0
  name  = "plan"
  role  = aws_iam_role.github_plan[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.state_read, [
      {
        Sid      = "BuildForPullRequest"
        Effect   = "Allow"
        Action   = ["glue:CreateDatabase", "glue:DeleteDatabase", "glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable", "glue:BatchDeleteTable"]
        Resource = ["${local.arn}:glue:${local.settings.region}:${local.account_id}:catalog", "${local.arn}:glue:${local.settings.region}:${local.account_id}:database/${local.pull_databases}", "${local.arn}:glue:${local.settings.region}:${local.account_id}:table/${local.pull_databases}/*"]
      },
      {
        Sid      = "FilesForPullRequest"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        Resource = flatten([for bucket in distinct([local.warehouse_bucket, local.staging_bucket]) : ["${local.arn}:s3:::${bucket}/${local.pull_databases}", "${local.arn}:s3:::${bucket}/*/${local.pull_databases}", "${local.arn}:s3:::${bucket}/_athena/*", "${local.arn}:s3:::${bucket}/*_moulin/*"]])
      },
      {
        Sid      = "QueryForPullRequest"
        Effect   = "Allow"
        Action   = ["athena:StartQueryExecution", "athena:StopQueryExecution"]
        Resource = ["${local.arn}:athena:${local.settings.region}:${local.account_id}:workgroup/${try(local.settings.engine.work_group, "-")}"]
      },
    ])
  })
}

resource "aws_iam_role" "github_apply" {
  count                = local.has_github ? 1 : 0
  name                 = "${var.environment}-github-apply"
  description          = "Deployments of ${coalesce(var.github_repository, "-")} to ${var.environment}"
  assume_role_policy   = local.github_assume.apply
  permissions_boundary = var.permissions_boundary
  max_session_duration = 7200
}

# All services but IAM; of IAM only the roles and policies whose names begin with the environment's.
resource "aws_iam_role_policy_attachment" "github_apply" {
  count      = local.has_github ? 1 : 0
  role       = aws_iam_role.github_apply[0].name
  policy_arn = "${local.arn}:iam::aws:policy/PowerUserAccess"
}

resource "aws_iam_role_policy" "github_apply" {
  count = local.has_github ? 1 : 0
  name  = "roles"
  role  = aws_iam_role.github_apply[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid    = "Roles"
        Effect = "Allow"
        Action = [
          "iam:CreateRole", "iam:DeleteRole", "iam:GetRole", "iam:UpdateRole", "iam:UpdateRoleDescription", "iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:ListRoleTags",
          "iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:ListRolePolicies", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
          "iam:PutRolePermissionsBoundary",
          "iam:CreatePolicy", "iam:DeletePolicy", "iam:GetPolicy", "iam:TagPolicy", "iam:UntagPolicy", "iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:GetPolicyVersion", "iam:ListPolicyVersions", "iam:ListEntitiesForPolicy",
        ]
        Resource = ["${local.arn}:iam::${local.account_id}:role/${var.environment}-*", "${local.arn}:iam::${local.account_id}:policy/${local.warehouse_bucket}-*", "${local.arn}:iam::${local.account_id}:policy/${local.staging_bucket}-*"]
      },
      {
        Sid       = "PassRoles"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = ["${local.arn}:iam::${local.account_id}:role/${var.environment}-*"]
        Condition = { StringEquals = { "iam:PassedToService" = ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "states.amazonaws.com", "scheduler.amazonaws.com", "events.amazonaws.com", "vpc-flow-logs.amazonaws.com"] } }
      },
      {
        # Else whoever can change a workflow could take the bounds off.
        Sid      = "KeepOwnRoles"
        Effect   = "Deny"
        Action   = ["iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRolePermissionsBoundary"]
        Resource = ["${local.arn}:iam::${local.account_id}:role/${var.environment}-github-*"]
      },
      ],
      [for statement in [{
        Sid       = "OnlyBoundedRoles"
        Effect    = "Deny"
        Action    = ["iam:CreateRole", "iam:PutRolePermissionsBoundary"]
        Resource  = ["*"]
        Condition = { StringNotEquals = { "iam:PermissionsBoundary" = coalesce(var.permissions_boundary, "-") } }
    }] : statement if var.permissions_boundary != null])
  })
}
