#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/runtime.h"
#include "base/utf8.h"
#include "base/vec.h"

enum {
    OUTPUT_FLUSH_BYTES = 64 << 10,
    OUTPUT_MAX_BUFFER_BYTES = 512 << 20, // one row or document may be that big
    OUTPUT_MIN_CUT_WIDTH = 8,            // no column is cut shorter than this
    OUTPUT_LONG_CELL = 60,               // on a terminal, columns above it are cut first
};

struct sample_row {
    struct output_cell *cells;
};
VEC_TYPE(sample_row_vec, struct sample_row);

struct output {
    struct arena *arena;
    struct output_options options;
    struct buf buf;
    bool is_closed;        // the reader went away
    struct arena *scratch; // emptied with every row
    // The table that is being written.
    struct arena *table_arena;
    struct output_column *columns;
    size_t column_count;
    size_t *widths;
    const char *empty_text;
    sample_row_vec sample;
    bool has_widths;
    size_t row_count;
};

static void close_output(void *object)
{
    struct output *output = object;
    struct err ignored;
    if (output_flush(output, &ignored) != RC_OK)
        output->is_closed = true;
    arena_close(output->table_arena);
    arena_close(output->scratch);
    buf_done(&output->buf);
}

struct output *output_open(struct arena *arena, struct output_options options)
{
    struct output *output = ARENA_NEW(arena, struct output);
    output->arena = arena;
    output->options = options;
    if (output->options.fd == 0)
        output->options.fd = STDOUT_FILENO;
    output->scratch = arena_open(NULL);
    buf_init(&output->buf, OUTPUT_MAX_BUFFER_BYTES);
    arena_defer(arena, close_output, output);
    return output;
}

enum output_format output_format_of(const struct output *output)
{
    return output->options.format;
}

void output_set_format(struct output *output, enum output_format format)
{
    output->options.format = format;
}

rc output_flush(struct output *output, struct err *err)
{
    size_t at = 0;
    if (output->options.to != NULL) {
        buf_append_str(output->options.to, buf_str(&output->buf));
        at = output->buf.length;
    }
    while (!output->is_closed && at < output->buf.length) {
        const ssize_t n =
            write(output->options.fd, output->buf.bytes + at, output->buf.length - at);
        if (n >= 0) {
            at += (size_t)n;
            continue;
        }
        if (errno == EINTR && !runtime_is_stopping())
            continue;
        output->is_closed = true;
        buf_clear(&output->buf);
        if (errno == EPIPE)
            return err_set(err, RC_EOF, "the reader of the output has closed it");
        return err_system(err, errno, "writing the output");
    }
    const bool is_over = output->buf.is_over_limit;
    const bool was_closed = output->is_closed;
    buf_clear(&output->buf);
    if (was_closed)
        return err_set(err, RC_EOF, "the reader of the output has closed it");
    if (is_over)
        return err_set(err, RC_LIMIT, "one piece of the output is bigger than %d MiB",
                       OUTPUT_MAX_BUFFER_BYTES >> 20);
    return RC_OK;
}

static rc flush_when_full(struct output *output, struct err *err)
{
    if (output->buf.length < OUTPUT_FLUSH_BYTES && !output->buf.is_over_limit && !output->is_closed)
        return RC_OK;
    return output_flush(output, err);
}

rc output_str(struct output *output, struct str text, struct err *err)
{
    buf_append_str(&output->buf, text);
    return flush_when_full(output, err);
}

rc output_text(struct output *output, struct err *err, const char *format, ...)
{
    arena_reset(output->scratch);
    va_list args;
    va_start(args, format);
    buf_append_str(&output->buf, arena_vprintf(output->scratch, format, args));
    va_end(args);
    return flush_when_full(output, err);
}

rc output_json(struct output *output, const struct json *value, struct err *err)
{
    json_write(&output->buf, value,
               output->options.format == OUTPUT_LINES ? JSON_COMPACT : JSON_PRETTY);
    buf_append_byte(&output->buf, '\n');
    return flush_when_full(output, err);
}

