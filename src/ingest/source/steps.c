// processing_steps. Layer: ingest.

#include "ingest/source/steps.h"

rc steps_open(struct arena *arena, const struct json *config, struct steps **ret_steps,
              struct err *err)
{
    (void)arena, (void)config, (void)ret_steps;
    return err_set(err, RC_UNSUPPORTED, "processing_steps cannot be run by this build");
}

rc steps_apply(struct steps *steps, struct arena *arena, const struct json *record,
               const struct json **ret_record, struct err *err)
{
    (void)steps, (void)arena, (void)err;
    *ret_record = record;
    return RC_OK;
}
