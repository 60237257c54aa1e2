// Proves: each provider of the chain gives its credentials, they are kept and refreshed in time,
// and what is missing or wrong is said. Files live in a temporary folder; answers are the test's.

#include "fake_aws.h"

#include <pthread.h>
#include <stdlib.h>

#include "aws/credentials.intern.h"
#include "base/fs.h"
#include "base/hash.h"

#define STS_ANSWER(name, key, expires)                                                             \
    "<" name "Response><" name "Result><AssumedRoleUser><Arn>arn:aws:sts::42:assumed-role/r/s"     \
    "</Arn></AssumedRoleUser><Credentials><AccessKeyId>" key                                       \
    "</AccessKeyId><SecretAccessKey>s-" key "</SecretAccessKey><SessionToken>t-" key               \
    "</SessionToken><Expiration>" expires "</Expiration></Credentials></" name "Result></" name    \
    "Response>"

static int setup(void **state)
{
    fake_setup(state);
    char folder[] = "/tmp/moulin-aws-XXXXXX";
    assert_non_null(mkdtemp(folder));
    fake_root = arena_str(fake.arena, str_of(folder));
    fake_set("HOME=/home");
    return 0;
}

static int teardown(void **state)
{
    assert_int_equal(fs_remove_tree(fake_root, NULL), RC_OK);
    fake_root = STR("");
    return fake_teardown(state);
}

static void put_file(const char *path, const char *text)
{
    const struct str full = arena_printf(fake.arena, "%.*s%s", STR_ARGS(fake_root), path);
    assert_int_equal(fs_make_folders(fs_parent(full), NULL), RC_OK);
    assert_int_equal(fs_write(full, str_of(text), (struct fs_write_options){0}, NULL), RC_OK);
}

static struct aws_credentials good(struct aws_session *session)
{
    struct aws_credentials found = {0};
    struct err err = {0};
    if (aws_session_credentials(session, fake.arena, &found, &err) != RC_OK)
        fail_msg("%s", err.message);
    return found;
}

static struct err bad(struct aws_options options, rc wanted)
{
    struct aws_credentials found;
    struct err err = {0};
    assert_int_equal(aws_session_credentials(fake_session(options), fake.arena, &found, &err),
                     wanted);
    return err;
}

static struct aws_session *plain(void)
{
    return fake_session((struct aws_options){0});
}

// --- order -------------------------------------------------------------------------------------

static void the_environment_comes_first(void **state)
{
    (void)state;
    fake_set("AWS_ACCESS_KEY_ID=of-environment");
    fake_set("AWS_SECRET_ACCESS_KEY=secret");
    fake_set("AWS_SESSION_TOKEN=token");
    fake_set("AWS_PROFILE=x");
    put_file("/home/.aws/credentials", "[x]\naws_access_key_id=k\naws_secret_access_key=s\n");
    const struct aws_credentials found = good(plain());
    assert_true(str_is(found.access_key_id, "of-environment"));
    assert_true(str_is(found.session_token, "token"));
    assert_int_equal(found.expires_us, 0);
    assert_int_equal(fake.asked, 0);
}

static void a_profile_of_moulin_yml_comes_before_it_where_it_exists(void **state)
{
    (void)state;
    fake_set("AWS_ACCESS_KEY_ID=of-environment");
    fake_set("AWS_SECRET_ACCESS_KEY=secret");
    const struct aws_options options = {.profile = STR("work")};
    assert_true(str_is(good(fake_session(options)).access_key_id, "of-environment"));
    put_file("/home/.aws/config", "[profile work]\nregion=eu-west-1\n");
    assert_true(str_is(good(fake_session(options)).access_key_id, "of-environment"));
    put_file("/home/.aws/credentials", "[work]\naws_access_key_id=k\naws_secret_access_key=s\n");
    assert_true(str_is(good(fake_session(options)).access_key_id, "k"));
}

static void a_missing_profile_is_an_error_with_a_suggestion(void **state)
{
    (void)state;
    fake_set("AWS_PROFILE=wrok");
    put_file("/home/.aws/config", "[profile work]\nregion=x\n");
    const struct err err = bad((struct aws_options){0}, RC_CONFIG);
    assert_non_null(strstr(err.message, "'wrok'"));
    assert_non_null(strstr(err.hint, "'work'"));
}

