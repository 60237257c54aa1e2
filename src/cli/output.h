/// @file output.h
/// The answer of a command on stdout: tables for people, JSON or CSV for programs. Layer: cli.
/// Threads: one thread. Rows stream: a text table looks at its first OUTPUT_SAMPLE_ROWS rows to
/// find the widths, then writes row by row, so an answer of any size takes little memory. When the
/// reader of stdout goes away, calls return RC_EOF and the program ends quietly.

#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum { OUTPUT_SAMPLE_ROWS = 500, OUTPUT_MAX_COLUMNS = 2000 };

enum output_format {
    OUTPUT_TEXT,  // aligned table
    OUTPUT_JSON,  // one array of objects
    OUTPUT_LINES, // JSON Lines: one object per row
    OUTPUT_CSV,   // RFC 4180, header first, NULL = empty, "" = empty text
};

struct output;

struct output_options {
    int fd;                    // 0 = stdout
    struct buf *to;            // into memory instead; NULL = fd
    enum output_format format; // of tables and values
    int width;                 // columns of the terminal; 0 = not a terminal, cut nothing
    bool has_color;
};

/// @return never NULL; flushed and closed with the arena
struct output *output_open(struct arena *arena, struct output_options options);
enum output_format output_format_of(const struct output *output);
/// Another format for what follows (`query --csv`).
void output_set_format(struct output *output, enum output_format format);

enum output_kind {
    OUTPUT_STRING, // left
    OUTPUT_NUMBER, // right; in JSON a number when the text is one, else a string
    OUTPUT_BOOL,   // "true"/"false"
    OUTPUT_VALUE,  // the text is JSON; in JSON it is put as it is
};

struct output_column {
    struct str name;
    enum output_kind kind;
};

struct output_cell {
    struct str text; // borrowed until the call returns
    bool is_null;
};

/// Starts a table. Columns are copied. Then output_row() per row, then output_table_end().
/// @param empty_text  said in text format when there is no row; NULL = only the header is printed
CHECK rc output_table_begin(struct output *output, const struct output_column *columns,
                            size_t count, const char *empty_text, struct err *err);
CHECK rc output_row(struct output *output, const struct output_cell *cells, struct err *err);
CHECK rc output_table_end(struct output *output, struct err *err);

/// One JSON document and a line end (pretty in OUTPUT_JSON, compact in OUTPUT_LINES). For commands
/// whose answer is no table; they print text with output_text otherwise.
CHECK rc output_json(struct output *output, const struct json *value, struct err *err);
/// Text as it is. Commands call it only in format OUTPUT_TEXT.
CHECK rc output_text(struct output *output, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
CHECK rc output_str(struct output *output, struct str text, struct err *err);
/// Writes what is buffered. main() calls it last.
CHECK rc output_flush(struct output *output, struct err *err);

#endif
