// What `make deploy` makes in the account, and what it needs on this machine. Layer: cli.
// Names are those of the template's Terraform: <environment>-<source>-ingestion,
// <environment>-<workflow>_pipeline, /<environment>/dbt_task_definition. Only reading calls;
// secrets are asked for by name, never for their value.

#include "aws/client.h"
#include "base/fs.h"
#include "base/process.h"
#include "base/time.h"
#include "cli/doctor.h"
#include "cli/package.h"
#include "flow/workflow.h"
#include "ingest/source/source_file.h"

enum {
    TERRAFORM_MAJOR = 1,
    TERRAFORM_MINOR = 11, // S3 state with a lock file of its own
    CONCURRENCY_LOW = 10,
    CODE_PERCENT_HIGH = 90,
    MAX_NESTING = 64,
};

static struct str text_of(const struct json *value, const char *key)
{
    return json_str(json_get(value, str_of(key)), STR(""));
}

/// What is missing is made by make deploy; what is denied names its permission.
static rc say_absent(struct doctor *d, struct str what, rc code, const struct err *problem,
                     struct err *err)
{
    if (code == RC_NOT_FOUND)
        return doctor_say(d, what, DOCTOR_FAIL, STR("is not there (make deploy makes it)"), err);
    return doctor_say_err(d, what, DOCTOR_FAIL, problem, "", err);
}

// ---- secrets

/// The names in secret('...') of a text, each once.
static void find_secrets(struct arena *arena, struct str text, str_vec *names)
{
    const struct str call = STR("secret(");
    for (;;) {
        const size_t at = str_find(text, call);
        if (at == SIZE_MAX)
            return;
        text = str_slice(text, at + call.length, SIZE_MAX);
        struct str rest = str_trim(text);
        if (rest.length < 2 || (rest.bytes[0] != '\'' && rest.bytes[0] != '"'))
            continue;
        const char quote = rest.bytes[0];
        rest = str_slice(rest, 1, SIZE_MAX);
        const size_t end = str_find_byte(rest, quote);
        if (end == SIZE_MAX || end == 0)
            continue;
        // one secret holds all keys of a source: chess/api_key and chess/user are the secret chess
        const struct str name = str_slice(rest, 0, end);
        bool is_known = false;
        for (size_t i = 0; i < names->count && !is_known; i++)
            is_known = str_equal(names->items[i], name);
        if (!is_known)
            *vec_push(arena, names) = arena_str(arena, name);
    }
}

static rc secrets_of_project(struct doctor *d, str_vec *ret_names, struct err *err)
{
    str_vec sources = {0}, names = {0};
    struct str path, text;
    TRY(source_file_names(d->project, d->arena, &sources, err));
    for (size_t i = 0; i < sources.count; i++) {
        TRY(source_file_path(d->project, d->arena, sources.items[i], &path, err));
        TRY(fs_read(d->arena, path, SOURCE_FILE_MAX_BYTES, &text, err));
        find_secrets(d->arena, text, &names);
    }
    *ret_names = names;
    return RC_OK;
}

static rc check_secret(struct doctor *d, struct str name, struct err *err)
{
    struct json answer;
    struct err problem;
    const struct str what = arena_printf(d->arena, "secret %.*s", STR_ARGS(name));
    const struct aws_call call = {.action = "DescribeSecret",
                                  .resource = what,
                                  .body = doctor_body(d->arena, "SecretId", name)};
    const rc code = doctor_call(d, &aws_secrets_manager, &call, &answer, NULL, &problem);
    if (code != RC_OK)
        return say_absent(d, what, code, &problem, err);
    const struct json *versions = json_get(&answer, STR("VersionIdsToStages"));
    if (versions == NULL || versions->count == 0)
        return doctor_say(d, what, DOCTOR_FAIL,
                          arena_printf(d->arena,
                                       "is there but holds nothing (aws secretsmanager "
                                       "put-secret-value --secret-id %.*s --secret-string ...)",
                                       STR_ARGS(name)),
                          err);
    return doctor_say(d, what, DOCTOR_OK, STR("is there and holds a value"), err);
}

