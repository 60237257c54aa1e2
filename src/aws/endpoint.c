// Region and addresses: whose setting counts, and how AWS's own hosts are named. Layer: aws.
// Threads: pure but for the session's reads. Sources: AWS SDKs and Tools Reference Guide
// ("Service-specific endpoints", "AWS Region"), botocore's partitions and endpoint rule sets.

#include <stdlib.h>

#include "aws/client.h"
#include "aws/credentials.intern.h"
#include "aws/session.intern.h"
#include "net/url.h"

// --- region ------------------------------------------------------------------------------------

// A region is part of a host name: nothing else may slip in.
static rc check_region(struct str region, const char *where, struct err *err)
{
    bool is_valid = region.length > 0 && region.length <= 63 && region.bytes[0] != '-';
    for (size_t i = 0; i < region.length && is_valid; i++) {
        const char c = region.bytes[i];
        is_valid = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    if (is_valid)
        return RC_OK;
    err_set(err, RC_CONFIG, "'%.*s' of %s is no region", STR_ARGS(region), where);
    return err_hint(err, "a region reads eu-west-1");
}

rc aws_session_configured_region(struct aws_session *session, struct arena *arena,
                                 struct str *ret_region, struct err *err)
{
    struct str of_profile;
    TRY(aws_session_setting(session, arena, NULL, "region", &of_profile, err));
    const struct {
        struct str value;
        const char *where;
    } places[] = {
        {session->options.region, "the environment in moulin.yml"},
        {aws_session_variable(session, "AWS_REGION"), "AWS_REGION"},
        {aws_session_variable(session, "AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION"},
        {of_profile, "the profile in ~/.aws/config"},
    };
    *ret_region = STR("");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i].value.length == 0)
            continue;
        TRY(check_region(places[i].value, places[i].where, err));
        *ret_region = arena_str(arena, places[i].value);
        return RC_OK;
    }
    return RC_OK;
}

rc aws_session_region(struct aws_session *session, struct arena *arena, struct str *ret_region,
                      struct err *err)
{
    struct str region;
    TRY(aws_session_configured_region(session, arena, &region, err));
    if (region.length == 0) {
        // A machine that gets its credentials from IMDS is also told its region there.
        struct aws_credentials credentials;
        struct err why = {0};
        if (aws_session_credentials(session, arena, &credentials, &why) == RC_OK &&
            strcmp(credentials.source, "instance metadata") == 0 &&
            aws_instance_region(session, arena, &region, &why) == RC_OK)
            TRY(check_region(region, "the instance metadata", err));
    }
    if (region.length == 0) {
        err_set(err, RC_CONFIG, "no AWS region is set");
        return err_hint(err, "set region: in the environment of moulin.yml, or AWS_REGION, or "
                             "region in the profile");
    }
    *ret_region = region;
    return RC_OK;
}

// --- settings ----------------------------------------------------------------------------------

rc aws_session_setting(struct aws_session *session, struct arena *arena, const char *variable,
                       const char *key, struct str *ret_value, struct err *err)
{
    struct str value = STR("");
    if (variable != NULL)
        value = str_trim(aws_session_variable(session, variable));
    if (value.length == 0 && key != NULL) {
        const struct aws_config *config;
        bool is_named;
        TRY(aws_session_config(session, &config, err));
        const struct str name = aws_session_profile_name(session, &is_named);
        value = aws_section_get(aws_config_section(config, AWS_SECTION_PROFILE, name), key);
    }
    *ret_value = arena_str(arena, value);
    return RC_OK;
}

static rc read_flag(struct aws_session *session, struct arena *arena, const char *variable,
                    const char *key, bool *ret_flag, struct err *err)
{
    struct str value;
    TRY(aws_session_setting(session, arena, variable, key, &value, err));
    *ret_flag = str_equal_ignore_case(value, STR("true"));
    return RC_OK;
}

// --- AWS's own addresses -----------------------------------------------------------------------

