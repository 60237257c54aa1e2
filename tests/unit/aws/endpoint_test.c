// Proves: whose region and whose address counts, in the order of AWS's tools.

#include "fake_aws.h"

#include <stdlib.h>

#include "base/fs.h"

static int setup(void **state)
{
    fake_setup(state);
    char folder[] = "/tmp/moulin-aws-XXXXXX";
    assert_non_null(mkdtemp(folder));
    fake_root = arena_str(fake.arena, str_of(folder));
    fake_set("HOME=/");
    return 0;
}

static int teardown(void **state)
{
    assert_int_equal(fs_remove_tree(fake_root, NULL), RC_OK);
    fake_root = STR("");
    return fake_teardown(state);
}

static void put_config(const char *text)
{
    const struct str folder = arena_printf(fake.arena, "%.*s/.aws", STR_ARGS(fake_root));
    assert_int_equal(fs_make_folders(folder, NULL), RC_OK);
    assert_int_equal(fs_write(str_concat(fake.arena, folder, STR("/config")), str_of(text),
                              (struct fs_write_options){0}, NULL),
                     RC_OK);
}

static struct aws_endpoint endpoint(struct aws_options options, const struct aws_service *service)
{
    struct aws_endpoint found = {0};
    struct err err = {0};
    if (aws_session_endpoint(fake_session(options), fake.arena, service, STR(""), &found, &err) !=
        RC_OK)
        fail_msg("%s", err.message);
    return found;
}

#define URL(service) endpoint((struct aws_options){0}, service).url

static void the_region_of_the_nearest_place_counts(void **state)
{
    (void)state;
    struct str region;
    put_config("[default]\nregion = of-profile\n");
    assert_int_equal(
        aws_session_region(fake_session((struct aws_options){0}), fake.arena, &region, NULL),
        RC_OK);
    assert_true(str_is(region, "of-profile"));
    fake_set("AWS_DEFAULT_REGION=of-default");
    assert_true(str_is(URL(&aws_sts), "https://sts.of-default.amazonaws.com"));
    fake_set("AWS_REGION=of-environment");
    assert_true(str_is(URL(&aws_sts), "https://sts.of-environment.amazonaws.com"));
    assert_true(str_is(endpoint((struct aws_options){.region = STR("of-options")}, &aws_sts).url,
                       "https://sts.of-options.amazonaws.com"));
}

static void a_region_cannot_be_another_host(void **state)
{
    (void)state;
    static const char *const regions[] = {"AWS_REGION=evil.example/", "AWS_REGION=a@b",
                                          "AWS_REGION=EU-WEST-1", "AWS_REGION=-x"};
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        struct str region;
        struct err err = {0};
        fake.environment[1] = regions[i];
        fake.environment_count = 2;
        assert_int_equal(
            aws_session_region(fake_session((struct aws_options){0}), fake.arena, &region, &err),
            RC_CONFIG);
        assert_non_null(strstr(err.message, "AWS_REGION"));
    }
}

static void no_region_says_where_to_put_it(void **state)
{
    (void)state;
    struct str region;
    struct err err = {0};
    fake_set("AWS_ACCESS_KEY_ID=k");
    fake_set("AWS_SECRET_ACCESS_KEY=s");
    assert_int_equal(
        aws_session_region(fake_session((struct aws_options){0}), fake.arena, &region, &err),
        RC_CONFIG);
    assert_non_null(strstr(err.hint, "moulin.yml"));
    assert_int_equal(fake.asked, 0); // the credentials are not those of a machine of AWS
}

static void addresses_of_the_nearest_place_count(void **state)
{
    (void)state;
    fake_set("AWS_REGION=eu-west-1");
    put_config("[default]\nendpoint_url = http://of-profile\nservices = local\n"
               "[services local]\ns3 =\n  endpoint_url = http://of-service/\n"
               "secrets_manager =\n  endpoint_url = http://of-secrets\n");
    assert_true(str_is(URL(&aws_s3), "http://of-service"));
    assert_true(str_is(URL(&aws_secrets_manager), "http://of-secrets"));
    assert_true(str_is(URL(&aws_glue), "http://of-profile"));
    fake_set("AWS_ENDPOINT_URL=http://of-environment:1");
    assert_true(str_is(URL(&aws_s3), "http://of-environment:1"));
    fake_set("AWS_ENDPOINT_URL_SFN=http://of-states");
    assert_true(str_is(URL(&aws_step_functions), "http://of-states"));
    const struct aws_endpoint own =
        endpoint((struct aws_options){.endpoint_url = STR("http://of-options")}, &aws_glue);
    assert_true(str_is(own.url, "http://of-options"));
    assert_true(own.is_custom);
    assert_true(str_is(own.signing_region, "eu-west-1"));
    fake_set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true");
    assert_true(str_is(URL(&aws_s3), "https://s3.eu-west-1.amazonaws.com"));
    assert_false(endpoint((struct aws_options){0}, &aws_s3).is_custom);
}

static void mistakes_in_addresses_are_told(void **state)
{
    (void)state;
    fake_set("AWS_REGION=eu-west-1");
    put_config("[default]\nservices = nowhere\n");
    struct aws_endpoint found;
    struct err err = {0};
    assert_int_equal(aws_session_endpoint(fake_session((struct aws_options){0}), fake.arena,
                                          &aws_s3, STR(""), &found, &err),
                     RC_CONFIG);
    assert_non_null(strstr(err.message, "[services nowhere]"));
    fake_set("AWS_ENDPOINT_URL=localhost:4566");
    assert_int_equal(aws_session_endpoint(fake_session((struct aws_options){0}), fake.arena,
                                          &aws_s3, STR(""), &found, &err),
                     RC_CONFIG);
    assert_non_null(strstr(err.message, "endpoint URL"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_region_of_the_nearest_place_counts), TEST(a_region_cannot_be_another_host),
        TEST(no_region_says_where_to_put_it),         TEST(addresses_of_the_nearest_place_count),
        TEST(mistakes_in_addresses_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
