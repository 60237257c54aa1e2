// The account that an environment of moulin.yml points to: who calls, where, and whether buckets,
// databases and the work group answer. Layer: cli. Nothing is written: permissions to change are
// tried with calls about things that do not exist, which AWS refuses for the lack of permission
// first.

#include <stdlib.h>

#include "aws/client.h"
#include "aws/session.h"
#include "base/random.h"
#include "base/time.h"
#include "base/xml.h"
#include "cli/doctor.h"

#define MINUTE_US (60 * TIME_US_PER_SECOND)

// Signatures are refused beyond five minutes.
#define CLOCK_FAIL_US (5 * MINUTE_US)
#define CLOCK_WARN_US (1 * MINUTE_US)
#define EXPIRY_WARN_US (30 * MINUTE_US)

bool doctor_needs_aws(const struct project *project)
{
    const struct project_environment *e = project->environment;
    return str_has_prefix(e->warehouse, STR("s3")) || str_is(e->catalog.type, "glue") ||
           str_is(e->engine.type, "athena");
}

rc doctor_call(struct doctor *d, const struct aws_service *service, const struct aws_call *call,
               struct json *ret_answer, struct aws_failure *ret_failure, struct err *err)
{
    struct aws_client *client;
    struct http_response response;
    struct aws_failure ignored;
    if (ret_failure == NULL)
        ret_failure = &ignored;
    *ret_failure = (struct aws_failure){0};
    TRY(aws_client_open(d->arena, d->session, service, &client, err));
    const bool is_json =
        ret_answer != NULL && service->protocol != AWS_REST_XML && service->protocol != AWS_QUERY;
    return is_json ? aws_call_json(client, d->arena, call, ret_answer, ret_failure, err)
                   : aws_call(client, d->arena, call, &response, ret_failure, err);
}

struct str doctor_body(struct arena *arena, const char *key, struct str value)
{
    struct json body = {.kind = JSON_OBJECT};
    *json_object_set(arena, &body, str_of(key)) = json_of_str(value);
    return json_print(arena, &body, JSON_COMPACT);
}

static struct str named(struct doctor *d, const char *what, struct str name)
{
    return arena_printf(d->arena, "%s %.*s", what, STR_ARGS(name));
}

// ---- who and where

static rc check_region(struct doctor *d, struct err *err)
{
    struct err problem;
    if (aws_session_region(d->session, d->arena, &d->region, &problem) != RC_OK) {
        d->is_cut_off = true;
        return doctor_say_err(d, STR("region"), DOCTOR_FAIL, &problem,
                              "give the environment a region in moulin.yml", err);
    }
    const char *of_process = getenv("AWS_REGION");
    if (of_process != NULL && of_process[0] != '\0' && !str_is(d->region, of_process))
        return doctor_say(d, STR("region"), DOCTOR_WARN,
                          arena_printf(d->arena,
                                       "%.*s, as moulin.yml says; AWS_REGION is %s, which other "
                                       "tools will follow",
                                       STR_ARGS(d->region), of_process),
                          err);
    return doctor_say(d, STR("region"), DOCTOR_OK, d->region, err);
}

static rc check_credentials(struct doctor *d, struct err *err)
{
    struct aws_credentials credentials;
    struct err problem;
    if (d->is_cut_off)
        return RC_OK;
    if (aws_session_credentials(d->session, d->arena, &credentials, &problem) != RC_OK) {
        d->is_cut_off = true;
        return doctor_say_err(d, STR("credentials"), DOCTOR_FAIL, &problem, "", err);
    }
    if (credentials.expires_us == 0)
        return doctor_say(d, STR("credentials"), DOCTOR_OK,
                          arena_printf(d->arena, "from %s, without an end", credentials.source),
                          err);
    const int64_t left_us = credentials.expires_us - aws_session_now_us(d->session);
    return doctor_say(d, STR("credentials"), left_us < EXPIRY_WARN_US ? DOCTOR_WARN : DOCTOR_OK,
                      arena_printf(d->arena, "from %s, good for %lld minutes", credentials.source,
                                   (long long)(left_us / MINUTE_US)),
                      err);
}

