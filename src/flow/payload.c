#include "flow/payload.h"

#include "base/buf.h"

enum { MAX_RUN_ID_BYTES = 500, MAX_CLASS_BYTES = 100 };

/// What `input` may say, and the option of moulin ingest that it becomes.
static const struct {
    const char *key, *option;
    enum json_kind kind; // JSON_ARRAY: one option per item
} input_keys[] = {
    {"resources", "--resource", JSON_ARRAY},   {"start_month", "--start-month", JSON_STRING},
    {"end_month", "--end-month", JSON_STRING}, {"full_refresh", "--full-refresh", JSON_BOOL},
    {"replay", "--replay", JSON_STRING},       {"now", "--now", JSON_STRING},
    {"limit", "--limit", JSON_NUMBER},         {"vars", "--var", JSON_OBJECT},
};
enum { INPUT_KEYS = sizeof input_keys / sizeof input_keys[0] };

static void add_option(struct arena *arena, struct payload *payload, const char *option,
                       struct str value)
{
    *vec_push(arena, &payload->options) = arena_printf(arena, "%s=%.*s", option, STR_ARGS(value));
}

static rc add_list(struct arena *arena, struct payload *payload, const char *option,
                   const struct json *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind != JSON_STRING)
            return err_set(err, RC_USAGE, "the event's input.resources must be a list of names");
        add_option(arena, payload, option, list->items[i].text);
    }
    return RC_OK;
}

static rc add_variables(struct arena *arena, struct payload *payload, const char *option,
                        const struct json *object, struct err *err)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct json_member *member = &object->members[i];
        if (member->value.kind != JSON_STRING && member->value.kind != JSON_NUMBER)
            return err_set(err, RC_USAGE, "the event's input.vars.%.*s must be a text or a number",
                           STR_ARGS(member->key));
        add_option(
            arena, payload, option,
            arena_printf(arena, "%.*s=%.*s", STR_ARGS(member->key), STR_ARGS(member->value.text)));
    }
    return RC_OK;
}

static rc check_count(struct str key, const struct json *value, struct err *err)
{
    int64_t number;
    if (json_to_int64(value, &number) && number > 0)
        return RC_OK;
    return err_set(err, RC_USAGE, "the event's input.%.*s must be a whole number above 0",
                   STR_ARGS(key));
}

static rc unknown_key(struct arena *arena, const char *where, struct str key, struct err *err)
{
    struct str names[INPUT_KEYS];
    for (size_t i = 0; i < INPUT_KEYS; i++)
        names[i] = str_of(input_keys[i].key);
    const struct str all = str_join(arena, names, INPUT_KEYS, STR(", "));
    err_set(err, RC_USAGE, "the event's key %s%.*s is unknown or of the wrong type", where,
            STR_ARGS(key));
    return err_hint(err, "there is run_id and input, with %.*s in it", STR_ARGS(all));
}

static rc add_input(struct arena *arena, struct payload *payload, struct str key,
                    const struct json *value, struct err *err)
{
    for (size_t i = 0; i < INPUT_KEYS; i++) {
        const char *option = input_keys[i].option;
        if (!str_is(key, input_keys[i].key) || value->kind != input_keys[i].kind)
            continue;
        switch (value->kind) {
        case JSON_ARRAY:
            return add_list(arena, payload, option, value, err);
        case JSON_OBJECT:
            return add_variables(arena, payload, option, value, err);
        case JSON_BOOL:
            if (value->boolean)
                *vec_push(arena, &payload->options) = str_of(option);
            return RC_OK;
        case JSON_NUMBER:
            TRY(check_count(key, value, err));
            add_option(arena, payload, option, value->text);
            return RC_OK;
        default:
            add_option(arena, payload, option, value->text);
            return RC_OK;
        }
    }
    return unknown_key(arena, "input.", key, err);
}

static rc read_member(struct arena *arena, const struct json_member *member,
                      struct payload *payload, struct err *err)
{
    if (str_is(member->key, "run_id") && member->value.kind == JSON_STRING &&
        member->value.text.length <= MAX_RUN_ID_BYTES) {
        payload->run_id = member->value.text;
        return RC_OK;
    }
    if (str_is(member->key, "input") &&
        (member->value.kind == JSON_OBJECT || member->value.kind == JSON_NULL))
        return RC_OK; // read behind
    return unknown_key(arena, "", member->key, err);
}

rc payload_read(struct arena *arena, const struct json *value, struct payload *ret_payload,
                struct err *err)
{
    struct payload payload = {0};
    const struct json *input = json_get(value, STR("input"));
    if (value != NULL && value->kind != JSON_OBJECT && value->kind != JSON_NULL)
        return err_set(err, RC_USAGE, "the event is no object");
    for (size_t i = 0; value != NULL && value->kind == JSON_OBJECT && i < value->count; i++)
        TRY(read_member(arena, &value->members[i], &payload, err));
    for (size_t i = 0; input != NULL && input->kind == JSON_OBJECT && i < input->count; i++)
        TRY(add_input(arena, &payload, input->members[i].key, &input->members[i].value, err));
    *ret_payload = payload;
    return RC_OK;
}

struct str payload_error_name(struct arena *arena, struct str error_class)
{
    struct buf to;
    bool is_start = true;
    buf_init(&to, MAX_CLASS_BYTES * 2);
    buf_append_cstr(&to, "Moulin.");
    for (size_t i = 0; i < error_class.length && i < MAX_CLASS_BYTES; i++) {
        const char c = error_class.bytes[i];
        if (c == '_') {
            is_start = true;
            continue;
        }
        buf_append_byte(&to, is_start && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        is_start = false;
    }
    const struct str name = arena_str(arena, buf_str(&to));
    buf_done(&to);
    return name;
}
