// Retriers and catchers. Source: Amazon States Language "Errors": counters belong to each retrier
// and start anew when the state is entered.

#include <math.h>

#include "flow/frame.h"

enum { DEFAULT_INTERVAL_SECONDS = 1, DEFAULT_MAX_ATTEMPTS = 3, MAX_RETRIERS = 100 };
static const double max_delay_seconds = 31622400;

static bool matches_error(const struct json *handler, struct str error, const char *state_type)
{
    const struct json *names = json_get(handler, STR("ErrorEquals"));
    // The language says that States.ALL does not catch States.DataLimitExceeded either; AWS does.
    const bool is_fatal = str_is(error, "States.Runtime");
    for (size_t i = 0; names != NULL && i < names->count; i++) {
        const struct str name = json_str(&names->items[i], STR(""));
        if (str_equal(name, error) && error.length > 0)
            return true;
        if (str_is(name, "States.ALL") && !is_fatal)
            return true;
        if (str_is(name, "States.TaskFailed") && strcmp(state_type, "Task") == 0 && !is_fatal &&
            !str_is(error, "States.Timeout"))
            return true;
    }
    return false;
}

/// A number between 0 and 1 that is different each time (splitmix64).
static double next_random(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    uint64_t z = (uint64_t)run->random + UINT64_C(0x9e3779b97f4a7c15);
    run->random = (int64_t)z;
    pthread_mutex_unlock(&run->lock);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double delay_of(struct run *run, const struct json *retrier, int64_t used)
{
    double rate = 2, limit = max_delay_seconds;
    const int64_t interval =
        json_int64(json_get(retrier, STR("IntervalSeconds")), DEFAULT_INTERVAL_SECONDS);
    const struct json *rate_value = json_get(retrier, STR("BackoffRate"));
    if (rate_value != NULL && !json_to_double(rate_value, &rate))
        rate = 2;
    limit = (double)json_int64(json_get(retrier, STR("MaxDelaySeconds")), (int64_t)limit);
    double delay = (double)interval * pow(rate, (double)used);
    if (!(delay < limit))
        delay = limit;
    if (str_is(json_str(json_get(retrier, STR("JitterStrategy")), STR("")), "FULL"))
        delay *= next_random(run);
    return delay;
}

/// Looks for a retrier that has attempts left, waits as it says.
static rc retry(struct visit *visit, int64_t *used, bool *ret_again, struct err *err)
{
    struct frame *frame = visit->frame;
    const struct json *list = json_get(visit->state, STR("Retry"));
    *ret_again = false;
    for (size_t i = 0; list != NULL && i < list->count && i < MAX_RETRIERS; i++) {
        const struct json *retrier = &list->items[i];
        if (!matches_error(retrier, frame->failure.error, visit->type))
            continue;
        const int64_t limit =
            json_int64(json_get(retrier, STR("MaxAttempts")), DEFAULT_MAX_ATTEMPTS);
        if (used[i] >= limit)
            return RC_OK;
        const double delay = delay_of(frame->run, retrier, used[i]);
        used[i]++;
        struct run *run = frame->run;
        const int64_t now = run->clock.now_us(run->clock.context);
        const rc code = frame_wait(frame, now + (int64_t)(delay * 1e6), err);
        *ret_again = code == RC_OK;
        return code;
    }
    return RC_OK;
}

static struct json text_or_null(struct str text)
{
    return text.bytes != NULL ? json_of_str(text) : (struct json){.kind = JSON_NULL};
}

/// Looks for a catcher; it makes {"Error":, "Cause":} the state's result.
static rc catch_error(struct visit *visit, bool *ret_is_caught, struct err *err)
{
    struct frame *frame = visit->frame;
    const struct json *list = json_get(visit->state, STR("Catch"));
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct json *catcher = &list->items[i];
        if (!matches_error(catcher, frame->failure.error, visit->type))
            continue;
        struct json output = {.kind = JSON_OBJECT};
        *json_object_set(frame->arena, &output, STR("Error")) = text_or_null(frame->failure.error);
        *json_object_set(frame->arena, &output, STR("Cause")) = text_or_null(frame->failure.cause);
        visit->result = output;
        visit->assign = json_get(catcher, STR("Assign"));
        TRY(visit_put_result(visit, catcher, err));
        visit->next = json_str(json_get(catcher, STR("Next")), STR(""));
        *ret_is_caught = true;
        return RC_OK;
    }
    return RC_FAILED;
}

rc visit_attempts(struct visit *visit, attempt_function attempt, bool *ret_is_caught,
                  struct err *err)
{
    int64_t used[MAX_RETRIERS] = {0};
    *ret_is_caught = false;
    while (true) {
        const rc code = attempt(visit, err);
        if (code != RC_FAILED)
            return code;
        bool is_again;
        TRY(retry(visit, used, &is_again, err));
        if (!is_again)
            return catch_error(visit, ret_is_caught, err);
        visit->retry_count++;
        visit_update_context(visit);
    }
}
