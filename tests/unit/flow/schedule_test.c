// What flow/schedule.h promises: EventBridge Scheduler's expressions, right and wrong.

#include "unit_test.h"

#include "flow/schedule.h"

static void test_expressions_are_taken_or_refused_as_the_scheduler_does(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        bool is_right;
    } cases[] = {
        {"cron(0 6 * * ? *)", true},
        {"cron(0 6 ? * MON-FRI *)", true},
        {"cron(0/15 * * * ? *)", true},
        {"cron(0 6 L * ? *)", true},
        {"cron(0 6 15W * ? *)", true},
        {"cron(0 6 ? * 6L *)", true},
        {"cron(0 6 ? * 3#2 *)", true},
        {"cron(0 6 1,15 JAN,JUL ? 2026)", true},
        {"rate(5 minutes)", true},
        {"rate(1 day)", true},
        {"at(2024-01-31T10:20:30)", true},
        {"cron(0 6 * * * *)", false},
        {"cron(0 6 ? * ? *)", false},
        {"cron(60 6 * * ? *)", false},
        {"cron(0 24 * * ? *)", false},
        {"cron(0 6 32 * ? *)", false},
        {"cron(0 6 * 13 ? *)", false},
        {"cron(0 6 ? * 8 *)", false},
        {"cron(0 6 * * ?)", false},
        {"cron(0 6 * * ? * *)", false},
        {"cron(5-1 6 * * ? *)", false},
        {"cron(0/0 6 * * ? *)", false},
        {"cron(0 6 ? * 3#6 *)", false},
        {"rate(0 minutes)", false},
        {"rate(5 weeks)", false},
        {"rate(5)", false},
        {"at(2024-01-31)", false},
        {"at(2024-01-31T10:20:30Z)", false},
        {"every day", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err;
        assert_int_equal(schedule_check(str_of(cases[i].expression), &err),
                         cases[i].is_right ? RC_OK : RC_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions_are_taken_or_refused_as_the_scheduler_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