static void nobody_has_any(void **state)
{
    (void)state;
    fake_fail(RC_TIMEOUT);
    const struct err err = bad((struct aws_options){0}, RC_DENIED);
    assert_int_equal(fake.asked, 1); // a silent metadata service is asked once
    static const char *const parts[] = {"AWS_ACCESS_KEY_ID", "profile 'default'", "container",
                                        "no answer from http://169.254.169.254"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(strstr(err.message, parts[i]));
}

static void half_a_key_is_an_error(void **state)
{
    (void)state;
    fake_set("AWS_ACCESS_KEY_ID=k");
    assert_non_null(
        strstr(bad((struct aws_options){0}, RC_CONFIG).message, "AWS_SECRET_ACCESS_KEY is not"));
    fake.environment[1] = "AWS_PROFILE=x";
    put_file("/home/.aws/config", "[profile x]\n\naws_access_key_id=k\n");
    assert_non_null(strstr(bad((struct aws_options){0}, RC_CONFIG).message,
                           "aws_access_key_id of ~/.aws/config:3"));
}

// --- roles -------------------------------------------------------------------------------------

static void roles_are_assumed_one_with_the_other(void **state)
{
    (void)state;
    fake_set("AWS_PROFILE=a");
    fake_set("AWS_REGION=eu-west-1");
    put_file("/home/.aws/config",
             "[profile a]\nrole_arn=arn:A\nsource_profile=b\nexternal_id=e d\n"
             "duration_seconds=900\nrole_session_name=me\n"
             "[profile b]\nrole_arn=arn:B\nsource_profile=c\n"
             "[profile c]\naws_access_key_id=KC\naws_secret_access_key=s\nrole_arn=ignored\n");
    fake_answer(200, "", STS_ANSWER("AssumeRole", "KB", "2026-01-02T04:04:05Z"));
    fake_answer(200, "", STS_ANSWER("AssumeRole", "KA", "2026-01-02T04:04:05Z"));
    const struct aws_credentials found = good(plain());
    assert_true(str_is(found.access_key_id, "KA"));
    assert_true(str_is(found.session_token, "t-KA"));
    assert_true(str_is(found.account_id, "42"));
    assert_true(str_is(fake.requests[0].url, "https://sts.eu-west-1.amazonaws.com/"));
    assert_true(str_contains(fake.requests[0].headers, STR("Credential=KC/")));
    assert_true(str_contains(fake.requests[1].headers, STR("Credential=KB/")));
    assert_true(str_contains(fake.requests[1].headers, STR("X-Amz-Security-Token: t-KB")));
    assert_true(str_is(fake.requests[1].body,
                       "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3AA&RoleSessionName=me&"
                       "ExternalId=e%20d&DurationSeconds=900"));
}

static void roles_in_a_circle_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"[default]\nrole_arn=A\nsource_profile=b\n[profile b]\nrole_arn=B\nsource_profile="
         "default\n",
         "circle"},
        {"[default]\nrole_arn=A\nsource_profile=default\n", "circle"},
        {"[default]\nrole_arn=A\nsource_profile=no\n", "no profile 'no'"},
        {"[default]\nrole_arn=A\nsource_profile=b\n[profile b]\nregion=x\n", "has no credentials"},
        {"[default]\nrole_arn=A\n", "needs a source_profile"},
        {"[default]\nrole_arn=A\nsource_profile=b\ncredential_source=Environment\n", "exclude"},
        {"[default]\nrole_arn=A\ncredential_source=Moon\n", "'Moon'"},
        {"[default]\nrole_arn=A\nsource_profile=default\nduration_seconds=x\n", "seconds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_file("/home/.aws/config", cases[i].text);
        const struct err err = bad((struct aws_options){0}, RC_CONFIG);
        if (strstr(err.message, cases[i].part) == NULL)
            fail_msg("case %zu: %s", i, err.message);
    }
    assert_int_equal(fake.asked, 0);
}

