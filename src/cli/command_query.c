// moulin query SQL: read-only SQL over all tables of the catalog.

#include <unistd.h>

#include "base/buf.h"
#include "cli/commands.gen.h"
#include "cli/query.h"
#include "cli/travel.h"

static rc read_stdin(struct arena *arena, struct str *ret_text, struct err *err)
{
    struct buf text;
    buf_init(&text, TRAVEL_MAX_SQL_BYTES);
    char piece[65536];
    ssize_t got;
    while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        buf_append(&text, piece, (size_t)got);
    const rc result = buf_check(&text, err, "the query on stdin");
    if (result == RC_OK)
        *ret_text = arena_str(arena, buf_str(&text));
    buf_done(&text);
    return result;
}

rc command_query(struct command_context *context, struct err *err)
{
    struct str sql = context->arguments[0];
    if (str_is(sql, "-"))
        TRY(read_stdin(context->arena, &sql, err));
    if (str_trim(sql).length == 0)
        return command_usage_error(context, err, "the query is empty");
    struct query_options options = {
        .limit = command_has(context, "limit") ? command_int(context, "limit") : -1};
    options.snapshot_count = command_list(context, "snapshot", &options.snapshots);
    if (command_has(context, "as-of"))
        TRY(table_time_parse(command_text(context, "as-of"), &options.as_of_ms, err));
    if (command_flag(context, "csv"))
        output_set_format(context->output, OUTPUT_CSV);
    else if (command_flag(context, "lines"))
        output_set_format(context->output, OUTPUT_LINES);
    return query_run(context, sql, &options, err);
}
