// Proves: secrets that neither environment nor secrets.yml have are asked of AWS once, by the names
// that moulin.yml gives, and what is missing is said without showing what is there.

#include "aws/fake_aws.h"

#include <stdlib.h>

#include "base/fs.h"
#include "project/project.h"

static struct str folder;

static int setup(void **state)
{
    fake_setup(state);
    char path[] = "/tmp/moulin-secrets-XXXXXX";
    assert_non_null(mkdtemp(path));
    folder = arena_str(fake.arena, str_of(path));
    return 0;
}

static int teardown(void **state)
{
    assert_int_equal(fs_remove_tree(folder, NULL), RC_OK);
    return fake_teardown(state);
}

static struct project *open_with(const char *secrets)
{
    struct project *project = NULL;
    struct err err = {0};
    struct str path;
    const struct str text = arena_printf(fake.arena,
                                         "name: demo\nenvironments:\n  dev:\n    warehouse: w\n"
                                         "    secrets: %s\n",
                                         secrets);
    assert_int_equal(fs_join(fake.arena, folder, STR("moulin.yml"), &path, NULL), RC_OK);
    assert_int_equal(fs_write(path, text, (struct fs_write_options){0}, NULL), RC_OK);
    if (project_open(fake.arena, (struct project_options){.folder = folder}, &project, &err) !=
        RC_OK)
        fail_msg("%s", err.message);
    project->aws = fake_session_with_keys();
    return project;
}

static const char *secret(struct project *project, const char *name)
{
    struct str found;
    struct err err = {0};
    if (project_secret(project, fake.arena, str_of(name), &found, &err) != RC_OK)
        fail_msg("%s", err.message);
    return arena_cstr(fake.arena, found);
}

static void a_secret_of_secrets_manager_is_asked_for_once(void **state)
{
    (void)state;
    struct project *project = open_with("{type: secretsmanager}");
    fake_answer(200, "",
                "{\"Name\":\"dev-chess\",\"SecretString\":\"{\\\"api_key\\\":\\\"a\\\\\\\"b\\\","
                "\\\"user\\\":\\\"u\\\",\\\"port\\\":5432,\\\"db\\\":{\\\"password\\\":\\\"p\\\"}}"
                "\"}");
    assert_string_equal(secret(project, "chess/api_key"), "a\"b");
    assert_string_equal(secret(project, "chess/api_key"), "a\"b");
    assert_string_equal(secret(project, "chess/user"), "u");
    assert_string_equal(secret(project, "chess/port"), "5432");
    assert_string_equal(secret(project, "chess/db/password"), "p");
    assert_int_equal(fake.asked, 1);
    assert_true(str_is(fake.requests[0].body, "{\"SecretId\":\"dev-chess\"}"));
    assert_true(
        str_contains(fake.requests[0].headers, STR("X-Amz-Target: secretsmanager.GetSecretValue")));
}

static void a_name_without_a_slash_is_the_whole_text(void **state)
{
    (void)state;
    struct project *project = open_with("{type: secretsmanager, prefix: team/prod-}");
    fake_answer(200, "", "{\"SecretString\":\"plain text\"}");
    assert_string_equal(secret(project, "token"), "plain text");
    assert_true(str_is(fake.requests[0].body, "{\"SecretId\":\"team/prod-token\"}"));
}

static void a_parameter_of_ssm_is_decrypted(void **state)
{
    (void)state;
    struct project *project = open_with("{type: ssm}");
    fake_answer(200, "", "{\"Parameter\":{\"Value\":\"v\",\"Type\":\"SecureString\"}}");
    assert_string_equal(secret(project, "chess/api_key"), "v");
    assert_true(
        str_is(fake.requests[0].body, "{\"Name\":\"/dev/chess/api_key\",\"WithDecryption\":true}"));
}

static void what_is_nearer_comes_first(void **state)
{
    (void)state;
    struct str path;
    assert_int_equal(fs_join(fake.arena, folder, STR("secrets.yml"), &path, NULL), RC_OK);
    assert_int_equal(fs_write(path, STR("chess: {api_key: of-file}\n"),
                              (struct fs_write_options){.is_secret = true}, NULL),
                     RC_OK);
    struct project *project = open_with("{type: secretsmanager}");
    assert_string_equal(secret(project, "chess/api_key"), "of-file");
    setenv("MOULIN_SECRET_CHESS_API_KEY", "of-environment", 1);
    assert_string_equal(secret(project, "chess/api_key"), "of-environment");
    unsetenv("MOULIN_SECRET_CHESS_API_KEY");
    assert_int_equal(fake.asked, 0);
}

static void what_is_missing_or_odd_is_said_without_the_text(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *answer, *name;
        rc code;
        const char *part, *hint;
    } cases[] = {
        {400,
         "{\"__type\":\"ResourceNotFoundException\",\"message\":\"Secrets Manager can't find the "
         "specified secret.\"}",
         "chess/api_key", RC_NOT_FOUND,
         "there is no secret 'chess/api_key': secretsmanager:GetSecretValue, secret dev-chess: "
         "ResourceNotFoundException",
         "MOULIN_SECRET_CHESS_API_KEY"},
        {400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}", "chess/api_key",
         RC_DENIED, "secret dev-chess: AccessDeniedException",
         "allow secretsmanager:GetSecretValue on secret dev-chess"},
        {200, "{\"SecretString\":\"{\\\"user\\\":\\\"very-secret\\\"}\"}", "chess/api_key",
         RC_NOT_FOUND, "the secret dev-chess of Secrets Manager has no key api_key",
         "put-secret-value"},
        {200, "{\"SecretString\":\"very-secret\"}", "chess/api_key", RC_CONFIG, "is no JSON object",
         "{\"api_key\": \"...\"}"},
        {200, "{\"SecretString\":\"{\\\"k\\\":[\\\"very-secret\\\"]}\"}", "chess/k", RC_CONFIG,
         "must be a single value", ""},
        {200, "{\"SecretBinary\":\"AAAA\"}", "chess/k", RC_UNSUPPORTED, "is binary",
         "--secret-string"},
        {200, "very-secret", "chess/k", RC_INVALID, "the answer holds no text", ""},
        {200, "{}", "chess/k", RC_INVALID, "GetSecretValue, secret dev-chess: the answer holds no",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct project *project = open_with("{type: secretsmanager}");
        struct str found;
        struct err err = {0};
        fake_answer(cases[i].status, "", cases[i].answer);
        assert_int_equal(project_secret(project, fake.arena, str_of(cases[i].name), &found, &err),
                         cases[i].code);
        if (strstr(err.message, cases[i].part) == NULL || strstr(err.hint, cases[i].hint) == NULL ||
            strstr(err.message, "very-secret") != NULL || strstr(err.hint, "very-secret") != NULL)
            fail_msg("case %zu: %s HINT: %s", i, err.message, err.hint);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_of_secrets_manager_is_asked_for_once),
        TEST(a_name_without_a_slash_is_the_whole_text),
        TEST(a_parameter_of_ssm_is_decrypted),
        TEST(what_is_nearer_comes_first),
        TEST(what_is_missing_or_odd_is_said_without_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
