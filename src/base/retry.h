/// @file retry.h
/// Trying again: the one place that decides whether, when, and what is told at the end.
/// Layer: base. Waits are random between 0 and a doubling bound ("full jitter"), never past the
/// deadline; a server's Retry-After is a lower bound. Source: the AWS Architecture Blog's
/// "Exponential Backoff And Jitter"; AWS SDKs' retry quota for the budget.
/// Threads: a retry belongs to one thread, a budget may be shared.
///
///     struct retry retry;
///     retry_init(&retry, policy);
///     do
///         code = ask(..., err);
///     while (code != RC_OK && retry_again(&retry, err));
///     if (code != RC_OK) return err->code;      // err tells all causes with their counts

#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include "base/err.h"

enum { RETRY_MAX_CAUSES = 4, RETRY_CAUSE_BYTES = 160 };

/// Retries that many calls share, so that a broken service is not asked more and more.
struct retry_budget {
    int64_t left; // changed atomically
    int64_t most;
};
void retry_budget_init(struct retry_budget *budget, int64_t most);

struct retry_policy {
    int max_attempts;            // the first one included; 0 = 5
    int64_t first_delay_us;      // bound of the first wait; 0 = 0.5 s
    int64_t max_delay_us;        // bound of any wait; 0 = 60 s
    int64_t max_retry_after_us;  // above it a Retry-After ends the tries; 0 = 5 min
    int64_t deadline_us;         // time_monotonic_us() at which to stop; 0 = none
    struct retry_budget *budget; // NULL = none
    const char *what;            // "GET https://...", for the debug log; may be NULL
    // For tests: replace the wait (RC_INTERRUPTED ends the tries) and the randomness (0..1).
    rc (*wait)(void *context, int64_t us, struct err *err);
    double (*random)(void *context);
    void *context;
};

struct retry {
    struct retry_policy policy;
    int attempts;        // that failed
    bool is_out_of_time; // the tries ended because of the deadline
    int cause_count;
    struct {
        char text[RETRY_CAUSE_BYTES];
        int count;
    } causes[RETRY_MAX_CAUSES];
    int other_count; // failures whose cause found no room
};

void retry_init(struct retry *retry, struct retry_policy policy);
/// After a failed attempt: waits and returns true, or returns false when the error is not
/// retryable, the attempts, the time or the budget are used up, or somebody asked to stop
/// (RC_INTERRUPTED). When it returns false, `err` tells every distinct cause with its count.
/// @param err  of the failed attempt (is_retryable and retry_after_ms are read)
CHECK bool retry_again(struct retry *retry, struct err *err);
/// Tells the budget of a success, which gives back what one retry took.
void retry_succeeded(struct retry *retry);
/// Sleeps; ends early with RC_INTERRUPTED when somebody asks the process to stop.
CHECK rc retry_sleep(int64_t us, struct err *err);

#endif
