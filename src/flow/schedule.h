/// @file schedule.h
/// When workflows run: the expressions of EventBridge Scheduler. Layer: flow. Pure.
/// Source: EventBridge Scheduler "Schedule types": rate(5 minutes), at(2024-01-31T10:20:30),
/// cron(minute hour day-of-month month day-of-week year) with , - * ? / L W #.

#ifndef FLOW_SCHEDULE_H
#define FLOW_SCHEDULE_H

#include "base/err.h"
#include "base/str.h"

/// Checks an expression. @return RC_OK | RC_INVALID (says which field and what may stand there)
CHECK rc schedule_check(struct str expression, struct err *err);

#endif