/// What a cell shows in a text table: NULL as nothing, control characters as \n, \t, \xNN, so that
/// a row stays one line and no text of a table can steer the terminal.
static struct str shown_text(struct arena *arena, const struct output_cell *cell)
{
    if (cell->is_null)
        return STR("");
    bool is_plain = true;
    for (size_t i = 0; i < cell->text.length && is_plain; i++) {
        const unsigned char byte = (unsigned char)cell->text.bytes[i];
        is_plain = byte >= 0x20 && byte != 0x7f && byte != 0xc2; // 0xc2: C1 controls
    }
    if (is_plain)
        return utf8_repair(arena, cell->text);
    struct buf to;
    buf_init(&to, OUTPUT_MAX_BUFFER_BYTES);
    struct str rest = cell->text;
    uint32_t c;
    while (utf8_next(&rest, &c)) {
        if (c == '\n' || c == '\t' || c == '\r')
            buf_printf(&to, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            buf_printf(&to, "\\x%02x", (unsigned)c);
        else
            utf8_append(&to, c);
    }
    const struct str shown = arena_str(arena, buf_str(&to));
    buf_done(&to);
    return shown;
}

/// The front of `text` that takes at most `width` columns with the ellipsis behind it.
static struct str cut_text(struct arena *arena, struct str text, size_t width)
{
    struct str rest = text;
    size_t taken = 0, kept = 0;
    uint32_t c;
    while (true) {
        const struct str before = rest;
        if (!utf8_next(&rest, &c))
            break;
        const struct str one = {before.bytes, before.length - rest.length};
        const size_t columns = utf8_width(one);
        if (taken + columns + 1 > width)
            break;
        taken += columns;
        kept += one.length;
    }
    return arena_printf(arena, "%.*s\xe2\x80\xa6", (int)kept, text.bytes);
}

/// Makes the widest columns narrower until the table fits the terminal.
static void fit_widths(struct output *output)
{
    if (output->options.width <= 0)
        return;
    const size_t room = (size_t)output->options.width;
    size_t total = output->column_count > 0 ? (output->column_count - 1) * 2 : 0;
    for (size_t i = 0; i < output->column_count; i++)
        total += output->widths[i];
    while (total > room) {
        size_t widest = 0;
        for (size_t i = 1; i < output->column_count; i++)
            if (output->widths[i] > output->widths[widest])
                widest = i;
        if (output->widths[widest] <= OUTPUT_MIN_CUT_WIDTH)
            return; // too many columns for any width: lines will wrap
        const size_t over = total - room;
        // A very wide column gives way at once, others step by step so that they end up equal.
        size_t less = output->widths[widest] > OUTPUT_LONG_CELL
                          ? output->widths[widest] - OUTPUT_LONG_CELL
                          : 1;
        if (less > over)
            less = over;
        output->widths[widest] -= less;
        total -= less;
    }
}

static void put_spaces(struct buf *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_append_byte(to, ' ');
}

static void put_text_row(struct output *output, struct arena *scratch,
                         const struct output_cell *cells, bool is_header)
{
    for (size_t i = 0; i < output->column_count; i++) {
        struct str text = shown_text(scratch, &cells[i]);
        size_t width = utf8_width(text);
        const size_t room = output->widths[i];
        if (width > room && output->options.width > 0) {
            text = cut_text(scratch, text, room);
            width = utf8_width(text);
        }
        const size_t pad = width < room ? room - width : 0;
        const bool is_right = output->columns[i].kind == OUTPUT_NUMBER;
        if (i > 0)
            put_spaces(&output->buf, 2);
        if (is_right)
            put_spaces(&output->buf, pad);
        if (is_header && output->options.has_color)
            buf_append_cstr(&output->buf, "\x1b[1m");
        buf_append_str(&output->buf, text);
        if (is_header && output->options.has_color)
            buf_append_cstr(&output->buf, "\x1b[0m");
        if (!is_right && i + 1 < output->column_count)
            put_spaces(&output->buf, pad);
    }
    buf_append_byte(&output->buf, '\n');
}

static void put_header(struct output *output, struct arena *scratch)
{
    struct output_cell *names = ARENA_ARRAY(scratch, struct output_cell, output->column_count);
    for (size_t i = 0; i < output->column_count; i++)
        names[i].text = output->columns[i].name;
    put_text_row(output, scratch, names, true);
    for (size_t i = 0; i < output->column_count; i++) {
        if (i > 0)
            put_spaces(&output->buf, 2);
        for (size_t k = 0; k < output->widths[i]; k++)
            buf_append_byte(&output->buf, '-');
    }
    buf_append_byte(&output->buf, '\n');
}

/// Finds the widths from the header and the sample, then writes both.
static rc write_sample(struct output *output, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    for (size_t i = 0; i < output->column_count; i++)
        output->widths[i] = utf8_width(output->columns[i].name);
    for (size_t row = 0; row < output->sample.count; row++)
        for (size_t i = 0; i < output->column_count; i++) {
            const struct str text = shown_text(scratch, &output->sample.items[row].cells[i]);
            const size_t width = utf8_width(text);
            if (width > output->widths[i])
                output->widths[i] = width;
        }
    fit_widths(output);
    put_header(output, scratch);
    rc code = RC_OK;
    for (size_t row = 0; row < output->sample.count && code == RC_OK; row++) {
        put_text_row(output, scratch, output->sample.items[row].cells, false);
        code = flush_when_full(output, err);
    }
    output->has_widths = true;
    output->sample.count = 0;
    arena_close(scratch);
    return code;
}

static void put_json_cell(struct output *output, struct arena *scratch,
                          const struct output_column *column, const struct output_cell *cell)
{
    struct err ignored;
    struct json value;
    if (cell->is_null) {
        buf_append_cstr(&output->buf, "null");
        return;
    }
    const bool is_json = column->kind != OUTPUT_STRING;
    if (is_json && json_parse(scratch, cell->text, "cell", &value, &ignored) == RC_OK &&
        (column->kind == OUTPUT_VALUE ||
         (column->kind == OUTPUT_NUMBER && value.kind == JSON_NUMBER) ||
         (column->kind == OUTPUT_BOOL && value.kind == JSON_BOOL)))
        json_write(&output->buf, &value, JSON_COMPACT);
    else
        json_write_string(&output->buf, utf8_repair(scratch, cell->text));
}

static void put_json_row(struct output *output, struct arena *scratch,
                         const struct output_cell *cells)
{
    if (output->options.format == OUTPUT_JSON)
        buf_append_cstr(&output->buf, output->row_count > 0 ? ",\n  " : "\n  ");
    buf_append_byte(&output->buf, '{');
    for (size_t i = 0; i < output->column_count; i++) {
        if (i > 0)
            buf_append_cstr(&output->buf, ", ");
        json_write_string(&output->buf, output->columns[i].name);
        buf_append_cstr(&output->buf, ": ");
        put_json_cell(output, scratch, &output->columns[i], &cells[i]);
    }
    buf_append_byte(&output->buf, '}');
    if (output->options.format == OUTPUT_LINES)
        buf_append_byte(&output->buf, '\n');
}

static void put_csv_text(struct buf *to, struct str text)
{
    bool needs_quotes = text.length == 0; // "" is the empty text, nothing is NULL
    for (size_t i = 0; i < text.length && !needs_quotes; i++)
        needs_quotes = strchr(",\"\r\n", text.bytes[i]) != NULL && text.bytes[i] != '\0';
    if (!needs_quotes) {
        buf_append_str(to, text);
        return;
    }
    buf_append_byte(to, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '"')
            buf_append_byte(to, '"');
        buf_append_byte(to, text.bytes[i]);
    }
    buf_append_byte(to, '"');
}