static rc check_parameter(struct doctor *d, struct str name, struct str *ret_value, struct err *err)
{
    struct json answer;
    struct err problem;
    const struct str what = arena_printf(d->arena, "parameter %.*s", STR_ARGS(name));
    const struct aws_call call = {
        .action = "GetParameter", .resource = what, .body = doctor_body(d->arena, "Name", name)};
    const rc code = doctor_call(d, &aws_ssm, &call, &answer, NULL, &problem);
    if (code != RC_OK)
        return say_absent(d, what, code, &problem, err);
    *ret_value = json_str(json_path(&answer, "Parameter", "Value"), STR(""));
    return doctor_say(d, what, DOCTOR_OK, STR("is there"), err);
}

/// As project/secrets_aws.c names them: one secret per source, or one parameter per key.
static struct str name_in_aws(struct doctor *d, struct str name, bool is_parameter)
{
    struct str prefix = d->project->environment->secrets.prefix;
    if (!is_parameter)
        return str_concat(d->arena, prefix, str_slice(name, 0, str_find_byte(name, '/')));
    while (str_has_suffix(prefix, STR("-")) || str_has_suffix(prefix, STR("/")))
        prefix.length--;
    return arena_printf(d->arena, "%s%.*s/%.*s", str_has_prefix(prefix, STR("/")) ? "" : "/",
                        STR_ARGS(prefix), STR_ARGS(name));
}

static rc check_secrets(struct doctor *d, struct err *err)
{
    const struct str type = d->project->environment->secrets.type;
    const bool is_parameter = str_is(type, "ssm");
    str_vec names = {0}, asked = {0};
    struct err problem;
    if (secrets_of_project(d, &names, &problem) != RC_OK)
        return doctor_say_err(d, STR("secrets"), DOCTOR_FAIL, &problem, "", err);
    if (names.count > 0 && type.length == 0)
        return doctor_say(d, STR("secrets"), DOCTOR_WARN,
                          STR("are asked for by source.yml, and moulin.yml says nothing of where "
                              "this environment keeps them (secrets: {type: secretsmanager})"),
                          err);
    for (size_t i = 0; i < names.count; i++) {
        const struct str name = name_in_aws(d, names.items[i], is_parameter);
        struct str ignored;
        bool is_known = false;
        for (size_t k = 0; k < asked.count && !is_known; k++)
            is_known = str_equal(asked.items[k], name);
        if (is_known)
            continue;
        *vec_push(d->arena, &asked) = name;
        TRY(is_parameter ? check_parameter(d, name, &ignored, err) : check_secret(d, name, err));
    }
    return RC_OK;
}

// ---- Lambda

static rc read_function(struct doctor *d, struct str function, const char *action,
                        struct json *ret_answer, struct err *err)
{
    const struct aws_call call = {
        .action = action,
        .resource = arena_printf(d->arena, "function %.*s", STR_ARGS(function)),
        .method = STR("GET"),
        .path = function.length == 0
                    ? STR("/2016-08-19/account-settings/")
                    : arena_printf(d->arena, "/2015-03-31/functions/%.*s/configuration",
                                   STR_ARGS(function))};
    return doctor_call(d, &aws_lambda, &call, ret_answer, NULL, err);
}

/// A source that runs as a task has a task definition instead of a function.
static rc check_source_task(struct doctor *d, struct str what, struct str family, struct err *err)
{
    struct json answer;
    struct err problem;
    const struct aws_call call = {.action = "DescribeTaskDefinition",
                                  .resource = family,
                                  .body = doctor_body(d->arena, "taskDefinition", family)};
    if (doctor_call(d, &aws_ecs, &call, &answer, NULL, &problem) != RC_OK)
        return doctor_say(d, what, DOCTOR_FAIL,
                          STR("there is no function and no task of this name (make deploy makes "
                              "it)"),
                          err);
    return doctor_say(d, what, DOCTOR_OK, STR("runs as an ECS task"), err);
}

