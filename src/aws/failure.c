// What a service means when it refuses. Layer: aws. Threads: pure functions.
// Sources: botocore parsers.py and retries/standard.py; the error pages of the services used.

#include "aws/failure.h"

#include <stdio.h>

#include "base/json.h"
#include "base/xml.h"

static void copy_text(char *to, size_t to_bytes, struct str text)
{
    snprintf(to, to_bytes, "%.*s", STR_ARGS(str_slice(text, 0, to_bytes - 1)));
}

#define COPY(to, text) copy_text((to), sizeof(to), (text))

// --- reading an answer -------------------------------------------------------------------------

// "aws.protocoltests#Code:http://..." is "Code".
static struct str bare_code(struct str text)
{
    text = str_trim(str_slice(text, 0, str_find_byte(text, ':')));
    const size_t hash = str_find_last_byte(text, '#');
    return hash == SIZE_MAX ? text : str_slice(text, hash + 1, text.length);
}

static struct str first_text(const struct json *object, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        const struct json *value = json_get(object, str_of(*keys));
        if (value != NULL && value->kind == JSON_STRING)
            return value->text;
    }
    return STR("");
}

static void read_json(struct arena *arena, const struct http_response *response,
                      struct aws_failure *to)
{
    struct json body = {0};
    if (json_parse(arena, response->body, "answer", &body, NULL) != RC_OK)
        body = (struct json){0};
    struct str code = http_header_get(&response->headers, STR("x-amzn-errortype"));
    if (code.length == 0)
        code = first_text(&body, (const char *const[]){"__type", "code", "Code", NULL});
    COPY(to->code, bare_code(code));
    COPY(to->message,
         first_text(&body, (const char *const[]){"message", "Message", "errorMessage", NULL}));
}

static void read_xml(struct arena *arena, const struct http_response *response,
                     struct aws_failure *to)
{
    const struct xml *root;
    if (xml_parse(arena, response->body, "answer", &root, NULL) != RC_OK)
        return;
    const struct xml *error = str_is(root->name, "Error") ? root : xml_get(root, "Error");
    if (error == NULL)
        error = xml_path(root, "Errors", "Error");
    COPY(to->code, xml_text(error, "Code"));
    COPY(to->message, xml_text(error, "Message"));
    struct str id = xml_text(root, "RequestId");
    COPY(to->request_id, id.length > 0 ? id : xml_text(root, "RequestID"));
}

// What a status says when the body is silent, in S3's words.
static const struct {
    int status;
    const char *code;
} status_codes[] = {
    {301, "PermanentRedirect"},  {304, "NotModified"},      {307, "TemporaryRedirect"},
    {400, "BadRequest"},         {401, "Unauthorized"},     {403, "Forbidden"},
    {404, "NotFound"},           {405, "MethodNotAllowed"}, {409, "Conflict"},
    {412, "PreconditionFailed"}, {413, "EntityTooLarge"},   {416, "InvalidRange"},
    {429, "TooManyRequests"},    {500, "InternalError"},    {503, "ServiceUnavailable"},
};

static void name_by_status(struct aws_failure *to)
{
    for (size_t i = 0; i < sizeof status_codes / sizeof *status_codes; i++)
        if (status_codes[i].status == to->status) {
            COPY(to->code, str_of(status_codes[i].code));
            return;
        }
    snprintf(to->code, sizeof to->code, "HTTP %d", to->status);
}

// --- what may help -----------------------------------------------------------------------------

