/// @file adapter_method.h
/// `adapter.*` as tables: what every adapter has (context_adapter.c) and what those have that send
/// SQL to an engine (context_engine.c). Layer: transform.

#ifndef TRANSFORM_ADAPTER_METHOD_H
#define TRANSFORM_ADAPTER_METHOD_H

#include "transform/scope.h"

struct adapter_method {
    const char *name;
    native_function function;                                    // self = scope
    enum { STUB_NONE, STUB_LIST, STUB_EXECUTE, STUB_REAL } stub; // while parsing
};
extern const struct adapter_method adapter_engine_methods[]; // ends with a NULL name

#endif