/// A zip is packed from the libraries of this machine.
static rc check_architecture(struct doctor *d, struct str function, struct str package,
                             struct str architecture, struct err *err)
{
    if (!str_is(package, "Zip") || str_equal(architecture, package_arch()))
        return RC_OK;
    return doctor_say(
        d, STR("moulin package"), DOCTOR_WARN,
        arena_printf(d->arena,
                     "%.*s runs on %.*s, this machine is %.*s: make its package on such a machine, "
                     "or with --runtime from one that was made there",
                     STR_ARGS(function), STR_ARGS(architecture), STR_ARGS(package_arch())),
        err);
}

static rc check_function(struct doctor *d, struct str source, struct err *err)
{
    struct json answer;
    struct err problem;
    const struct str name = arena_printf(d->arena, "%.*s-%.*s-ingestion",
                                         STR_ARGS(d->project->environment->name), STR_ARGS(source));
    const struct str what = arena_printf(d->arena, "function %.*s", STR_ARGS(name));
    const rc code = read_function(d, name, "GetFunctionConfiguration", &answer, &problem);
    if (code == RC_NOT_FOUND)
        return check_source_task(d, what, name, err);
    if (code != RC_OK)
        return doctor_say_err(d, what, DOCTOR_FAIL, &problem, "", err);
    const struct str state = text_of(&answer, "State"),
                     update = text_of(&answer, "LastUpdateStatus");
    if (str_is(state, "Failed") || str_is(update, "Failed"))
        return doctor_say(d, what, DOCTOR_FAIL,
                          arena_printf(d->arena, "%.*s %.*s (deploy it again: make deploy)",
                                       STR_ARGS(text_of(&answer, "StateReason")),
                                       STR_ARGS(text_of(&answer, "LastUpdateStatusReason"))),
                          err);
    const struct json *architectures = json_get(&answer, STR("Architectures"));
    const struct str architecture =
        architectures != NULL && architectures->kind == JSON_ARRAY && architectures->count > 0
            ? json_str(&architectures->items[0], STR("x86_64"))
            : STR("x86_64");
    TRY(check_architecture(d, name, text_of(&answer, "PackageType"), architecture, err));
    return doctor_say(d, what, DOCTOR_OK,
                      arena_printf(d->arena, "%.*s on %.*s, %lld MB, %lld s, last changed %.*s",
                                   STR_ARGS(text_of(&answer, "PackageType")),
                                   STR_ARGS(architecture),
                                   (long long)json_int64(json_get(&answer, STR("MemorySize")), 0),
                                   (long long)json_int64(json_get(&answer, STR("Timeout")), 0),
                                   STR_ARGS(text_of(&answer, "LastModified"))),
                      err);
}

static rc check_functions(struct doctor *d, struct err *err)
{
    str_vec sources = {0};
    struct err problem;
    if (source_file_names(d->project, d->arena, &sources, &problem) != RC_OK)
        return doctor_say_err(d, STR("sources"), DOCTOR_FAIL, &problem, "", err);
    for (size_t i = 0; i < sources.count; i++)
        TRY(check_function(d, sources.items[i], err));
    return RC_OK;
}

static rc check_quotas(struct doctor *d, struct err *err)
{
    struct json answer;
    struct err problem;
    const struct str what = STR("Lambda quotas");
    if (read_function(d, STR(""), "GetAccountSettings", &answer, &problem) != RC_OK)
        return doctor_say_err(d, what, DOCTOR_WARN, &problem, "", err);
    const struct json *limit = json_get(&answer, STR("AccountLimit"));
    const int64_t runs = json_int64(json_get(limit, STR("UnreservedConcurrentExecutions")), 0);
    const int64_t code_bytes = json_int64(json_get(limit, STR("TotalCodeSize")), 0);
    const int64_t used_bytes = json_int64(json_path(&answer, "AccountUsage", "TotalCodeSize"), 0);
    const int64_t percent = code_bytes > 0 ? used_bytes * 100 / code_bytes : 0;
    const bool is_low = runs < CONCURRENCY_LOW || percent > CODE_PERCENT_HIGH;
    return doctor_say(
        d, what, is_low ? DOCTOR_WARN : DOCTOR_OK,
        arena_printf(
            d->arena, "%lld functions may run at once, %lld %% of the room for code used%s",
            (long long)runs, (long long)percent, is_low ? " (ask for more in Service Quotas)" : ""),
        err);
}