static const struct {
    const char *code;
    enum aws_remedy remedy;
} remedies[] = {
    {"Throttling", AWS_REMEDY_SLOW},
    {"ThrottlingException", AWS_REMEDY_SLOW},
    {"ThrottledException", AWS_REMEDY_SLOW},
    {"RequestThrottledException", AWS_REMEDY_SLOW},
    {"RequestThrottled", AWS_REMEDY_SLOW},
    {"TooManyRequests", AWS_REMEDY_SLOW},
    {"TooManyRequestsException", AWS_REMEDY_SLOW},
    {"ProvisionedThroughputExceededException", AWS_REMEDY_SLOW},
    {"TransactionInProgressException", AWS_REMEDY_SLOW},
    {"RequestLimitExceeded", AWS_REMEDY_SLOW},
    {"BandwidthLimitExceeded", AWS_REMEDY_SLOW},
    {"LimitExceededException", AWS_REMEDY_SLOW},
    {"SlowDown", AWS_REMEDY_SLOW},
    {"PriorRequestNotComplete", AWS_REMEDY_SLOW},
    {"EC2ThrottledException", AWS_REMEDY_SLOW},
    {"RequestTimeout", AWS_REMEDY_WAIT},
    {"RequestTimeoutException", AWS_REMEDY_WAIT},
    {"InternalError", AWS_REMEDY_WAIT},
    {"InternalFailure", AWS_REMEDY_WAIT},
    {"InternalServerError", AWS_REMEDY_WAIT},
    {"InternalServerException", AWS_REMEDY_WAIT},
    {"InternalServiceException", AWS_REMEDY_WAIT},
    {"InternalServiceError", AWS_REMEDY_WAIT},
    {"ServiceUnavailable", AWS_REMEDY_WAIT},
    {"ServiceUnavailableException", AWS_REMEDY_WAIT},
    {"IDPCommunicationError", AWS_REMEDY_WAIT},
    {"RequestTimeTooSkewed", AWS_REMEDY_CLOCK},
    {"RequestExpired", AWS_REMEDY_CLOCK},
    {"RequestInTheFuture", AWS_REMEDY_CLOCK},
    {"InvalidSignatureException", AWS_REMEDY_CLOCK},
    {"SignatureDoesNotMatch", AWS_REMEDY_CLOCK},
    {"AuthFailure", AWS_REMEDY_CLOCK},
    {"ExpiredToken", AWS_REMEDY_REFRESH},
    {"ExpiredTokenException", AWS_REMEDY_REFRESH},
    {"TokenRefreshRequired", AWS_REMEDY_REFRESH},
};

static enum aws_remedy remedy_of(const struct aws_failure *failure)
{
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
        if (strcmp(remedies[i].code, failure->code) == 0)
            return remedies[i].remedy;
    if (failure->status == 429)
        return AWS_REMEDY_SLOW;
    return failure->status == 500 || (failure->status >= 502 && failure->status <= 504)
               ? AWS_REMEDY_WAIT
               : AWS_REMEDY_NONE;
}

void aws_failure_read(enum aws_protocol protocol, const struct http_response *response,
                      struct aws_failure *ret_failure)
{
    struct aws_failure failure = {.status = response->status};
    struct arena *arena = arena_open(NULL);
    if (protocol == AWS_QUERY || protocol == AWS_REST_XML)
        read_xml(arena, response, &failure);
    else
        read_json(arena, response, &failure);
    static const char *const ids[] = {"x-amzn-requestid", "x-amz-request-id"};
    for (size_t i = 0; i < 2 && failure.request_id[0] == '\0'; i++)
        COPY(failure.request_id, http_header_get(&response->headers, str_of(ids[i])));
    arena_close(arena);
    if (failure.code[0] == '\0')
        name_by_status(&failure);
    failure.remedy = remedy_of(&failure);
    failure.is_unknown = failure.status >= 500 && failure.remedy != AWS_REMEDY_SLOW;
    *ret_failure = failure;
}

void aws_failure_of_error(const struct err *err, struct aws_failure *ret_failure)
{
    struct aws_failure failure = {.is_unknown = !err->is_unsent};
    COPY(failure.message, str_of(err->message));
    failure.remedy = err->is_retryable ? AWS_REMEDY_WAIT : AWS_REMEDY_NONE;
    *ret_failure = failure;
}

