#include "cli/lambda_answer.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "cli/lambda.h"

enum { CUT_ITEMS = 20 };

static void put_number(struct arena *arena, struct json *object, const char *key, int64_t number)
{
    *json_object_set(arena, object, str_of(key)) = json_of_int64(arena, number);
}

/// Cuts the lists one after another until the answer is short enough.
static struct str print_within(struct arena *arena, struct json *answer)
{
    static const char *const lists[] = {"schema_changes", "tables"};
    struct str text = json_print(arena, answer, JSON_COMPACT);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct json *list = json_get(answer, str_of(lists[i]));
        if (text.length <= LAMBDA_MAX_ANSWER_BYTES || list == NULL || list->count <= CUT_ITEMS)
            continue;
        struct json shorter = *list;
        shorter.count = CUT_ITEMS;
        *json_object_set(arena, answer, str_of(lists[i])) = shorter;
        *json_object_set(arena, answer, STR("is_cut")) = json_of_bool(true);
        text = json_print(arena, answer, JSON_COMPACT);
    }
    return text;
}

static int64_t sum_of(const struct json *answer, const char *key)
{
    const struct json *tables = json_get(answer, STR("tables"));
    int64_t sum = 0;
    for (size_t i = 0; tables != NULL && tables->kind == JSON_ARRAY && i < tables->count; i++)
        sum += json_int64(json_get(&tables->items[i], str_of(key)), 0);
    return sum;
}

static struct json metric_names(struct arena *arena, const char *const (*metrics)[2], size_t count)
{
    struct json list = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < count; i++) {
        struct json *metric = json_array_push(arena, &list);
        *metric = (struct json){.kind = JSON_OBJECT};
        *json_object_set(arena, metric, STR("Name")) = json_of_str(str_of(metrics[i][0]));
        *json_object_set(arena, metric, STR("Unit")) = json_of_str(str_of(metrics[i][1]));
    }
    return list;
}

/// CloudWatch makes metrics of such a line, without a call.
static struct str metrics_line(struct arena *arena, const struct lambda_answer_options *options,
                               const struct json *answer)
{
    static const char *const metrics[][2] = {
        {"rows_read", "Count"},  {"rows_written", "Count"}, {"rows_rejected", "Count"},
        {"bytes_read", "Bytes"}, {"requests", "Count"},     {"duration", "Milliseconds"}};
    const char *environment = getenv("ENVIRONMENT");
    struct json line = {.kind = JSON_OBJECT}, aws = {.kind = JSON_OBJECT};
    struct json directive = {.kind = JSON_OBJECT}, names = {.kind = JSON_ARRAY};
    struct json sets = {.kind = JSON_ARRAY}, directives = {.kind = JSON_ARRAY};
    *json_array_push(arena, &names) = json_of_str(STR("environment"));
    *json_array_push(arena, &names) = json_of_str(STR("source"));
    *json_array_push(arena, &sets) = names;
    *json_object_set(arena, &directive, STR("Namespace")) = json_of_str(STR("Moulin"));
    *json_object_set(arena, &directive, STR("Dimensions")) = sets;
    *json_object_set(arena, &directive, STR("Metrics")) =
        metric_names(arena, metrics, sizeof metrics / sizeof metrics[0]);
    *json_array_push(arena, &directives) = directive;
    put_number(arena, &aws, "Timestamp", time_now_us() / 1000);
    *json_object_set(arena, &aws, STR("CloudWatchMetrics")) = directives;
    *json_object_set(arena, &line, STR("_aws")) = aws;
    *json_object_set(arena, &line, STR("environment")) =
        json_of_str(str_of(environment != NULL ? environment : "default"));
    *json_object_set(arena, &line, STR("source")) = json_of_str(options->source);
    *json_object_set(arena, &line, STR("run_id")) = json_of_str(options->run_id);
    put_number(arena, &line, "rows_read", sum_of(answer, "rows_read"));
    put_number(arena, &line, "rows_written", sum_of(answer, "rows_written"));
    put_number(arena, &line, "rows_rejected", sum_of(answer, "rows_rejected"));
    put_number(arena, &line, "bytes_read", json_int64(json_get(answer, STR("bytes")), 0));
    put_number(arena, &line, "requests", json_int64(json_get(answer, STR("requests")), 0));
    put_number(arena, &line, "duration", options->duration_ms);
    return str_concat(arena, json_print(arena, &line, JSON_COMPACT), STR("\n"));
}

rc lambda_answer_make(struct arena *arena, const struct lambda_answer_options *options,
                      struct lambda_answer *ret_answer, struct err *err)
{
    struct json answer = {.kind = JSON_OBJECT};
    if (str_is(options->source, "transform")) {
        *json_object_set(arena, &answer, STR("status")) = json_of_str(STR("complete"));
        *json_object_set(arena, &answer, STR("source")) = json_of_str(options->source);
        *json_object_set(arena, &answer, STR("run_id")) = json_of_str(options->run_id);
    } else {
        TRY(json_parse(arena, options->output, "the command's answer", &answer, err));
    }
    if (options->remaining_ms >= 0)
        put_number(arena, &answer, "remaining_ms", options->remaining_ms);
    ret_answer->metrics = metrics_line(arena, options, &answer);
    ret_answer->body = print_within(arena, &answer);
    return RC_OK;
}
