// The services that are called: names, addresses, protocols. Layer: aws.
// Source: botocore's models (metadata of each service-2.json).

#include "aws/client.h"

const struct aws_service aws_s3 = {"s3", "S3", "s3", "s3", "", "2006-03-01", AWS_REST_XML};
const struct aws_service aws_sts = {"sts", "STS", "sts", "sts", "", "2011-06-15", AWS_QUERY};
const struct aws_service aws_sns = {"sns", "SNS", "sns", "sns", "", "2010-03-31", AWS_QUERY};
const struct aws_service aws_iam = {"iam", "IAM", "iam", "iam", "", "2010-05-08", AWS_QUERY};
const struct aws_service aws_glue = {"glue", "GLUE", "glue", "glue", "AWSGlue", "", AWS_JSON_1_1};
const struct aws_service aws_athena = {"athena",       "ATHENA", "athena",    "athena",
                                       "AmazonAthena", "",       AWS_JSON_1_1};
const struct aws_service aws_secrets_manager = {
    "secretsmanager", "SECRETS_MANAGER", "secretsmanager", "secretsmanager", "secretsmanager", "",
    AWS_JSON_1_1};
const struct aws_service aws_ssm = {"ssm", "SSM", "ssm", "ssm", "AmazonSSM", "", AWS_JSON_1_1};
const struct aws_service aws_step_functions = {"states",           "SFN", "states",    "states",
                                               "AWSStepFunctions", "",    AWS_JSON_1_0};
const struct aws_service aws_ecs = {
    "ecs", "ECS", "ecs", "ecs", "AmazonEC2ContainerServiceV20141113", "", AWS_JSON_1_1};
const struct aws_service aws_logs = {"logs", "CLOUDWATCH_LOGS", "logs", "logs", "Logs_20140328",
                                     "",     AWS_JSON_1_1};
const struct aws_service aws_ecr = {
    "ecr", "ECR", "api.ecr", "ecr", "AmazonEC2ContainerRegistry_V20150921", "", AWS_JSON_1_1};
const struct aws_service aws_lambda = {"lambda", "LAMBDA",     "lambda",     "lambda",
                                       "",       "2015-03-31", AWS_REST_JSON};
const struct aws_service aws_sso = {"sso", "SSO",        "portal.sso", "awsssoportal",
                                    "",    "2019-06-10", AWS_REST_JSON};
const struct aws_service aws_sso_oidc = {"sso-oidc", "SSO_OIDC",   "oidc",       "sso-oauth",
                                         "",         "2019-06-10", AWS_REST_JSON};