bool aws_failure_is(const struct aws_failure *failure, const char *code)
{
    return strcmp(failure->code, code) == 0;
}

// --- classes -----------------------------------------------------------------------------------

// Looked through in this order; `part` is found anywhere in the code.
static const struct {
    const char *part;
    rc code;
} classes[] = {
    {"AccessDenied", RC_DENIED},
    {"Unauthorized", RC_DENIED},
    {"NotAuthorized", RC_DENIED},
    {"Forbidden", RC_DENIED},
    {"UnrecognizedClient", RC_DENIED},
    {"InvalidClientTokenId", RC_DENIED},
    {"InvalidAccessKeyId", RC_DENIED},
    {"InvalidToken", RC_DENIED},
    {"ExpiredToken", RC_DENIED},
    {"TokenRefreshRequired", RC_DENIED},
    {"InvalidSignature", RC_DENIED},
    {"IncompleteSignature", RC_DENIED},
    {"SignatureDoesNotMatch", RC_DENIED},
    {"MissingAuthenticationToken", RC_DENIED},
    {"OptInRequired", RC_DENIED},
    {"AuthFailure", RC_DENIED},
    {"RequestTimeTooSkewed", RC_DENIED},
    {"RequestExpired", RC_DENIED},
    {"RequestInTheFuture", RC_DENIED},
    {"AlreadyExists", RC_EXISTS},
    {"AlreadyOwnedByYou", RC_EXISTS},
    {"ResourceExists", RC_EXISTS},
    {"ConcurrentModification", RC_CONFLICT},
    {"PreconditionFailed", RC_CONFLICT},
    {"ConditionalRequestConflict", RC_CONFLICT},
    {"OperationAborted", RC_CONFLICT},
    {"Conflict", RC_CONFLICT},
    {"NotFound", RC_NOT_FOUND},
    {"NoSuch", RC_NOT_FOUND},
    {"DoesNotExist", RC_NOT_FOUND},
    {"NotExist", RC_NOT_FOUND},
    {"LimitExceeded", RC_LIMIT},
    {"QuotaExceeded", RC_LIMIT},
    {"NumberLimit", RC_LIMIT},
    {"TooLarge", RC_LIMIT},
    {"Validation", RC_INVALID},
    {"InvalidParameter", RC_INVALID},
    {"InvalidInput", RC_INVALID},
    {"InvalidRequest", RC_INVALID},
    {"InvalidArgument", RC_INVALID},
    {"Malformed", RC_INVALID},
    {"SerializationException", RC_INVALID},
    {"InvalidArn", RC_INVALID},
    {"InvalidExecutionInput", RC_INVALID},
    {"InvalidName", RC_INVALID},
};

rc aws_failure_class(const struct aws_failure *failure)
{
    // Throttling has names with "LimitExceeded", which are no quota of ours.
    if (failure->remedy == AWS_REMEDY_SLOW && !aws_failure_is(failure, "LimitExceededException"))
        return RC_HTTP;
    const struct str code = str_of(failure->code);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_contains(code, str_of(classes[i].part)))
            return classes[i].code;
    return failure->status == 403 || failure->status == 401 ? RC_DENIED : RC_HTTP;
}

// --- for the person ----------------------------------------------------------------------------

// The piece of `text` between two marks; "" when the first is not there.
static struct str between(struct str text, struct str before, struct str after)
{
    const size_t at = str_find(text, before);
    if (at == SIZE_MAX)
        return STR("");
    const struct str rest = str_slice(text, at + before.length, text.length);
    return str_trim(str_slice(rest, 0, str_find(rest, after)));
}