static rc check_clock(struct doctor *d, const struct http_response *response, struct err *err)
{
    int64_t server_us = 0;
    struct err ignored;
    const struct str date = http_header_get(&response->headers, STR("Date"));
    if (date.bytes == NULL || time_parse_http_date(date, &server_us, &ignored) != RC_OK)
        return RC_OK;
    const int64_t skew_us = time_now_us() - server_us;
    const int64_t distance_us = skew_us < 0 ? -skew_us : skew_us;
    if (distance_us < CLOCK_WARN_US)
        return doctor_say(d, STR("clock"), DOCTOR_OK, STR("agrees with AWS's"), err);
    return doctor_say(d, STR("clock"), distance_us < CLOCK_FAIL_US ? DOCTOR_WARN : DOCTOR_FAIL,
                      arena_printf(d->arena,
                                   "%lld seconds %s AWS's; beyond 300 signatures are refused (set "
                                   "the machine's clock, best by NTP)",
                                   (long long)(distance_us / TIME_US_PER_SECOND),
                                   skew_us < 0 ? "behind" : "before"),
                      err);
}

/// "arn:aws:sts::123456789012:assumed-role/x/y": partition and account.
static void take_arn(struct doctor *d, struct str arn)
{
    struct str rest = arn, part;
    for (int i = 0; i < 5 && str_split_next(&rest, ':', &part); i++) {
        if (i == 1)
            d->partition = part;
        if (i == 4)
            d->account = part;
    }
}

static rc check_identity(struct doctor *d, struct err *err)
{
    const struct aws_call call = {.action = "GetCallerIdentity", .resource = STR("the caller")};
    struct aws_client *client;
    struct http_response response;
    struct err problem;
    const struct xml *root = NULL;
    if (d->is_cut_off)
        return RC_OK;
    TRY(aws_client_open(d->arena, d->session, &aws_sts, &client, err));
    rc code = aws_call(client, d->arena, &call, &response, NULL, &problem);
    if (code == RC_OK)
        code = xml_parse(d->arena, response.body, "the answer of STS", &root, &problem);
    if (code != RC_OK) {
        d->is_cut_off = true;
        return doctor_say_err(d, STR("identity"), DOCTOR_FAIL, &problem, "", err);
    }
    const struct str arn = xml_text(xml_path(root, "GetCallerIdentityResult"), "Arn");
    take_arn(d, arn);
    TRY(doctor_say(d, STR("identity"), DOCTOR_OK, arn, err));
    return check_clock(d, &response, err);
}

/// Addresses that are not AWS's own: what somebody set for a test and forgot.
static rc check_endpoints(struct doctor *d, struct err *err)
{
    static const struct aws_service *const services[] = {&aws_s3, &aws_glue, &aws_athena,
                                                         &aws_step_functions};
    struct str last = STR("");
    if (d->is_cut_off)
        return RC_OK;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        struct aws_endpoint endpoint;
        struct err problem;
        if (aws_session_endpoint(d->session, d->arena, services[i], STR(""), &endpoint, &problem) !=
            RC_OK)
            return doctor_say_err(d, STR("endpoint"), DOCTOR_FAIL, &problem, "", err);
        if (!endpoint.is_custom || str_equal(endpoint.url, last))
            continue;
        last = endpoint.url;
        TRY(doctor_say(d, named(d, "endpoint of", str_of(services[i]->name)), DOCTOR_WARN,
                       arena_printf(d->arena, "%.*s, not AWS's own", STR_ARGS(endpoint.url)), err));
    }
    return RC_OK;
}

// ---- buckets

/// S3 wants the body's hash even when there is none.
static const struct http_header empty_body[] = {
    {STR_INIT("x-amz-content-sha256"),
     STR_INIT("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")}};

static rc ask_bucket(struct doctor *d, struct str bucket, const char *action, const char *method,
                     const char *query, struct http_response *ret_response,
                     struct aws_failure *ret_failure, struct err *err)
{
    struct aws_client *client;
    const struct aws_call call = {
        .action = action,
        .resource = named(d, "bucket", bucket),
        .method = str_of(method),
        .path = arena_printf(d->arena, "/%.*s", STR_ARGS(bucket)),
        .query = str_of(query),
        .headers = empty_body,
        .header_count = 1,
        .permission = strcmp(method, "HEAD") == 0 ? "s3:ListBucket" : "s3:GetBucketVersioning",
    };
    TRY(aws_client_open(d->arena, d->session, &aws_s3, &client, err));
    *ret_failure = (struct aws_failure){0};
    return aws_call(client, d->arena, &call, ret_response, ret_failure, err);
}

