/// @file library.h
/// DuckDB's functions, found in the library when it is first needed. Layer: duck, internal.
/// Threads: loading is guarded; the table is read-only afterwards.

#ifndef DUCK_LIBRARY_H
#define DUCK_LIBRARY_H

#include <duckdb.h>

#include "base/err.h"
#include "base/str.h"

/// Every function of the C API that this module calls, without its prefix.
#define DUCK_FUNCTIONS(X)                                                                          \
    X(library_version)                                                                             \
    X(free)                                                                                        \
    X(malloc)                                                                                      \
    X(create_config)                                                                               \
    X(set_config)                                                                                  \
    X(destroy_config)                                                                              \
    X(open_ext)                                                                                    \
    X(close)                                                                                       \
    X(connect)                                                                                     \
    X(disconnect)                                                                                  \
    X(interrupt)                                                                                   \
    X(query)                                                                                       \
    X(prepare)                                                                                     \
    X(prepare_error)                                                                               \
    X(destroy_prepare)                                                                             \
    X(nparams)                                                                                     \
    X(bind_boolean)                                                                                \
    X(bind_int64)                                                                                  \
    X(bind_double)                                                                                 \
    X(bind_date)                                                                                   \
    X(bind_time)                                                                                   \
    X(bind_timestamp)                                                                              \
    X(bind_timestamp_tz)                                                                           \
    X(bind_varchar_length)                                                                         \
    X(bind_blob)                                                                                   \
    X(bind_null)                                                                                   \
    X(execute_prepared)                                                                            \
    X(execute_prepared_streaming)                                                                  \
    X(extract_statements)                                                                          \
    X(extract_statements_error)                                                                    \
    X(destroy_extracted)                                                                           \
    X(destroy_result)                                                                              \
    X(result_error)                                                                                \
    X(rows_changed)                                                                                \
    X(column_count)                                                                                \
    X(column_name)                                                                                 \
    X(column_logical_type)                                                                         \
    X(fetch_chunk)                                                                                 \
    X(destroy_data_chunk)                                                                          \
    X(data_chunk_get_size)                                                                         \
    X(data_chunk_set_size)                                                                         \
    X(data_chunk_get_column_count)                                                                 \
    X(data_chunk_get_vector)                                                                       \
    X(vector_get_data)                                                                             \
    X(vector_get_validity)                                                                         \
    X(vector_ensure_validity_writable)                                                             \
    X(vector_assign_string_element_len)                                                            \
    X(list_vector_get_child)                                                                       \
    X(struct_vector_get_child)                                                                     \
    X(array_vector_get_child)                                                                      \
    X(create_logical_type)                                                                         \
    X(create_decimal_type)                                                                         \
    X(destroy_logical_type)                                                                        \
    X(get_type_id)                                                                                 \
    X(logical_type_get_alias)                                                                      \
    X(decimal_width)                                                                               \
    X(decimal_scale)                                                                               \
    X(decimal_internal_type)                                                                       \
    X(enum_internal_type)                                                                          \
    X(enum_dictionary_size)                                                                        \
    X(enum_dictionary_value)                                                                       \
    X(list_type_child_type)                                                                        \
    X(array_type_child_type)                                                                       \
    X(array_type_array_size)                                                                       \
    X(map_type_key_type)                                                                           \
    X(map_type_value_type)                                                                         \
    X(struct_type_child_count)                                                                     \
    X(struct_type_child_name)                                                                      \
    X(struct_type_child_type)                                                                      \
    X(get_table_names)                                                                             \
    X(get_list_size)                                                                               \
    X(get_list_child)                                                                              \
    X(get_varchar)                                                                                 \
    X(destroy_value)                                                                               \
    X(create_table_function)                                                                       \
    X(destroy_table_function)                                                                      \
    X(table_function_set_name)                                                                     \
    X(table_function_add_parameter)                                                                \
    X(table_function_set_extra_info)                                                               \
    X(table_function_set_bind)                                                                     \
    X(table_function_set_init)                                                                     \
    X(table_function_set_function)                                                                 \
    X(register_table_function)                                                                     \
    X(bind_get_extra_info)                                                                         \
    X(bind_add_result_column)                                                                      \
    X(bind_get_parameter)                                                                          \
    X(bind_set_bind_data)                                                                          \
    X(bind_set_error)                                                                              \
    X(init_get_bind_data)                                                                          \
    X(init_set_max_threads)                                                                        \
    X(init_set_error)                                                                              \
    X(function_get_bind_data)                                                                      \
    X(function_set_error)                                                                          \
    X(create_scalar_function)                                                                      \
    X(destroy_scalar_function)                                                                     \
    X(scalar_function_set_name)                                                                    \
    X(scalar_function_add_parameter)                                                               \
    X(scalar_function_set_return_type)                                                             \
    X(scalar_function_set_function)                                                                \
    X(scalar_function_set_volatile)                                                                \
    X(scalar_function_set_extra_info)                                                              \
    X(scalar_function_get_extra_info)                                                              \
    X(register_scalar_function)

struct duck_library {
#define DUCK_MEMBER(name) __typeof__(&duckdb_##name) name;
    DUCK_FUNCTIONS(DUCK_MEMBER)
#undef DUCK_MEMBER
};

/// The loaded library. Only valid after duck_library_load.
extern const struct duck_library *duck_library;

/// Loads the library at the first call; later calls give the same answer.
/// @param ret_path  where it was found; lives for ever
CHECK rc duck_library_load(struct str *ret_path, struct err *err);

#endif