static const struct partition {
    const char *prefix; // of the region
    const char *suffix, *dual_suffix;
    const char *iam_host, *iam_region; // IAM is global
} partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "iam.cn-north-1.amazonaws.com.cn",
     "cn-north-1"},
    {"us-gov-", "amazonaws.com", "api.aws", "iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "iam.us-isob-east-1.sc2s.sgov.gov",
     "us-isob-east-1"},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "iam.eu-isoe-west-1.cloud.adc-e.uk",
     "eu-isoe-west-1"},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "iam.us-isof-south-1.csp.hci.ic.gov",
     "us-isof-south-1"},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "iam.eusc-de-east-1.amazonaws.eu",
     "eusc-de-east-1"},
    {"", "amazonaws.com", "api.aws", "iam.amazonaws.com", "us-east-1"},
};

static const struct partition *partition_of(struct str region)
{
    size_t i = 0;
    while (!str_has_prefix(region, str_of(partitions[i].prefix)))
        i++; // the last one fits all
    return &partitions[i];
}

// Where a service's host is not the rule's. Regions by prefix: "" = of the partition aws.
static const struct odd_host {
    const struct aws_service *service;
    const char *region; // NULL = every one
    bool is_fips, is_dual;
    const char *prefix;
    bool has_plain_suffix; // although it is dual stack
} odd_hosts[] = {
    {&aws_ecr, NULL, false, true, "ecr", false},
    {&aws_ecr, NULL, true, true, "ecr-fips", false},
    {&aws_secrets_manager, "", false, true, "secretsmanager", true},
    {&aws_secrets_manager, "", true, true, "secretsmanager-fips", true},
    {&aws_secrets_manager, "cn-", false, true, "secretsmanager", true},
    {&aws_secrets_manager, "us-gov-", false, true, "secretsmanager", true},
    {&aws_secrets_manager, "us-gov-", true, true, "secretsmanager-fips", true},
    {&aws_sts, "us-gov-", true, false, "sts", false}, // what is FIPS there anyway
    {&aws_ssm, "us-gov-", true, false, "ssm", false},
    {&aws_sns, "us-gov-", true, false, "sns", false},
    {&aws_logs, "us-gov-", true, false, "logs", false},
    {&aws_sso, "us-gov-", true, false, "portal.sso", false},
    {&aws_sso_oidc, "us-gov-", true, false, "oidc", false},
    {&aws_step_functions, "us-gov-west-1", true, false, "states", false},
    {&aws_step_functions, "us-gov-", false, true, "states-fips", false},
};

static const struct odd_host *odd_host_of(const struct aws_service *service, struct str region,
                                          bool is_fips, bool is_dual)
{
    const bool is_plain_partition = partition_of(region)->prefix[0] == '\0';
    for (size_t i = 0; i < sizeof odd_hosts / sizeof *odd_hosts; i++) {
        const struct odd_host *odd = &odd_hosts[i];
        if (odd->service != service || odd->is_fips != is_fips || odd->is_dual != is_dual)
            continue;
        if (odd->region == NULL ||
            (odd->region[0] == '\0' ? is_plain_partition
                                    : str_has_prefix(region, str_of(odd->region))))
            return odd;
    }
    return NULL;
}

static struct str own_address(struct arena *arena, const struct aws_service *service,
                              struct str region, bool is_fips, bool is_dual,
                              struct str *signing_region)
{
    const struct partition *partition = partition_of(region);
    const char *suffix = is_dual ? partition->dual_suffix : partition->suffix;
    if (service == &aws_iam) { // one for the whole partition, without FIPS and dual stack
        *signing_region = str_of(partition->iam_region);
        return arena_printf(arena, "https://%s", partition->iam_host);
    }
    if (service == &aws_s3) // S3 keeps its domain for dual stack
        return arena_printf(arena, "https://s3%s%s.%.*s.%s", is_fips ? "-fips" : "",
                            is_dual ? ".dualstack" : "", STR_ARGS(region), partition->suffix);
    const struct odd_host *odd = odd_host_of(service, region, is_fips, is_dual);
    if (odd != NULL)
        return arena_printf(arena, "https://%s.%.*s.%s", odd->prefix, STR_ARGS(region),
                            odd->has_plain_suffix ? partition->suffix : suffix);
    return arena_printf(arena, "https://%s%s.%.*s.%s", service->endpoint_prefix,
                        is_fips ? "-fips" : "", STR_ARGS(region), suffix);
}