static rc check_versioning(struct doctor *d, struct str what, struct str bucket, struct err *err)
{
    struct http_response response;
    struct aws_failure failure;
    struct err problem;
    const struct xml *root = NULL;
    if (ask_bucket(d, bucket, "GetBucketVersioning", "GET", "versioning=", &response, &failure,
                   &problem) != RC_OK)
        return doctor_say_err(d, what, DOCTOR_WARN, &problem, "", err);
    if (xml_parse(d->arena, response.body, "the answer of S3", &root, &problem) == RC_OK &&
        str_is(xml_text(root, "Status"), "Enabled"))
        return doctor_say(d, what, DOCTOR_OK, STR("is there, versioned"), err);
    return doctor_say(d, what, DOCTOR_WARN,
                      STR("is there, but keeps no versions: what is deleted by mistake is lost "
                          "(make deploy turns versioning on)"),
                      err);
}

static rc check_bucket(struct doctor *d, struct str bucket, struct err *err)
{
    struct http_response response;
    struct aws_failure failure;
    struct err problem;
    const struct str what = named(d, "bucket", bucket);
    const rc code = ask_bucket(d, bucket, "HeadBucket", "HEAD", "", &response, &failure, &problem);
    if (code != RC_OK && failure.status == 301)
        return doctor_say(d, what, DOCTOR_FAIL,
                          arena_printf(d->arena,
                                       "is not in %.*s (set the region of the environment in "
                                       "moulin.yml to the bucket's)",
                                       STR_ARGS(d->region)),
                          err);
    if (code == RC_NOT_FOUND)
        return doctor_say(d, what, DOCTOR_FAIL, STR("is not there (make deploy makes it)"), err);
    if (code != RC_OK)
        return doctor_say_err(d, what, DOCTOR_FAIL, &problem, "", err);
    const struct str region = http_header_get(&response.headers, STR("x-amz-bucket-region"));
    if (region.bytes != NULL && region.length > 0 && !str_equal(region, d->region))
        return doctor_say(d, what, DOCTOR_WARN,
                          arena_printf(d->arena,
                                       "is in %.*s, the environment in %.*s: transfers between "
                                       "regions are slow and cost",
                                       STR_ARGS(region), STR_ARGS(d->region)),
                          err);
    return check_versioning(d, what, bucket, err);
}

/// "s3://bucket/key" -> "bucket"; "" for another URI.
static struct str bucket_of(struct str uri)
{
    const size_t colon = str_find(uri, STR("://"));
    if (!str_has_prefix(uri, STR("s3")) || colon == SIZE_MAX)
        return STR("");
    const struct str rest = str_slice(uri, colon + 3, SIZE_MAX);
    return str_slice(rest, 0, str_find_byte(rest, '/'));
}

static rc check_buckets(struct doctor *d, struct err *err)
{
    const struct project_environment *e = d->project->environment;
    str_vec buckets = {0};
    if (d->is_cut_off)
        return RC_OK;
    for (size_t i = 0; i <= e->namespace_count; i++) {
        const struct str bucket = bucket_of(i == 0 ? e->warehouse : e->namespaces[i - 1].location);
        bool is_known = bucket.length == 0;
        for (size_t k = 0; k < buckets.count && !is_known; k++)
            is_known = str_equal(buckets.items[k], bucket);
        if (!is_known)
            *vec_push(d->arena, &buckets) = bucket;
    }
    for (size_t i = 0; i < buckets.count; i++) {
        const size_t before = d->failures;
        TRY(check_bucket(d, buckets.items[i], err));
        d->has_no_bucket |=
            d->failures > before && str_equal(buckets.items[i], bucket_of(e->warehouse));
    }
    return RC_OK;
}

// ---- Glue

static struct str catalog_id_member(const struct doctor *d)
{
    const struct str id = d->project->environment->catalog.id;
    return id.length == 0 ? STR("")
                          : arena_printf(d->arena, "\"CatalogId\":\"%.*s\",", STR_ARGS(id));
}

/// Updating a table that does not exist: AWS looks at the permission first.
static rc may_change_tables(struct doctor *d, struct str what, struct str database,
                            struct str location, struct err *err)
{
    struct aws_failure failure;
    struct err problem;
    const struct str body = arena_printf(
        d->arena,
        "{%.*s\"DatabaseName\":\"%.*s\",\"TableInput\":{\"Name\":\"moulin_doctor_%.*s\"}}",
        STR_ARGS(catalog_id_member(d)), STR_ARGS(database),
        STR_ARGS(str_replace(d->arena, random_uuid(d->arena), STR("-"), STR("_"))));
    const struct aws_call call = {
        .action = "UpdateTable", .resource = named(d, "tables of", database), .body = body};
    const rc code = doctor_call(d, &aws_glue, &call, NULL, &failure, &problem);
    if (code == RC_DENIED)
        return doctor_say_err(d, what, DOCTOR_WARN, &problem,
                              "you may read it; to write tables allow glue:CreateTable, "
                              "glue:UpdateTable and glue:DeleteTable",
                              err);
    // Anything but "no such table" is not about the permission, and will show when tables are
    // written.
    return doctor_say(d, what, DOCTOR_OK,
                      location.length > 0
                          ? arena_printf(d->arena, "is there, at %.*s", STR_ARGS(location))
                          : STR("is there"),
                      err);
}