static void put_csv_row(struct output *output, const struct output_cell *cells)
{
    for (size_t i = 0; i < output->column_count; i++) {
        if (i > 0)
            buf_append_byte(&output->buf, ',');
        if (!cells[i].is_null)
            put_csv_text(&output->buf, cells[i].text);
    }
    buf_append_cstr(&output->buf, "\r\n");
}

static void copy_columns(struct output *output, const struct output_column *columns, size_t count)
{
    output->columns = ARENA_ARRAY(output->table_arena, struct output_column, count);
    output->widths = ARENA_ARRAY(output->table_arena, size_t, count);
    output->column_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct output_cell name = {.text = columns[i].name};
        output->columns[i].kind = columns[i].kind;
        output->columns[i].name = output->options.format == OUTPUT_TEXT
                                      ? shown_text(output->table_arena, &name)
                                      : arena_str(output->table_arena, columns[i].name);
    }
}

rc output_table_begin(struct output *output, const struct output_column *columns, size_t count,
                      const char *empty_text, struct err *err)
{
    if (count > OUTPUT_MAX_COLUMNS)
        return err_set(err, RC_LIMIT, "%zu columns are more than can be printed (%d)", count,
                       OUTPUT_MAX_COLUMNS);
    arena_close(output->table_arena);
    output->table_arena = arena_open(NULL);
    output->sample = (sample_row_vec){0};
    output->has_widths = false;
    output->row_count = 0;
    output->empty_text = empty_text;
    copy_columns(output, columns, count);
    if (output->options.format == OUTPUT_JSON)
        buf_append_byte(&output->buf, '[');
    if (output->options.format == OUTPUT_CSV) {
        for (size_t i = 0; i < count; i++) {
            if (i > 0)
                buf_append_byte(&output->buf, ',');
            put_csv_text(&output->buf, output->columns[i].name);
        }
        buf_append_cstr(&output->buf, "\r\n");
    }
    return flush_when_full(output, err);
}

