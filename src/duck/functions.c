/// @file functions.c
/// Scalar functions that SQL of ours needs and DuckDB lacks. Layer: duck.
///   murmur3_32_long(BIGINT), _huge(HUGEINT), _text(VARCHAR), _blob(BLOB) -> INTEGER
/// MurmurHash3 x86 32, seed 0, of 8 little-endian bytes, of the shortest big-endian two's
/// complement, of the UTF-8 text or of the bytes: what Iceberg's bucket transform hashes (spec,
/// appendix B).

#include "base/hash.h"
#include "duck/internal.h"

static uint32_t hash_of_long(const void *data, size_t row)
{
    return hash_murmur3_32(&((const int64_t *)data)[row], sizeof(int64_t)); // little-endian machine
}

static uint32_t hash_of_huge(const void *data, size_t row)
{
    const duckdb_hugeint value = ((const duckdb_hugeint *)data)[row];
    unsigned char bytes[16];
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)((uint64_t)value.upper >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char)(value.lower >> (56 - 8 * i));
    }
    // Leading bytes that only repeat the sign are not part of the shortest form.
    size_t start = 0;
    const unsigned char sign = value.upper < 0 ? 0xff : 0;
    while (start < 15 && bytes[start] == sign && (bytes[start + 1] & 0x80) == (sign & 0x80))
        start++;
    return hash_murmur3_32(bytes + start, sizeof bytes - start);
}

static uint32_t hash_of_text(const void *data, size_t row)
{
    const duckdb_string_t *text = &((const duckdb_string_t *)data)[row];
    const uint32_t length = text->value.inlined.length;
    return hash_murmur3_32(length <= sizeof text->value.inlined.inlined
                               ? text->value.inlined.inlined
                               : text->value.pointer.ptr,
                           length);
}

static void hash_all(duckdb_data_chunk input, duckdb_vector output,
                     uint32_t (*hash)(const void *data, size_t row))
{
    duckdb_vector vector = duck_library->data_chunk_get_vector(input, 0);
    const void *data = duck_library->vector_get_data(vector);
    const uint64_t *validity = duck_library->vector_get_validity(vector);
    int32_t *to = duck_library->vector_get_data(output);
    uint64_t *to_validity = NULL;
    const size_t count = duck_library->data_chunk_get_size(input);
    for (size_t row = 0; row < count; row++) {
        if (validity == NULL || (validity[row / 64] >> (row % 64) & 1) != 0) {
            to[row] = (int32_t)hash(data, row);
            continue;
        }
        if (to_validity == NULL) {
            duck_library->vector_ensure_validity_writable(output);
            to_validity = duck_library->vector_get_validity(output);
        }
        to_validity[row / 64] &= ~((uint64_t)1 << (row % 64));
    }
}

static void hash_longs(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    hash_all(input, output, hash_of_long);
}

static void hash_huges(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    hash_all(input, output, hash_of_huge);
}

static void hash_texts(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    hash_all(input, output, hash_of_text);
}

static const struct {
    const char *name;
    duckdb_type parameter, result;
    duckdb_scalar_function_t function;
} functions[] = {
    {"murmur3_32_long", DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_INTEGER, hash_longs},
    {"murmur3_32_huge", DUCKDB_TYPE_HUGEINT, DUCKDB_TYPE_INTEGER, hash_huges},
    {"murmur3_32_text", DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_INTEGER, hash_texts},
    {"murmur3_32_blob", DUCKDB_TYPE_BLOB, DUCKDB_TYPE_INTEGER, hash_texts},
};

rc functions_install(duckdb_connection connection, struct err *err)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        duckdb_scalar_function function = duck_library->create_scalar_function();
        duckdb_logical_type parameter = duck_library->create_logical_type(functions[i].parameter);
        duckdb_logical_type result = duck_library->create_logical_type(functions[i].result);
        duck_library->scalar_function_set_name(function, functions[i].name);
        duck_library->scalar_function_add_parameter(function, parameter);
        duck_library->scalar_function_set_return_type(function, result);
        duck_library->scalar_function_set_function(function, functions[i].function);
        const duckdb_state state = duck_library->register_scalar_function(connection, function);
        duck_library->destroy_logical_type(&parameter);
        duck_library->destroy_logical_type(&result);
        duck_library->destroy_scalar_function(&function);
        if (state != DuckDBSuccess)
            return err_set(err, RC_INTERNAL, "the function %s is not taken", functions[i].name);
    }
    return RC_OK;
}