static void a_code_that_only_a_person_has_is_not_waited_for(void **state)
{
    (void)state;
    put_file("/home/.aws/config",
             "[default]\nrole_arn=A\nsource_profile=default\nmfa_serial=arn:mfa\n");
    assert_non_null(strstr(bad((struct aws_options){0}, RC_DENIED).hint, "export-credentials"));
}

static void a_role_of_moulin_yml_is_assumed_with_what_the_chain_gives(void **state)
{
    (void)state;
    fake_set("AWS_ACCESS_KEY_ID=k");
    fake_set("AWS_SECRET_ACCESS_KEY=s");
    fake_answer(200, "", STS_ANSWER("AssumeRole", "KR", "2026-01-02T04:04:05Z"));
    const struct aws_options options = {.role_arn = STR("arn:R")};
    assert_true(str_is(good(fake_session(options)).access_key_id, "KR"));
    assert_true(str_is(fake.requests[0].url, "https://sts.us-east-1.amazonaws.com/"));
}

static void a_refused_role_names_it(void **state)
{
    (void)state;
    put_file("/home/.aws/config", "[default]\nrole_arn=arn:A\ncredential_source=Environment\n");
    fake_set("AWS_ACCESS_KEY_ID=");
    assert_non_null(
        strstr(bad((struct aws_options){0}, RC_DENIED).message, "AWS_ACCESS_KEY_ID is not set"));
    put_file("/home/.aws/config", "[default]\nrole_arn=arn:A\nsource_profile=b\n[profile b]\n"
                                  "aws_access_key_id=k\naws_secret_access_key=very-secret\n");
    fake_answer(403, "",
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:u is not "
                "authorized to perform: sts:AssumeRole on resource: arn:A</Message></Error>"
                "<RequestId>r-9</RequestId></ErrorResponse>");
    const struct err err = bad((struct aws_options){0}, RC_DENIED);
    assert_non_null(strstr(err.message, "sts:AssumeRole, role arn:A: AccessDenied"));
    assert_non_null(strstr(err.message, "r-9"));
    assert_string_equal(err.hint, "allow sts:AssumeRole on arn:A in a policy of arn:u");
    assert_null(strstr(err.message, "very-secret"));
}

static void a_web_identity_of_the_environment(void **state)
{
    (void)state;
    fake_set("AWS_WEB_IDENTITY_TOKEN_FILE=/token");
    fake_set("AWS_ROLE_ARN=arn:W");
    fake_set("AWS_ROLE_SESSION_NAME=ci");
    put_file("/token", "to+ken\n");
    put_file("/home/.aws/credentials",
             "[default]\naws_access_key_id=no\naws_secret_access_key=no\n");
    fake_answer(400, "",
                "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>");
    fake_answer(200, "", STS_ANSWER("AssumeRoleWithWebIdentity", "KW", "2026-01-02T04:04:05Z"));
    assert_true(str_is(good(plain()).access_key_id, "KW"));
    assert_true(str_contains(fake.requests[1].body, STR("&WebIdentityToken=to%2Bken")));
    assert_true(str_contains(fake.requests[1].body, STR("RoleSessionName=ci")));
    assert_false(str_contains(fake.requests[1].headers, STR("Authorization")));
}

// --- IAM Identity Center -----------------------------------------------------------------------

#define SSO_CONFIG                                                                                 \
    "[default]\nsso_session=corp\nsso_account_id=42\nsso_role_name=Dev\n"                          \
    "[sso-session corp]\nsso_region=eu-west-1\nsso_start_url=https://corp\n"

static const char *sso_path(void)
{
    const struct str hash = hash_hex(fake.arena, hash_of(HASH_SHA1, STR("corp")));
    return arena_printf(fake.arena, "/home/.aws/sso/cache/%.*s.json", STR_ARGS(hash)).bytes;
}

