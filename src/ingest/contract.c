/// @file contract.c
/// See contract.h. Layer: ingest.

#include "ingest/contract.h"

static const char *const mode_names[] = {"evolve", "freeze", "discard_row", "discard_value"};
enum { MODE_COUNT = sizeof mode_names / sizeof mode_names[0] };

static rc parse_mode(const struct json *json, enum contract_mode *ret_mode, struct err *err)
{
    const struct str text = json_str(json, STR(""));
    for (size_t i = 0; i < MODE_COUNT; i++)
        if (str_is(text, mode_names[i])) {
            *ret_mode = (enum contract_mode)i;
            return RC_OK;
        }
    err_set(err, RC_CONFIG, "a schema contract knows no mode '%.*s'", STR_ARGS(text));
    return err_hint(err, "use evolve, freeze, discard_row or discard_value");
}

rc contract_parse(const struct json *json, struct contract fallback, struct contract *ret_contract,
                  struct err *err)
{
    struct contract contract = fallback;
    if (json == NULL || json->kind == JSON_NULL) {
        *ret_contract = contract;
        return RC_OK;
    }
    if (json->kind == JSON_STRING) {
        TRY(parse_mode(json, &contract.tables, err));
        contract.columns = contract.data_type = contract.tables;
        *ret_contract = contract;
        return RC_OK;
    }
    if (json->kind != JSON_OBJECT)
        return err_set(err, RC_CONFIG, "a schema contract is a mode or an object of modes");
    for (size_t i = 0; i < json->count; i++) {
        const struct json_member *member = &json->members[i];
        enum contract_mode *mode = str_is(member->key, "tables")      ? &contract.tables
                                   : str_is(member->key, "columns")   ? &contract.columns
                                   : str_is(member->key, "data_type") ? &contract.data_type
                                                                      : NULL;
        if (mode == NULL) {
            err_set(err, RC_CONFIG, "a schema contract knows no '%.*s'", STR_ARGS(member->key));
            return err_hint(err, "it has tables, columns and data_type");
        }
        TRY(parse_mode(&member->value, mode, err));
    }
    *ret_contract = contract;
    return RC_OK;
}
