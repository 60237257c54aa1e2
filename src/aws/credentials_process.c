// credential_process: a program that prints credentials. Layer: aws.
// Threads: called with the session's lock held. Source: AWS SDKs and Tools Reference Guide
// ("Process credential provider"). Limits: output of 64 KiB, one minute.

#include "aws/credentials.intern.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/time.h"

enum { MAX_OUTPUT_BYTES = 64 << 10 };
#define TIMEOUT_US (60 * TIME_US_PER_SECOND)

rc aws_process_arguments(struct arena *arena, struct str command, str_vec *ret_arguments,
                         struct err *err)
{
    str_vec arguments = {0};
    char *word = arena_alloc(arena, command.length + 1); // all words, one behind the other
    size_t start = 0, end = 0;
    char quote = '\0';
    bool is_open = false; // a word began, maybe an empty one: ''
    for (size_t i = 0; i < command.length; i++) {
        const char c = command.bytes[i];
        const bool has_next = i + 1 < command.length;
        if (quote == '\0' && strchr(" \t\r\n", c) != NULL && c != '\0') {
            if (is_open)
                *vec_push(arena, &arguments) = (struct str){word + start, end - start};
            start = end;
            is_open = false;
            continue;
        }
        is_open = true;
        if (quote == '\0' && (c == '"' || c == '\''))
            quote = c;
        else if (quote != '\0' && c == quote)
            quote = '\0';
        else if (c == '\\' && has_next &&
                 (quote == '\0' || (quote == '"' && strchr("\"\\$`", command.bytes[i + 1]))))
            word[end++] = command.bytes[++i];
        else
            word[end++] = c;
    }
    if (quote != '\0')
        return err_set(err, RC_CONFIG, "a %c is not closed", quote);
    if (is_open)
        *vec_push(arena, &arguments) = (struct str){word + start, end - start};
    if (arguments.count == 0)
        return err_set(err, RC_CONFIG, "the command is empty");
    *ret_arguments = arguments;
    return RC_OK;
}

static rc run(struct arena *arena, const str_vec *arguments, struct str *ret_output,
              struct err *err)
{
    const struct process_options options = {
        .arguments = arguments->items,
        .argument_count = arguments->count,
        .captures_output = true,
        .captures_errors = true,
        .max_output_bytes = MAX_OUTPUT_BYTES,
        .timeout_us = TIMEOUT_US,
    };
    struct process_result result;
    TRY(process_run(arena, &options, &result, err));
    if (result.exit_code != 0) {
        struct str rest = str_trim(result.errors), line = STR("");
        str_split_next(&rest, '\n', &line);
        return err_set(err, RC_DENIED, "it ended with exit code %d%s%.*s", result.exit_code,
                       line.length > 0 ? ": " : "", STR_ARGS(str_slice(line, 0, 300)));
    }
    *ret_output = result.output;
    return RC_OK;
}

rc aws_credentials_process(struct aws_session *session, struct arena *arena,
                           const struct aws_section *profile,
                           struct aws_credentials *ret_credentials, struct err *err)
{
    (void)session;
    static const struct aws_credentials_keys keys = {
        .key_id = "AccessKeyId",
        .secret = "SecretAccessKey",
        .token = "SessionToken",
        .account_id = "AccountId",
        .expiration = "Expiration",
    };
    const struct str place = aws_place_of(arena, profile, "credential_process");
    str_vec arguments;
    struct str output;
    struct json head;
    TRY_CONTEXT(aws_process_arguments(arena, aws_section_get(profile, "credential_process"),
                                      &arguments, err),
                err, "%.*s", STR_ARGS(place));
    TRY_CONTEXT(run(arena, &arguments, &output, err), err, "%.*s", STR_ARGS(place));
    if (json_parse(arena, output, "output", &head, NULL) == RC_OK &&
        json_int64(json_get(&head, STR("Version")), 0) != 1) {
        secret_wipe((char *)(uintptr_t)output.bytes, output.length);
        return err_set(err, RC_INVALID, "%.*s: the output has no \"Version\": 1", STR_ARGS(place));
    }
    const struct str what = arena_printf(arena, "the output of %.*s", STR_ARGS(place));
    TRY(aws_credentials_of_json(arena, output, what.bytes, &keys, ret_credentials, err));
    ret_credentials->source = "credential_process";
    return RC_OK;
}