// ---- Step Functions and ECS

/// The first text of a key anywhere in a definition.
static struct str find_text(const struct json *value, const char *key, int depth)
{
    if (depth > MAX_NESTING)
        return STR("");
    for (size_t i = 0; value->kind == JSON_OBJECT && i < value->count; i++) {
        if (str_is(value->members[i].key, key) && value->members[i].value.kind == JSON_STRING)
            return value->members[i].value.text;
        const struct str found = find_text(&value->members[i].value, key, depth + 1);
        if (found.length > 0)
            return found;
    }
    for (size_t i = 0; value->kind == JSON_ARRAY && i < value->count; i++) {
        const struct str found = find_text(&value->items[i], key, depth + 1);
        if (found.length > 0)
            return found;
    }
    return STR("");
}

static rc check_cluster(struct doctor *d, struct str cluster, struct err *err)
{
    struct json answer;
    struct err problem;
    const struct str what = arena_printf(d->arena, "ECS cluster %.*s", STR_ARGS(cluster));
    const struct aws_call call = {
        .action = "DescribeClusters",
        .resource = what,
        .body = arena_printf(d->arena, "{\"clusters\":[\"%.*s\"]}", STR_ARGS(cluster))};
    const rc code = doctor_call(d, &aws_ecs, &call, &answer, NULL, &problem);
    if (code != RC_OK)
        return doctor_say_err(d, what, DOCTOR_FAIL, &problem, "", err);
    const struct json *list = json_get(&answer, STR("clusters"));
    const bool is_there = list != NULL && list->kind == JSON_ARRAY && list->count > 0 &&
                          str_is(text_of(&list->items[0], "status"), "ACTIVE");
    return doctor_say(d, what, is_there ? DOCTOR_OK : DOCTOR_FAIL,
                      is_there ? STR("is active")
                               : STR("is not active (ecs_cluster_name of env.tfvars names it; "
                                     "base/aws makes one)"),
                      err);
}

static rc check_machine(struct doctor *d, struct str workflow, struct str *ret_cluster,
                        struct err *err)
{
    struct json answer, definition;
    struct err problem;
    const struct str name = str_replace(d->arena, d->project->environment->workflows.state_machine,
                                        STR("{workflow}"), workflow);
    const struct str what = arena_printf(d->arena, "state machine %.*s", STR_ARGS(name));
    const struct str arn =
        str_has_prefix(name, STR("arn:"))
            ? name
            : arena_printf(d->arena, "arn:%.*s:states:%.*s:%.*s:stateMachine:%.*s",
                           STR_ARGS(d->partition), STR_ARGS(d->region), STR_ARGS(d->account),
                           STR_ARGS(name));
    const struct aws_call call = {.action = "DescribeStateMachine",
                                  .resource = what,
                                  .body = doctor_body(d->arena, "stateMachineArn", arn)};
    const rc code = doctor_call(d, &aws_step_functions, &call, &answer, NULL, &problem);
    if (code != RC_OK)
        return say_absent(d, what, code, &problem, err);
    if (ret_cluster->length == 0 && json_parse(d->arena, text_of(&answer, "definition"),
                                               "definition", &definition, &problem) == RC_OK)
        *ret_cluster = find_text(&definition, "Cluster", 0);
    return doctor_say(d, what, DOCTOR_OK, STR("is there"), err);
}