// AWS: "User: arn:... is not authorized to perform: glue:GetTable on resource: arn:... because no
// identity-based policy allows ...".
static rc hint_permission(const struct aws_failure *failure, const struct aws_asked *asked,
                          struct err *err)
{
    const struct str text = str_of(failure->message);
    char own[128];
    snprintf(own, sizeof own, "%s:%s", asked->service, asked->action);
    if (asked->permission != NULL)
        snprintf(own, sizeof own, "%s", asked->permission);
    struct str permission = between(text, STR("authorized to perform: "), STR(" "));
    struct str resource = between(text, STR("on resource: "), STR(" "));
    const struct str who = between(text, STR("User: "), STR(" "));
    if (permission.length == 0)
        permission = str_of(own);
    if (resource.length == 0)
        resource = asked->resource;
    if (str_contains(text, STR("explicit deny")))
        return err_hint(err,
                        "a policy denies %.*s explicitly: look for Deny in the policies of "
                        "%.*s%s and of the organization",
                        STR_ARGS(permission), STR_ARGS(who),
                        who.length > 0 ? "" : "the caller, of the resource");
    return err_hint(err, "allow %.*s%s%.*s in a policy of %.*s%s", STR_ARGS(permission),
                    resource.length > 0 ? " on " : "", STR_ARGS(resource), STR_ARGS(who),
                    who.length > 0 ? "" : "the role or user that runs this");
}

// Codes whose remedy is the same wherever they come from.
static const struct {
    const char *code, *hint;
} code_hints[] = {
    {"ExpiredToken", "the credentials are expired: renew them (aws sso login, or export new ones)"},
    {"ExpiredTokenException",
     "the credentials are expired: renew them (aws sso login, or export new ones)"},
    {"UnrecognizedClientException",
     "AWS does not know this access key: is it of another account or partition, deleted, or is "
     "AWS_SESSION_TOKEN missing?"},
    {"InvalidClientTokenId",
     "AWS does not know this access key: is it of another account or partition, deleted, or is "
     "AWS_SESSION_TOKEN missing?"},
    {"InvalidAccessKeyId",
     "this service does not know the access key: is it deleted, or of another account or server?"},
    {"SignatureDoesNotMatch", "is the secret access key right, and this machine's clock?"},
    {"InvalidSignatureException", "is the secret access key right, and this machine's clock?"},
    {"RequestTimeTooSkewed", "set this machine's clock"},
    {"RequestExpired", "set this machine's clock"},
    {"RequestInTheFuture", "set this machine's clock"},
    {"OptInRequired", "the account is not signed up for the service, or the region is disabled"},
};

static rc add_hint(rc code, const struct aws_failure *failure, const struct aws_asked *asked,
                   struct err *err)
{
    for (size_t i = 0; i < sizeof code_hints / sizeof *code_hints; i++)
        if (aws_failure_is(failure, code_hints[i].code))
            return err_hint(err, "%s", code_hints[i].hint);
    if (code == RC_DENIED)
        return hint_permission(failure, asked, err);
    if (code == RC_NOT_FOUND && asked->region.length > 0)
        return err_hint(err, "region %.*s was asked: is it there, in this account, and deployed?",
                        STR_ARGS(asked->region));
    if (failure->remedy == AWS_REMEDY_SLOW)
        return err_hint(err, "the service limits the rate: run fewer things at once, or ask AWS "
                             "for a higher quota");
    return code;
}

rc aws_failure_error(const struct aws_failure *failure, const struct aws_asked *asked,
                     struct err *err)
{
    const rc code = aws_failure_class(failure);
    err_set(err, code, "%s:%s%s%.*s: %s%s%s%s%s%s", asked->service, asked->action,
            asked->resource.length > 0 ? ", " : "", STR_ARGS(asked->resource), failure->code,
            failure->message[0] != '\0' ? ": " : "", failure->message,
            failure->request_id[0] != '\0' ? " (request id " : "", failure->request_id,
            failure->request_id[0] != '\0' ? ")" : "");
    if (err != NULL) {
        err->http_status = failure->status;
        err->is_retryable =
            failure->remedy == AWS_REMEDY_WAIT || failure->remedy == AWS_REMEDY_SLOW;
    }
    return add_hint(code, failure, asked, err);
}
