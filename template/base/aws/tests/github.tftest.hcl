# Who CI may be: which token gets which role, and what the roles cannot do.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  moulin_yml   = "tests/project/moulin.yml"
  environment  = "ci"
  state_bucket = "states"
}

run "no_repository_no_roles" {
  command = plan

  assert {
    condition     = length(aws_iam_role.github_plan) == 0 && length(aws_iam_role.github_apply) == 0 && output.github_apply_role == null
    error_message = "there are roles for nobody"
  }
}

run "pull_requests_look_deployments_change" {
  command = plan
  variables {
    github_repository = "owner/repo"
  }

  assert {
    condition     = jsondecode(aws_iam_role.github_plan[0].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:owner/repo:pull_request", "repo:owner/repo:ref:refs/heads/main"]
    error_message = "another run than a pull request's gets the plan role"
  }
  assert {
    condition     = jsondecode(aws_iam_role.github_apply[0].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:owner/repo:environment:ci"
    error_message = "another run than a deployment's gets the apply role"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.github_plan[0].policy).Statement : alltrue([for resource in statement.Resource : strcontains(resource, "ci_ci_pr_*") || endswith(resource, ":catalog") || strcontains(resource, ":workgroup/ci-test") || strcontains(resource, "/_athena/*") || strcontains(resource, "_moulin/*")])
      if !contains(["ListState", "ReadState", "LockState"], statement.Sid)
    ])
    error_message = "a pull request may change more than its own throw-away databases"
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.github_plan[0].policy).Statement : statement.Resource if statement.Sid == "LockState"][0] == ["arn:aws:s3:::states/ci/*.tflock"]
    error_message = "a pull request may write the state"
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.github_apply[0].policy).Statement : statement if statement.Sid == "KeepOwnRoles"][0].Effect == "Deny"
    error_message = "a deployment may change its own role"
  }
}

run "bounded_roles_only" {
  command = plan
  variables {
    github_repository    = "owner/repo"
    permissions_boundary = "arn:aws:iam::123456789012:policy/bounds"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.github_apply[0].policy).Statement : statement if statement.Sid == "OnlyBoundedRoles"][0].Condition.StringNotEquals["iam:PermissionsBoundary"] == "arn:aws:iam::123456789012:policy/bounds"
    error_message = "a deployment may make roles without bounds"
  }
}

run "a_repository_without_owner_is_refused" {
  command = plan
  variables {
    github_repository = "repo"
  }
  expect_failures = [var.github_repository]
}