static void a_login_is_exchanged_and_refreshed(void **state)
{
    (void)state;
    put_file("/home/.aws/config", SSO_CONFIG);
    put_file(sso_path(),
             "{\"accessToken\":\"old\",\"expiresAt\":\"2026-01-02T03:00:00Z\",\"clientId\":\"c\","
             "\"clientSecret\":\"cs\",\"refreshToken\":\"rt\",\"region\":\"eu-west-1\","
             "\"registrationExpiresAt\":\"2026-02-01T00:00:00Z\"}");
    fake_answer(200, "", "{\"accessToken\":\"new\",\"expiresIn\":3600,\"refreshToken\":\"rt2\"}");
    fake_answer(200, "",
                "{\"roleCredentials\":{\"accessKeyId\":\"KS\",\"secretAccessKey\":\"s\","
                "\"sessionToken\":\"t\",\"expiration\":1767326645000}}");
    const struct aws_credentials found = good(plain());
    assert_true(str_is(found.access_key_id, "KS"));
    assert_int_equal(found.expires_us, FAKE_NOW_US + 3600 * TIME_US_PER_SECOND);
    assert_true(str_is(fake.requests[0].url, "https://oidc.eu-west-1.amazonaws.com/token"));
    assert_true(str_contains(fake.requests[0].body, STR("\"refreshToken\":\"rt\"")));
    assert_true(str_is(fake.requests[1].url,
                       "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?"
                       "account_id=42&role_name=Dev"));
    assert_true(str_contains(fake.requests[1].headers, STR("x-amz-sso_bearer_token: new")));
    struct str kept;
    assert_int_equal(fs_read(fake.arena,
                             arena_printf(fake.arena, "%.*s%s", STR_ARGS(fake_root), sso_path()),
                             4096, &kept, NULL),
                     RC_OK);
    assert_true(str_contains(kept, STR("\"accessToken\":\"new\"")));
    assert_true(str_contains(kept, STR("\"refreshToken\":\"rt2\"")));
    assert_true(str_contains(kept, STR("\"clientSecret\":\"cs\"")));
}

static void an_expired_login_says_how_to_log_in(void **state)
{
    (void)state;
    put_file("/home/.aws/config", SSO_CONFIG);
    assert_non_null(
        strstr(bad((struct aws_options){0}, RC_DENIED).hint, "aws sso login --sso-session corp"));
    put_file(sso_path(), "{\"accessToken\":\"old\",\"expiresAt\":\"2026-01-02T03:00:00Z\"}");
    const struct err err = bad((struct aws_options){0}, RC_DENIED);
    assert_non_null(strstr(err.message, "has expired"));
    assert_non_null(strstr(err.hint, "aws sso login --sso-session corp"));
    assert_int_equal(fake.asked, 0);
}

// --- credential_process ------------------------------------------------------------------------

static void a_process_gives_them(void **state)
{
    (void)state;
    put_file("/home/.aws/config",
             "[default]\ncredential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"KP\", "
             "\"SecretAccessKey\": \"a b\", \"Expiration\": \"2026-01-02T04:04:05Z\"}'\n");
    const struct aws_credentials found = good(plain());
    assert_true(str_is(found.access_key_id, "KP"));
    assert_true(str_is(found.secret_access_key, "a b"));
    assert_int_equal(found.expires_us, FAKE_NOW_US + 3600 * TIME_US_PER_SECOND);
}

static void a_process_that_fails_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *command, *part;
        rc code;
    } cases[] = {
        {"/nowhere/program", "/nowhere/program", RC_NOT_FOUND},
        {"/bin/false", "exit code 1", RC_DENIED},
        {"/bin/ls /no-such-folder", "/no-such-folder", RC_DENIED},
        {"/bin/echo '{\"Version\": 2}'", "\"Version\": 1", RC_INVALID},
        {"/bin/echo very-secret", "no JSON object", RC_INVALID},
        {"/bin/echo '{\"Version\": 1, \"AccessKeyId\": \"K\"}'", "SecretAccessKey", RC_INVALID},
        {"/bin/echo 'x", "not closed", RC_CONFIG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_file(
            "/home/.aws/config",
            arena_printf(fake.arena, "[default]\ncredential_process=%s\n", cases[i].command).bytes);
        const struct err err = bad((struct aws_options){0}, cases[i].code);
        if (strstr(err.message, cases[i].part) == NULL ||
            strstr(err.message, "~/.aws/config:2") == NULL ||
            strstr(err.message, "very-secret") != NULL)
            fail_msg("%s: %s", cases[i].command, err.message);
    }
}