static rc keep_sample(struct output *output, const struct output_cell *cells, struct err *err)
{
    struct output_cell *kept =
        ARENA_ARRAY(output->table_arena, struct output_cell, output->column_count);
    for (size_t i = 0; i < output->column_count; i++) {
        kept[i].is_null = cells[i].is_null;
        kept[i].text = arena_str(output->table_arena, cells[i].text);
    }
    vec_push(output->table_arena, &output->sample)->cells = kept;
    // Rows may be huge: what the sample holds is bounded too.
    if (output->sample.count < OUTPUT_SAMPLE_ROWS && arena_bytes(output->table_arena) < 16 << 20)
        return RC_OK;
    return write_sample(output, err);
}

rc output_row(struct output *output, const struct output_cell *cells, struct err *err)
{
    rc code = RC_OK;
    if (output->options.format == OUTPUT_TEXT && !output->has_widths) {
        code = keep_sample(output, cells, err);
    } else {
        arena_reset(output->scratch);
        if (output->options.format == OUTPUT_TEXT)
            put_text_row(output, output->scratch, cells, false);
        else if (output->options.format == OUTPUT_CSV)
            put_csv_row(output, cells);
        else
            put_json_row(output, output->scratch, cells);
        code = flush_when_full(output, err);
    }
    output->row_count++;
    return code;
}

rc output_table_end(struct output *output, struct err *err)
{
    rc code = RC_OK;
    if (output->options.format == OUTPUT_JSON)
        buf_append_cstr(&output->buf, output->row_count > 0 ? "\n]\n" : "]\n");
    else if (output->options.format == OUTPUT_TEXT && output->row_count == 0 &&
             output->empty_text != NULL)
        buf_printf(&output->buf, "%s\n", output->empty_text);
    else if (output->options.format == OUTPUT_TEXT && !output->has_widths)
        code = write_sample(output, err);
    arena_close(output->table_arena);
    output->table_arena = NULL;
    return code != RC_OK ? code : flush_when_full(output, err);
}
