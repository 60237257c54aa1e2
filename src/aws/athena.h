/// @file athena.h
/// Amazon Athena: start a statement, ask how it stands, read rows, stop it. Layer: aws.
/// Source: Athena API reference 2017-05-18. Threads: as the client.
/// Limits: a statement has ATHENA_MAX_STATEMENT_BYTES; a page of results has 1,000 rows.

#ifndef AWS_ATHENA_H
#define AWS_ATHENA_H

#include "aws/client.h"

enum { ATHENA_MAX_STATEMENT_BYTES = 262144, ATHENA_PAGE_ROWS = 1000 };

struct athena_statement {
    struct str sql;
    struct str catalog, database; // of names without one; "" = the account's default
    struct str work_group;        // "" = primary
    struct str output_location;   // s3://...; "" = as the work group says
    struct str token;             // 32 to 128 characters: the same token starts nothing twice
    int64_t reuse_minutes;        // results of so many minutes ago will do; 0 = no
};

/// @param ret_id  lives in `arena`
/// @return RC_OK | RC_LIMIT (too many statements at once; throttling is tried again) | as aws_call
CHECK rc athena_start(struct aws_client *client, struct arena *arena,
                      const struct athena_statement *statement, struct str *ret_id,
                      struct aws_failure *ret_failure, struct err *err);

enum athena_state {
    ATHENA_QUEUED,
    ATHENA_RUNNING,
    ATHENA_SUCCEEDED,
    ATHENA_FAILED,
    ATHENA_CANCELLED,
};
struct athena_execution {
    enum athena_state state;
    struct str reason;  // why it failed; "" = none
    struct str kind;    // "DDL", "DML", "UTILITY"
    struct str subkind; // "CREATE_TABLE_AS_SELECT", "MERGE_TABLE"; "" = none
    struct str output_location;
    int error_category;    // AthenaError: 1 system, 2 user, 3 other; 0 = none
    bool is_retryable;     // AthenaError.Retryable
    int64_t scanned_bytes; // -1 = not known
    int64_t elapsed_ms;    // -1 = not known
};
CHECK rc athena_execution(struct aws_client *client, struct arena *arena, struct str id,
                          struct athena_execution *ret_execution, struct err *err);

/// One page of GetQueryResults: .ResultSet.ResultSetMetadata.ColumnInfo, .ResultSet.Rows (the first
/// row of the first page of a query is the header), .UpdateCount.
/// @param next_token      "" = the first page
/// @param ret_next_token  "" = there is no other
CHECK rc athena_results(struct aws_client *client, struct arena *arena, struct str id,
                        struct str next_token, struct json *ret_answer, struct str *ret_next_token,
                        struct err *err);

/// Also sent when the process was asked to stop. RC_OK when it had ended already.
CHECK rc athena_stop(struct aws_client *client, struct arena *arena, struct str id,
                     struct err *err);

/// Bytes that are paid for: rounded up to the next MB, at least 10 MB. 0 for DDL.
int64_t athena_billed_bytes(const struct athena_execution *execution);

#endif