static void command_lines_are_split_without_a_shell(void **state)
{
    (void)state;
    static const struct {
        const char *command, *words; // joined by |
    } cases[] = {
        {"a b\n c", "a|b|c"},
        {"'/my tools/x' --a=\"b \\\" c\" '' d\\ e", "/my tools/x|--a=b \" c||d e"},
        {"x $HOME `id` ; rm 'a\\b'", "x|$HOME|`id`|;|rm|a\\b"},
        {"x \"a\\n\"", "x|a\\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        str_vec words;
        assert_int_equal(aws_process_arguments(fake.arena, str_of(cases[i].command), &words, NULL),
                         RC_OK);
        const struct str joined = str_join(fake.arena, words.items, words.count, STR("|"));
        assert_true(str_is(joined, cases[i].words));
    }
    str_vec words;
    assert_int_equal(aws_process_arguments(fake.arena, STR("  "), &words, NULL), RC_CONFIG);
}

// --- containers and instances ------------------------------------------------------------------

#define KEYS_ANSWER                                                                                \
    "{\"AccessKeyId\":\"KM\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":"            \
    "\"2026-01-02T04:04:05Z\"}"

static void a_container_is_asked_again_when_it_is_not_ready(void **state)
{
    (void)state;
    fake_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/x");
    fake_fail(RC_TIMEOUT);
    fake_answer(500, "", "");
    fake_answer(200, "", KEYS_ANSWER);
    assert_true(str_is(good(plain()).access_key_id, "KM"));
    assert_true(str_is(fake.requests[2].url, "http://169.254.170.2/v2/credentials/x"));
}

static void credentials_are_not_fetched_from_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_fine;
    } cases[] = {
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://evil.example/x", false},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.evil.example/x", false},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.2@evil.example/x", false},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:99/x", true},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]/x", true},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI=https://own.example/x", true},
    };
    fake_set("AWS_CONTAINER_AUTHORIZATION_TOKEN=tok");
    const size_t at = fake.environment_count;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake.environment_count = at;
        fake_set(cases[i].url);
        if (!cases[i].is_fine) {
            (void)bad((struct aws_options){0}, RC_CONFIG);
            continue;
        }
        fake_answer(200, "", KEYS_ANSWER);
        assert_true(str_is(good(plain()).access_key_id, "KM"));
    }
    assert_int_equal(fake.asked, 3);
    assert_true(str_contains(fake.requests[0].headers, STR("Authorization: tok\n")));
}

static void an_instance_is_asked_by_version_2_only(void **state)
{
    (void)state;
    fake_set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6");
    fake_answer(200, "", "tok\n");
    fake_answer(200, "", "my-role\n");
    fake_answer(200, "", KEYS_ANSWER);
    struct aws_session *session = plain();
    assert_true(str_is(good(session).access_key_id, "KM"));
    assert_true(str_is(fake.requests[0].method, "PUT"));
    assert_true(str_is(fake.requests[2].url, "http://[fd00:ec2::254]/latest/meta-data/iam/"
                                             "security-credentials/my-role"));
    assert_true(str_contains(fake.requests[2].headers, STR("x-aws-ec2-metadata-token: tok")));
    // It knows the region as well, when nobody else does.
    struct str region;
    fake_answer(200, "", "tok");
    fake_answer(200, "", "eu-north-1");
    assert_int_equal(aws_session_region(session, fake.arena, &region, NULL), RC_OK);
    assert_true(str_is(region, "eu-north-1"));
}

// --- keeping -----------------------------------------------------------------------------------

static void they_are_kept_until_shortly_before_they_expire(void **state)
{
    (void)state;
    fake_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
    fake_answer(200, "", KEYS_ANSWER);
    fake_answer(200, "",
                "{\"AccessKeyId\":\"KN\",\"SecretAccessKey\":\"s\",\"Expiration\":"
                "\"2026-01-02T05:04:05Z\"}");
    struct aws_session *session = plain();
    assert_true(str_is(good(session).access_key_id, "KM"));
    fake.now_us += 49 * 60 * TIME_US_PER_SECOND;
    assert_true(str_is(good(session).access_key_id, "KM"));
    assert_int_equal(fake.asked, 1);
    fake.now_us += 2 * 60 * TIME_US_PER_SECOND;
    assert_true(str_is(good(session).access_key_id, "KN"));
    assert_int_equal(fake.asked, 2);
}

