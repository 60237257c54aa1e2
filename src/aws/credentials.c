// Where credentials come from. Layer: aws. Threads: called with the session's lock held.
// Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers".

#include "aws/session.intern.h"

rc aws_credentials_find(struct aws_session *session, struct arena *arena,
                        struct aws_credentials *ret_credentials, struct err *err)
{
    (void)arena;
    const struct str key = aws_session_variable(session, "AWS_ACCESS_KEY_ID");
    const struct str secret = aws_session_variable(session, "AWS_SECRET_ACCESS_KEY");
    if (key.length == 0 || secret.length == 0) {
        err_set(err, RC_DENIED,
                "no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
                "are not set");
        return err_hint(err, "export AWS_PROFILE, or run aws sso login");
    }
    *ret_credentials = (struct aws_credentials){
        .access_key_id = key,
        .secret_access_key = secret,
        .session_token = aws_session_variable(session, "AWS_SESSION_TOKEN"),
        .account_id = aws_session_variable(session, "AWS_ACCOUNT_ID"),
        .source = "environment",
    };
    return RC_OK;
}
