// Proves: the shared files are read as AWS's tools read them, and broken ones are told by line.

#include "unit_test.h"

#include "aws/config.h"

static struct arena *arena;
static struct aws_config config;

static int setup(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    config = (struct aws_config){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static void read_file(enum aws_config_kind kind, const char *text)
{
    struct err err = {0};
    const rc code = aws_config_parse(arena, str_of(text), kind, STR("file"), &config, &err);
    if (code != RC_OK)
        fail_msg("%s", err.message);
}

static const char *get(enum aws_section_kind kind, const char *section, const char *key)
{
    const struct aws_property *property =
        aws_section_property(aws_config_section(&config, kind, str_of(section)), str_of(key));
    return property != NULL ? arena_cstr(arena, property->value) : NULL;
}

#define PROFILE(section, key) get(AWS_SECTION_PROFILE, section, key)

static void profiles_keys_and_comments(void **state)
{
    (void)state;
    read_file(AWS_CONFIG_FILE, "\xef\xbb\xbf# mine\r\n[default] ; the usual one\r\n"
                               "Region = eu-west-1\t# Ireland\r\n"
                               "output=json#not a comment\r\n"
                               "\r\n"
                               "[ profile  dev ]\n"
                               "  region = eu-central-1\n"
                               "  ; indented comment\n"
                               "  role_arn=arn:aws:iam::1:role/a=b\n"
                               "empty =\n"
                               "[profile \"with blanks\"]\nregion = x\n");
    assert_string_equal(PROFILE("default", "region"), "eu-west-1");
    assert_string_equal(PROFILE("default", "output"), "json#not a comment");
    assert_string_equal(PROFILE("dev", "region"), "eu-central-1");
    assert_string_equal(PROFILE("dev", "role_arn"), "arn:aws:iam::1:role/a=b");
    assert_string_equal(PROFILE("dev", "empty"), "");
    assert_string_equal(PROFILE("with blanks", "region"), "x");
    assert_null(PROFILE("dev", "output"));
    assert_null(PROFILE("prod", "region"));
}

static void sections_that_are_no_profiles_do_not_leak(void **state)
{
    (void)state;
    read_file(AWS_CONFIG_FILE, "[default]\nregion = a\n"
                               "[dev]\nregion = b\n" // no profile without the word
                               "[plugins]\ncli =\n  x = y\nregion = c\n"
                               "[profile in valid]\nregion = d\n"
                               "[sso-session corp]\nsso_region = e\n"
                               "[services local]\ns3 =\n  endpoint_url = http://s\n"
                               "\n  addressing_style = path # why\n"
                               "glue =\n  endpoint_url = http://g\n"
                               "[profile]\nregion = f\n");
    assert_string_equal(PROFILE("default", "region"), "a");
    assert_null(PROFILE("dev", "region"));
    assert_null(PROFILE("in valid", "region"));
    assert_string_equal(get(AWS_SECTION_SSO_SESSION, "corp", "sso_region"), "e");
    assert_string_equal(get(AWS_SECTION_SERVICES, "local", "s3.endpoint_url"), "http://s");
    assert_string_equal(get(AWS_SECTION_SERVICES, "local", "s3.addressing_style"), "path");
    assert_string_equal(get(AWS_SECTION_SERVICES, "local", "glue.endpoint_url"), "http://g");
}

static void values_go_on_in_indented_lines(void **state)
{
    (void)state;
    read_file(AWS_CONFIG_FILE, "[default]\ncredential_process = /opt/x\n   --role a\n\n"
                               "\t--why b\nregion = z\n");
    assert_string_equal(PROFILE("default", "credential_process"), "/opt/x\n--role a\n--why b");
    assert_string_equal(PROFILE("default", "region"), "z");
}

static void later_and_stronger_files_win(void **state)
{
    (void)state;
    read_file(AWS_CONFIG_FILE, "[profile default]\nregion = a\n"
                               "[default]\nregion = b\noutput = c\n"
                               "[profile x]\naws_access_key_id = of-config\nregion = d\n"
                               "[profile x]\nregion = e\n");
    read_file(AWS_CREDENTIALS_FILE, "[x]\naws_access_key_id = of-credentials\n"
                                    "[default]\naws_access_key_id = k\n"
                                    "[profile y]\naws_access_key_id = no\n");
    assert_string_equal(PROFILE("default", "region"), "a");
    assert_null(PROFILE("default", "output"));
    assert_string_equal(PROFILE("default", "aws_access_key_id"), "k");
    assert_string_equal(PROFILE("x", "aws_access_key_id"), "of-credentials");
    assert_string_equal(PROFILE("x", "region"), "e");
    assert_null(PROFILE("y", "aws_access_key_id"));
}

static void broken_lines_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
    } cases[] = {
        {"region = a\n", 1},        {"# c\n[default\nregion = a\n", 2},
        {"[default]\nregion\n", 2}, {"[default]\n = a\n", 2},
        {"[default] x\n", 1},       {"[default]\ns3 =\n  endpoint_url\n", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct aws_config broken = {0};
        assert_int_equal(aws_config_parse(arena, str_of(cases[i].text), AWS_CONFIG_FILE,
                                          STR("~/.aws/config"), &broken, &err),
                         RC_CONFIG);
        assert_int_equal(err.line, cases[i].line);
        assert_string_equal(err.place, "~/.aws/config");
        assert_true(err.hint[0] != '\0');
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(profiles_keys_and_comments),
        TEST(sections_that_are_no_profiles_do_not_leak),
        TEST(values_go_on_in_indented_lines),
        TEST(later_and_stronger_files_win),
        TEST(broken_lines_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