static void a_failed_refresh_does_not_end_what_still_works(void **state)
{
    (void)state;
    fake_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
    fake_answer(200, "", KEYS_ANSWER);
    struct aws_session *session = plain();
    (void)good(session);
    fake.now_us += 55 * 60 * TIME_US_PER_SECOND;
    for (int i = 0; i < 3; i++)
        fake_fail(RC_TIMEOUT);
    assert_true(str_is(good(session).access_key_id, "KM"));
    assert_true(str_is(good(session).access_key_id, "KM")); // and nobody is asked at once again
    assert_int_equal(fake.asked, 4);
    fake.now_us += 6 * 60 * TIME_US_PER_SECOND;
    for (int i = 0; i < 3; i++)
        fake_fail(RC_TIMEOUT);
    struct aws_credentials found;
    assert_int_equal(aws_session_credentials(session, fake.arena, &found, NULL), RC_TIMEOUT);
}

static void an_expired_token_is_replaced_once(void **state)
{
    (void)state;
    fake_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
    fake_set("AWS_REGION=eu-west-1");
    fake_answer(200, "", KEYS_ANSWER);
    fake_answer(400, "", "{\"__type\":\"ExpiredTokenException\",\"message\":\"expired\"}");
    fake_answer(200, "", "{\"AccessKeyId\":\"KN\",\"SecretAccessKey\":\"s\"}");
    fake_answer(400, "", "{\"__type\":\"ExpiredTokenException\",\"message\":\"expired\"}");
    struct aws_client *client;
    struct json answer;
    struct err err = {0};
    assert_int_equal(aws_client_open(fake.arena, plain(), &aws_glue, &client, NULL), RC_OK);
    assert_int_equal(aws_call_json(client, fake.arena, &(struct aws_call){.action = "GetTable"},
                                   &answer, NULL, &err),
                     RC_DENIED);
    assert_true(str_contains(fake.requests[3].headers, STR("Credential=KN/")));
    assert_non_null(strstr(err.hint, "expired"));
    assert_int_equal(fake.asked, 4);
}

static void *ask_in_thread(void *user)
{
    struct aws_session *session = user;
    for (int i = 0; i < 200; i++) {
        struct arena *arena = arena_open(NULL);
        struct aws_credentials found;
        if (aws_session_credentials(session, arena, &found, NULL) != RC_OK ||
            !str_is(found.access_key_id, "KM"))
            abort();
        arena_close(arena);
    }
    return NULL;
}

static void threads_ask_once(void **state)
{
    (void)state;
    fake_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
    fake_answer(200, "", KEYS_ANSWER);
    struct aws_session *session = plain();
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, session), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fake.asked, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_environment_comes_first),
        TEST(a_profile_of_moulin_yml_comes_before_it_where_it_exists),
        TEST(a_missing_profile_is_an_error_with_a_suggestion),
        TEST(nobody_has_any),
        TEST(half_a_key_is_an_error),
        TEST(roles_are_assumed_one_with_the_other),
        TEST(roles_in_a_circle_are_refused),
        TEST(a_code_that_only_a_person_has_is_not_waited_for),
        TEST(a_role_of_moulin_yml_is_assumed_with_what_the_chain_gives),
        TEST(a_refused_role_names_it),
        TEST(a_web_identity_of_the_environment),
        TEST(a_login_is_exchanged_and_refreshed),
        TEST(an_expired_login_says_how_to_log_in),
        TEST(a_process_gives_them),
        TEST(a_process_that_fails_is_told),
        TEST(command_lines_are_split_without_a_shell),
        TEST(a_container_is_asked_again_when_it_is_not_ready),
        TEST(credentials_are_not_fetched_from_anywhere),
        TEST(an_instance_is_asked_by_version_2_only),
        TEST(they_are_kept_until_shortly_before_they_expire),
        TEST(a_failed_refresh_does_not_end_what_still_works),
        TEST(an_expired_token_is_replaced_once),
        TEST(threads_ask_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
