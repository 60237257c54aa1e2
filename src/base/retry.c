#include "base/retry.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "base/runtime.h"
#include "base/time.h"

enum { DEFAULT_ATTEMPTS = 5 };
#define DEFAULT_FIRST_DELAY_US INT64_C(500000)
#define DEFAULT_MAX_DELAY_US (60 * TIME_US_PER_SECOND)
#define DEFAULT_MAX_RETRY_AFTER_US (300 * TIME_US_PER_SECOND)

void retry_budget_init(struct retry_budget *budget, int64_t most)
{
    budget->left = budget->most = most;
}

void retry_init(struct retry *retry, struct retry_policy policy)
{
    *retry = (struct retry){.policy = policy};
    struct retry_policy *p = &retry->policy;
    if (p->max_attempts == 0)
        p->max_attempts = DEFAULT_ATTEMPTS;
    if (p->first_delay_us == 0)
        p->first_delay_us = DEFAULT_FIRST_DELAY_US;
    if (p->max_delay_us == 0)
        p->max_delay_us = DEFAULT_MAX_DELAY_US;
    if (p->max_retry_after_us == 0)
        p->max_retry_after_us = DEFAULT_MAX_RETRY_AFTER_US;
}

rc retry_sleep(int64_t us, struct err *err)
{
    const int64_t end = time_monotonic_us() + us;
    for (int64_t left = us; left > 0; left = end - time_monotonic_us()) {
        TRY(runtime_check(err));
        struct pollfd stop = {.fd = runtime_stop_fd(), .events = POLLIN};
        const int64_t ms = (left + 999) / 1000;
        poll(&stop, 1, ms > 1000000 ? 1000000 : (int)ms);
    }
    return runtime_check(err);
}

// --- What went wrong -----------------------------------------------------------------------------

static void note_cause(struct retry *retry, const struct err *err)
{
    retry->attempts++;
    char text[RETRY_CAUSE_BYTES];
    snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, err->message);
    for (int i = 0; i < retry->cause_count; i++)
        if (strcmp(retry->causes[i].text, text) == 0) {
            retry->causes[i].count++;
            return;
        }
    if (retry->cause_count == RETRY_MAX_CAUSES) {
        retry->other_count++;
        return;
    }
    memcpy(retry->causes[retry->cause_count].text, text, sizeof text);
    retry->causes[retry->cause_count++].count = 1;
}

// "gave up after 5 attempts (why): 3 x connection refused, 2 x HTTP 503"
static void tell_all(const struct retry *retry, const char *why, struct err *err)
{
    if (retry->attempts < 2)
        return; // the error speaks for itself
    char message[ERR_MESSAGE_BYTES];
    int length =
        snprintf(message, sizeof message, "gave up after %d attempts (%s): ", retry->attempts, why);
    for (int i = 0; i < retry->cause_count; i++)
        length += snprintf(message + length, sizeof message - (size_t)length, "%s%d x %s",
                           i > 0 ? ", " : "", retry->causes[i].count, retry->causes[i].text);
    if (retry->other_count > 0)
        snprintf(message + length, sizeof message - (size_t)length, ", %d x other causes",
                 retry->other_count);
    memcpy(err->message, message, sizeof message);
}

// --- Whether and when ----------------------------------------------------------------------------

static bool budget_take(struct retry_budget *budget)
{
    if (budget == NULL)
        return true;
    if (__atomic_sub_fetch(&budget->left, 1, __ATOMIC_RELAXED) >= 0)
        return true;
    __atomic_add_fetch(&budget->left, 1, __ATOMIC_RELAXED);
    return false;
}

void retry_succeeded(struct retry *retry)
{
    struct retry_budget *budget = retry->policy.budget;
    if (budget != NULL && __atomic_load_n(&budget->left, __ATOMIC_RELAXED) < budget->most)
        __atomic_add_fetch(&budget->left, 1, __ATOMIC_RELAXED);
}

static double random_share(const struct retry_policy *policy)
{
    if (policy->random != NULL)
        return policy->random(policy->context);
    return (double)(random_uint64() >> 11) / (double)(UINT64_C(1) << 53);
}

static int64_t delay_of(const struct retry *retry, const struct err *err)
{
    const struct retry_policy *policy = &retry->policy;
    int64_t bound = policy->first_delay_us;
    for (int i = 1; i < retry->attempts && bound < policy->max_delay_us; i++)
        bound *= 2;
    if (bound > policy->max_delay_us)
        bound = policy->max_delay_us;
    const int64_t delay = (int64_t)(random_share(policy) * (double)bound);
    const int64_t asked = err->retry_after_ms * 1000;
    return delay > asked ? delay : asked;
}

// @return why the tries end, or NULL with the wait
static const char *reason_to_end(struct retry *retry, const struct err *err, int64_t *ret_delay)
{
    const struct retry_policy *policy = &retry->policy;
    if (!err->is_retryable)
        return "the last error is not one to try again after";
    if (retry->attempts >= policy->max_attempts)
        return "the limit of attempts";
    if (err->retry_after_ms > policy->max_retry_after_us / 1000)
        return "the server asks to wait too long";
    *ret_delay = delay_of(retry, err);
    if (policy->deadline_us > 0 && time_monotonic_us() + *ret_delay >= policy->deadline_us) {
        retry->is_out_of_time = true;
        return "no time is left";
    }
    if (!budget_take(policy->budget))
        return "too many retries in this run";
    return NULL;
}

bool retry_again(struct retry *retry, struct err *err)
{
    if (err->code == RC_INTERRUPTED)
        return false;
    note_cause(retry, err);
    int64_t delay = 0;
    const char *why = reason_to_end(retry, err, &delay);
    if (why != NULL) {
        tell_all(retry, why, err);
        return false;
    }
    log_debug("%s: %s; trying again in %lld ms (attempt %d of %d)",
              retry->policy.what != NULL ? retry->policy.what : "a call", err->message,
              (long long)delay / 1000, retry->attempts + 1, retry->policy.max_attempts);
    const struct retry_policy *policy = &retry->policy;
    const rc code =
        policy->wait != NULL ? policy->wait(policy->context, delay, err) : retry_sleep(delay, err);
    return code == RC_OK;
}