// --- somebody's own addresses ------------------------------------------------------------------

// services = local, then [services local] with "s3 =" and endpoint_url nested below it.
static rc of_services_section(struct aws_session *session, struct arena *arena,
                              const struct aws_service *service, struct str *ret_url,
                              struct err *err)
{
    const struct aws_config *config;
    struct str services;
    TRY(aws_session_setting(session, arena, NULL, "services", &services, err));
    if (services.length == 0)
        return RC_OK;
    TRY(aws_session_config(session, &config, err));
    const struct aws_section *section = aws_config_section(config, AWS_SECTION_SERVICES, services);
    if (section == NULL)
        return err_set(err, RC_CONFIG, "there is no [services %.*s], which the profile names",
                       STR_ARGS(services));
    const struct str id = str_lower(arena, str_of(service->endpoint_id));
    *ret_url = arena_str(
        arena,
        aws_section_get(section, arena_printf(arena, "%.*s.endpoint_url", STR_ARGS(id)).bytes));
    return RC_OK;
}

static rc find_custom(struct aws_session *session, struct arena *arena,
                      const struct aws_service *service, struct str *ret_url, struct err *err)
{
    *ret_url = arena_str(arena, session->options.endpoint_url);
    if (ret_url->length > 0)
        return RC_OK;
    bool is_ignored;
    TRY(read_flag(session, arena, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                  "ignore_configured_endpoint_urls", &is_ignored, err));
    if (is_ignored)
        return RC_OK;
    const struct str name = arena_printf(arena, "AWS_ENDPOINT_URL_%s", service->endpoint_id);
    *ret_url = arena_str(arena, aws_session_variable(session, name.bytes));
    if (ret_url->length == 0)
        *ret_url = arena_str(arena, aws_session_variable(session, "AWS_ENDPOINT_URL"));
    if (ret_url->length == 0)
        TRY(of_services_section(session, arena, service, ret_url, err));
    if (ret_url->length == 0)
        TRY(aws_session_setting(session, arena, NULL, "endpoint_url", ret_url, err));
    return RC_OK;
}

rc aws_session_endpoint(struct aws_session *session, struct arena *arena,
                        const struct aws_service *service, struct str region,
                        struct aws_endpoint *ret_endpoint, struct err *err)
{
    struct aws_endpoint endpoint = {0};
    if (region.length == 0)
        TRY(aws_session_region(session, arena, &region, err));
    else
        TRY(check_region(region, "the call", err));
    endpoint.signing_region = region;
    TRY(find_custom(session, arena, service, &endpoint.url, err));
    if (endpoint.url.length > 0) {
        struct url parts;
        struct err why = {0};
        if (url_parse(endpoint.url, &parts, &why) != RC_OK) {
            err_set(err, RC_CONFIG, "the endpoint URL of %s: %s", service->name, why.message);
            return err_hint(err, "it reads https://host or http://host:port; it comes from "
                                 "endpoint_url in moulin.yml, AWS_ENDPOINT_URL or the profile");
        }
        while (str_has_suffix(endpoint.url, STR("/")))
            endpoint.url.length--;
        endpoint.is_custom = true;
        *ret_endpoint = endpoint;
        return RC_OK;
    }
    bool is_fips, is_dual;
    TRY(read_flag(session, arena, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", &is_fips, err));
    TRY(read_flag(session, arena, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", &is_dual,
                  err));
    endpoint.url = own_address(arena, service, region, is_fips, is_dual, &endpoint.signing_region);
    *ret_endpoint = endpoint;
    return RC_OK;
}
