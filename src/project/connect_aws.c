// The session of an environment's AWS calls. Apart from connect.c, so that what never calls AWS
// links nothing of it.

#include "aws/session.h"
#include "project/project.h"

rc project_aws(struct project *project, struct aws_session **ret_session, struct err *err)
{
    const struct project_environment *environment = project->environment;
    if (project->aws == NULL) {
        const struct aws_options options = {.region = environment->region,
                                            .profile = environment->profile,
                                            .endpoint_url = environment->endpoint_url,
                                            .role_arn = environment->role_arn};
        TRY_CONTEXT(aws_session_open(project->arena, &options, &project->aws, err), err,
                    "the environment %.*s", STR_ARGS(environment->name));
    }
    *ret_session = project->aws;
    return RC_OK;
}
