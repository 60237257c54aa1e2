# Credentials of the source chess: {{ secret('chess/KEY') }} in its source.yml. Only its own role can read them.

module "chess_secrets" {
  source         = "./modules/secret"
  name           = "${local.secret_prefix}chess"
  type           = local.secret_type
  parameter_path = "/${trimsuffix(local.secret_prefix, "-")}/chess"
  recovery_days  = var.allow_destroy ? 0 : 30
}