static rc check_machines(struct doctor *d, struct err *err)
{
    str_vec workflows = {0};
    struct str cluster = STR("");
    struct err problem;
    if (workflow_list(d->project, d->arena, &workflows, &problem) != RC_OK)
        return doctor_say_err(d, STR("workflows"), DOCTOR_FAIL, &problem, "", err);
    for (size_t i = 0; i < workflows.count; i++)
        TRY(check_machine(d, workflows.items[i], &cluster, err));
    return cluster.length > 0 ? check_cluster(d, cluster, err) : RC_OK;
}

static rc check_task(struct doctor *d, struct err *err)
{
    struct json answer;
    struct err problem;
    struct str definition = STR("");
    const struct str parameter = arena_printf(d->arena, "/%.*s/dbt_task_definition",
                                              STR_ARGS(d->project->environment->name));
    TRY(check_parameter(d, parameter, &definition, err));
    if (definition.length == 0)
        return RC_OK;
    const struct str what = STR("ECS task of the dbt project");
    const struct aws_call call = {.action = "DescribeTaskDefinition",
                                  .resource = definition,
                                  .body = doctor_body(d->arena, "taskDefinition", definition)};
    const rc code = doctor_call(d, &aws_ecs, &call, &answer, NULL, &problem);
    if (code != RC_OK)
        return say_absent(d, what, code, &problem, err);
    const struct json *task = json_get(&answer, STR("taskDefinition"));
    const struct json *containers = json_get(task, STR("containerDefinitions"));
    if (!str_is(text_of(task, "status"), "ACTIVE") || containers == NULL || containers->count == 0)
        return doctor_say(
            d, what, DOCTOR_FAIL,
            arena_printf(d->arena, "%.*s is not active (make deploy)", STR_ARGS(definition)), err);
    return doctor_say(
        d, what, DOCTOR_OK,
        arena_printf(d->arena, "image %.*s", STR_ARGS(text_of(&containers->items[0], "image"))),
        err);
}

// ---- this machine

static rc check_terraform(struct doctor *d, struct err *err)
{
    const struct str words[] = {STR("terraform"), STR("version"), STR("-json")};
    const struct process_options options = {.arguments = words,
                                            .argument_count = 3,
                                            .captures_output = true,
                                            .captures_errors = true,
                                            .timeout_us = 30 * TIME_US_PER_SECOND};
    const struct str what = STR("terraform");
    struct process_result result;
    struct json answer;
    struct err problem;
    const char *todo = "to deploy from here, install version 1.11 or newer";
    if (process_run(d->arena, &options, &result, &problem) != RC_OK || result.exit_code != 0 ||
        json_parse(d->arena, result.output, "terraform version", &answer, &problem) != RC_OK)
        return doctor_say(d, what, DOCTOR_WARN, arena_printf(d->arena, "is not here (%s)", todo),
                          err);
    struct str rest = text_of(&answer, "terraform_version"), major, minor;
    const struct str version = rest;
    int64_t numbers[2] = {0};
    const bool is_read = str_split_next(&rest, '.', &major) && str_split_next(&rest, '.', &minor) &&
                         str_to_int64(major, &numbers[0]) && str_to_int64(minor, &numbers[1]);
    const bool is_new = numbers[0] > TERRAFORM_MAJOR ||
                        (numbers[0] == TERRAFORM_MAJOR && numbers[1] >= TERRAFORM_MINOR);
    return doctor_say(d, what, is_read && is_new ? DOCTOR_OK : DOCTOR_WARN,
                      is_new ? version
                             : arena_printf(d->arena, "%.*s is old (%s)", STR_ARGS(version), todo),
                      err);
}

rc doctor_check_deployed(struct doctor *d, struct err *err)
{
    static rc (*const checks[])(struct doctor * d, struct err * err) = {
        check_secrets, check_functions, check_quotas, check_machines, check_task};
    if (!doctor_needs_aws(d->project))
        return RC_OK;
    for (size_t i = 0; !d->is_cut_off && i < sizeof checks / sizeof checks[0]; i++)
        TRY(checks[i](d, err));
    return check_terraform(d, err);
}
