/// @file load_settings.c
/// The keys of source.yml that say how records land. See load.h. Layer: ingest.

#include "ingest/load.h"

static rc read_detectors(const struct json *names, unsigned *ret_detectors, struct err *err)
{
    unsigned detectors = 0;
    for (size_t i = 0; i < names->count; i++) {
        const struct str name = json_str(&names->items[i], STR(""));
        if (detector_of(name) == 0) {
            err_set(err, RC_CONFIG, "unknown detector '%.*s'", STR_ARGS(name));
            return err_hint(err, "use iso_timestamp, iso_date, timestamp or large_integer");
        }
        detectors |= detector_of(name);
    }
    // None: 0 would mean the default, and large integers are told anyway.
    *ret_detectors = detectors != 0 ? detectors : DETECT_LARGE_INTEGER;
    return RC_OK;
}

static rc read_type_change(struct str name, enum type_change *ret_change, struct err *err)
{
    static const char *const names[] = {"variant", "widen", "text", "fail"}; // of the enum
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(name, names[i])) {
            *ret_change = (enum type_change)i;
            return RC_OK;
        }
    err_set(err, RC_CONFIG, "on_type_change has no mode '%.*s'", STR_ARGS(name));
    return err_hint(err, "use variant, widen, text or fail");
}

static void read_checkpoint(const struct json *checkpoint, struct load_settings *settings)
{
    double minutes = 0;
    if (json_to_double(json_get(checkpoint, STR("minutes")), &minutes))
        settings->checkpoint_us = (int64_t)(minutes * 60 * 1e6);
    settings->checkpoint_bytes = json_int64(json_get(checkpoint, STR("bytes")), 0);
}

rc load_settings_parse(struct arena *arena, const struct json *settings,
                       struct load_settings *ret_settings, struct err *err)
{
    struct load_settings result = {.detectors = DETECT_ISO_TIMESTAMP};
    const struct json *naming = json_get(settings, STR("naming"));
    if (naming != NULL)
        TRY(naming_of(json_str(naming, STR("")), &result.naming, err));
    const struct json *detect = json_get(settings, STR("detect"));
    if (detect != NULL && detect->kind == JSON_ARRAY)
        TRY(read_detectors(detect, &result.detectors, err));
    const struct json *change = json_get(settings, STR("on_type_change"));
    if (change != NULL)
        TRY(read_type_change(json_str(change, STR("")), &result.type_change, err));
    TRY(contract_parse(json_get(settings, STR("schema_contract")), result.contract,
                       &result.contract, err));
    const struct json *columns = json_get(settings, STR("json_columns"));
    for (size_t i = 0; columns != NULL && columns->kind == JSON_ARRAY && i < columns->count; i++)
        *vec_push(arena, &result.json_columns) = json_str(&columns->items[i], STR(""));
    result.keep_null_columns = json_bool(json_get(settings, STR("keep_null_columns")), false);
    read_checkpoint(json_get(settings, STR("checkpoint")), &result);
    result.budget_bytes = json_int64(json_get(settings, STR("memory_bytes")), 0);
    *ret_settings = result;
    return RC_OK;
}
