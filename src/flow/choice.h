/// @file choice.h
/// The conditions of Choice states. Layer: flow. Source: Amazon States Language "Choice State";
/// values of the wrong type compare as false, as AWS does.

#ifndef FLOW_CHOICE_H
#define FLOW_CHOICE_H

#include "flow/path.h"

enum { CHOICE_MAX_DEPTH = 32 };

/// Checks the form of a rule; each problem is reported as a text.
/// @param is_top  rules in the list have Next, those inside And, Or, Not have none
void choice_check(const struct json *rule, bool is_top,
                  void (*report)(void *context, const char *message), void *context);

/// @param ret_holds  whether the rule's condition is true
/// @return RC_OK | RC_NOT_FOUND (a path names nothing; not for IsPresent) | RC_INVALID
CHECK rc choice_eval(struct arena *arena, const struct json *rule, const struct flow_scope *scope,
                     bool *ret_holds, struct err *err);

/// RFC 3339 with capital T and Z or an offset, as the language wants it.
bool choice_is_timestamp(struct str text);

#endif