static rc check_database(struct doctor *d, struct str database, struct err *err)
{
    struct json answer;
    struct err problem;
    const struct str what = named(d, "Glue database", database);
    const struct aws_call call = {.action = "GetDatabase",
                                  .resource = named(d, "database", database),
                                  .body = arena_printf(d->arena, "{%.*s\"Name\":\"%.*s\"}",
                                                       STR_ARGS(catalog_id_member(d)),
                                                       STR_ARGS(database))};
    const rc code = doctor_call(d, &aws_glue, &call, &answer, NULL, &problem);
    if (code == RC_NOT_FOUND)
        return doctor_say(d, what, DOCTOR_FAIL, STR("is not there (make deploy makes it)"), err);
    if (code != RC_OK)
        return doctor_say_err(d, what, DOCTOR_FAIL, &problem, "", err);
    return may_change_tables(d, what, database,
                             json_str(json_path(&answer, "Database", "LocationUri"), STR("")), err);
}

static rc check_databases(struct doctor *d, struct err *err)
{
    const struct project_environment *e = d->project->environment;
    if (d->is_cut_off || !str_is(e->catalog.type, "glue"))
        return RC_OK;
    TRY(check_database(d, d->project->landing.namespace_name, err));
    for (size_t i = 0; i < e->namespace_count; i++) {
        const struct str name = project_namespace_of(d->project, d->arena, e->namespaces[i].name);
        if (!str_equal(name, d->project->landing.namespace_name))
            TRY(check_database(d, name, err));
    }
    return RC_OK;
}

// ---- Athena

static rc check_work_group(struct doctor *d, struct err *err)
{
    const struct project_environment *e = d->project->environment;
    struct json answer;
    struct err problem;
    if (d->is_cut_off || !str_is(e->engine.type, "athena"))
        return RC_OK;
    const struct str name =
        json_str(json_get(&e->engine.properties, STR("work_group")), STR("primary"));
    const struct str what = named(d, "Athena work group", name);
    const struct aws_call call = {.action = "GetWorkGroup",
                                  .resource = named(d, "work group", name),
                                  .body = doctor_body(d->arena, "WorkGroup", name)};
    const rc code = doctor_call(d, &aws_athena, &call, &answer, NULL, &problem);
    // Athena calls a missing work group an invalid request.
    if (code == RC_NOT_FOUND || code == RC_INVALID)
        return doctor_say(d, what, DOCTOR_FAIL, STR("is not there (make deploy makes it)"), err);
    if (code != RC_OK)
        return doctor_say_err(d, what, DOCTOR_FAIL, &problem, "", err);
    const struct json *group = json_get(&answer, STR("WorkGroup"));
    const struct str output = json_str(
        json_path(group, "Configuration", "ResultConfiguration", "OutputLocation"), STR(""));
    if (str_is(json_str(json_get(group, STR("State")), STR("")), "DISABLED"))
        return doctor_say(d, what, DOCTOR_FAIL, STR("is switched off (enable it in Athena)"), err);
    if (output.length == 0)
        return doctor_say(d, what, DOCTOR_FAIL,
                          STR("has no place for results (give it an output location; make deploy "
                              "does)"),
                          err);
    return doctor_say(d, what, DOCTOR_OK,
                      arena_printf(d->arena, "is enabled, results go to %.*s", STR_ARGS(output)),
                      err);
}

rc doctor_check_account(struct doctor *d, struct err *err)
{
    static rc (*const checks[])(struct doctor * d, struct err * err) = {
        check_region,  check_credentials, check_identity,  check_endpoints,
        check_buckets, check_databases,   check_work_group};
    struct err problem;
    if (!doctor_needs_aws(d->project))
        return RC_OK;
    if (project_aws(d->project, &d->session, &problem) != RC_OK) {
        d->is_cut_off = true;
        return doctor_say_err(d, STR("AWS"), DOCTOR_FAIL, &problem, "", err);
    }
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        TRY(checks[i](d, err));
    return RC_OK;
}
