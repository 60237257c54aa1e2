/// @file doctor.h
/// What the checks of `moulin doctor` share: one line of the answer per check. Layer: cli.
/// A check returns RC_OK also when it finds something wrong: it says so. Only an answer that cannot
/// be written ends the command.

#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/command.h"

struct aws_call;
struct aws_failure;
struct aws_service;
struct aws_session;
struct catalog;

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
    struct command_context *context;
    struct arena *arena;
    struct project *project; // NULL = none
    struct catalog *catalog; // NULL = could not be opened, or is not there yet
    size_t failures;
    // of an environment in AWS
    struct aws_session *session;
    struct str partition, account, region; // "aws", "123456789012", "eu-west-1"
    bool has_no_bucket;                    // the warehouse's; said already
    bool is_cut_off;                       // no credentials: nothing in AWS can be asked
};

/// One line. @param what  "bucket dev-staging": the line's name
CHECK rc doctor_say(struct doctor *d, struct str what, enum doctor_verdict verdict, struct str text,
                    struct err *err);
/// The line of something that failed: its message, and in parentheses what to do.
/// @param todo  "" = the hint of the problem
CHECK rc doctor_say_err(struct doctor *d, struct str what, enum doctor_verdict verdict,
                        const struct err *problem, const char *todo, struct err *err);

/// Whether the environment calls AWS at all.
bool doctor_needs_aws(const struct project *project);
/// Region, credentials, clock, endpoints, buckets, databases, work group.
CHECK rc doctor_check_account(struct doctor *d, struct err *err);
/// What `make deploy` makes: secrets, functions, state machines, the task; and what it needs here.
CHECK rc doctor_check_deployed(struct doctor *d, struct err *err);

/// A call by its service; answers of the JSON protocols are parsed into *ret_answer (may be NULL).
CHECK rc doctor_call(struct doctor *d, const struct aws_service *service,
                     const struct aws_call *call, struct json *ret_answer,
                     struct aws_failure *ret_failure, struct err *err);
/// {"key": "value"} as the body of a call.
struct str doctor_body(struct arena *arena, const char *key, struct str value);

#endif
