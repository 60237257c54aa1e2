#include "transform/seed.h"

#include "base/buf.h"

const char *const seed_type_names[] = {"Number",      "Date",    "DateTime",
                                       "ISODateTime", "Boolean", "Text"};

struct csv {
    struct str text;
    const char *place;
    size_t at;
    int line;
    char delimiter;
};

static rc read_quoted(struct csv *csv, struct buf *field, struct err *err)
{
    const int opened = csv->line;
    csv->at++;
    while (csv->at < csv->text.length) {
        const char c = csv->text.bytes[csv->at++];
        if (c == '"') {
            if (csv->at >= csv->text.length || csv->text.bytes[csv->at] != '"')
                return RC_OK;
            csv->at++;
        }
        csv->line += c == '\n';
        buf_append_byte(field, c);
    }
    return err_set_at(err, RC_INVALID, csv->place, opened, 1, "a quoted field is not closed");
}

// @param ret_more  another field of the same row follows
static rc read_field(struct csv *csv, struct buf *field, bool *ret_more, struct err *err)
{
    buf_clear(field);
    *ret_more = false;
    if (csv->at < csv->text.length && csv->text.bytes[csv->at] == '"')
        TRY(read_quoted(csv, field, err));
    while (csv->at < csv->text.length) {
        const char c = csv->text.bytes[csv->at++];
        if (c == csv->delimiter) {
            *ret_more = true;
            return RC_OK;
        }
        if (c == '\r' && csv->at < csv->text.length && csv->text.bytes[csv->at] == '\n')
            continue;
        if (c == '\n' || c == '\r') {
            csv->line++;
            return RC_OK;
        }
        buf_append_byte(field, c);
    }
    return RC_OK;
}

static rc read_rows(struct arena *arena, struct csv *csv, struct buf *field, seed_row_vec *rows,
                    struct err *err)
{
    while (csv->at < csv->text.length) {
        const size_t start = csv->at;
        str_vec row = {0};
        bool has_more = true;
        while (has_more) {
            TRY(read_field(csv, field, &has_more, err));
            *vec_push(arena, &row) = arena_str(arena, buf_str(field));
            if (row.count > SEED_MAX_COLUMNS)
                return err_set_at(err, RC_LIMIT, csv->place, csv->line, 1, "more than %d columns",
                                  SEED_MAX_COLUMNS);
        }
        const bool is_blank =
            row.count == 1 && row.items[0].length == 0 && csv->text.bytes[start] != '"';
        if (!is_blank)
            *vec_push(arena, rows) = row;
    }
    return RC_OK;
}

rc seed_csv(struct arena *arena, struct str text, const char *place, char delimiter,
            seed_row_vec *ret_rows, struct err *err)
{
    if (str_has_prefix(text, STR("\xEF\xBB\xBF")))
        text = str_slice(text, 3, SIZE_MAX);
    struct csv csv = {.text = text, .place = place, .line = 1, .delimiter = delimiter};
    struct buf field;
    buf_init(&field, text.length + 1);
    seed_row_vec rows = {0};
    const rc result = read_rows(arena, &csv, &field, &rows, err);
    buf_done(&field);
    if (result == RC_OK)
        *ret_rows = rows;
    return result;
}

// agate's list of currency signs, each taken off both ends of a number.
static const char *const currency_signs[] = {"؋", "$", "ƒ", "៛", "¥", "₡", "₱", "£", "€", "¢",
                                             "﷼", "₪", "₩", "₭", "₮", "₦", "฿", "₤", "₫"};

static struct str strip(struct str s, struct str sign)
{
    while (s.length > 0 && str_has_prefix(s, sign))
        s = str_slice(s, sign.length, SIZE_MAX);
    while (s.length > 0 && str_has_suffix(s, sign))
        s.length -= sign.length;
    return s;
}

static size_t count_digits(struct str s)
{
    size_t i = 0;
    while (i < s.length && s.bytes[i] >= '0' && s.bytes[i] <= '9')
        i++;
    return i;
}

static bool cast_special(struct str s, bool is_negative, struct str *ret_text)
{
    if (str_equal_ignore_case(s, STR("inf")) || str_equal_ignore_case(s, STR("infinity")))
        *ret_text = is_negative ? STR("-Infinity") : STR("Infinity");
    else if (str_equal_ignore_case(s, STR("nan")))
        *ret_text = STR("NaN");
    else
        return false;
    return true;
}

static bool cast_number(struct arena *arena, struct str s, struct str *ret_text)
{
    s = strip(str_trim(s), STR("%"));
    bool is_negative = false;
    if (s.length > 0 && s.bytes[0] == '-') {
        is_negative = true;
        s = str_slice(s, 1, SIZE_MAX);
    }
    for (size_t i = 0; i < sizeof currency_signs / sizeof *currency_signs; i++)
        s = strip(s, str_of(currency_signs[i]));
    s = str_trim(str_replace(arena, s, STR(","), STR("")));
    if (s.length > 0 && s.bytes[0] == '+' && !is_negative)
        s = str_slice(s, 1, SIZE_MAX);
    if (cast_special(s, is_negative, ret_text))
        return true;
    const size_t whole = count_digits(s);
    struct str rest = str_slice(s, whole, SIZE_MAX);
    size_t fraction = 0;
    if (rest.length > 0 && rest.bytes[0] == '.') {
        fraction = count_digits(str_slice(rest, 1, SIZE_MAX));
        rest = str_slice(rest, 1 + fraction, SIZE_MAX);
    }
    if (whole + fraction == 0)
        return false;
    const struct str exponent = rest;
    if (rest.length > 0) {
        int64_t number;
        if ((rest.bytes[0] != 'e' && rest.bytes[0] != 'E') ||
            !str_to_int64(str_slice(rest, 1, SIZE_MAX), &number))
            return false;
    }
    struct str digits = str_slice(s, 0, whole);
    while (digits.length > 1 && digits.bytes[0] == '0')
        digits = str_slice(digits, 1, SIZE_MAX);
    *ret_text = arena_printf(arena, "%s%.*s%s%.*s%.*s", is_negative ? "-" : "",
                             digits.length > 0 ? (int)digits.length : 1,
                             digits.length > 0 ? digits.bytes : "0", fraction > 0 ? "." : "",
                             (int)fraction, s.bytes + whole + 1, STR_ARGS(exponent));
    return true;
}

// Takes a number of 1 to `max_digits` digits off the front of `s`.
static bool take_digits(struct str *s, size_t min_digits, size_t max_digits, int *ret_number)
{
    size_t length = count_digits(*s);
    length = length > max_digits ? max_digits : length;
    if (length < min_digits)
        return false;
    int number = 0;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (s->bytes[i] - '0');
    *s = str_slice(*s, length, SIZE_MAX);
    *ret_number = number;
    return true;
}

static bool take_byte(struct str *s, char c)
{
    if (s->length == 0 || s->bytes[0] != c)
        return false;
    *s = str_slice(*s, 1, SIZE_MAX);
    return true;
}

struct moment {
    int year, month, day, hour, minute, second;
    struct str fraction; // ".123" or ""
    struct str offset;   // "+00:00" or ""
};

static bool take_date(struct str *s, size_t min_digits, struct moment *m)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!take_digits(s, 4, 4, &m->year) || !take_byte(s, '-') ||
        !take_digits(s, min_digits, 2, &m->month) || !take_byte(s, '-') ||
        !take_digits(s, min_digits, 2, &m->day))
        return false;
    if (m->year < 1 || m->month < 1 || m->month > 12 || m->day < 1 ||
        m->day > lengths[m->month - 1])
        return false;
    const bool is_leap = (m->year % 4 == 0 && m->year % 100 != 0) || m->year % 400 == 0;
    return m->month != 2 || m->day < 29 || is_leap;
}

static bool take_time(struct str *s, size_t min_digits, struct moment *m)
{
    return take_digits(s, min_digits, 2, &m->hour) && take_byte(s, ':') &&
           take_digits(s, min_digits, 2, &m->minute) && take_byte(s, ':') &&
           take_digits(s, min_digits, 2, &m->second) && m->hour < 24 && m->minute < 60 &&
           m->second < 60;
}

static bool take_fraction(struct str *s, struct moment *m)
{
    if (s->length == 0 || (s->bytes[0] != '.' && s->bytes[0] != ','))
        return true;
    size_t digits = count_digits(str_slice(*s, 1, SIZE_MAX));
    m->fraction = str_slice(*s, 1, digits > 6 ? 6 : digits);
    *s = str_slice(*s, 1 + digits, SIZE_MAX);
    return digits > 0;
}

static bool take_offset(struct arena *arena, struct str *s, struct moment *m)
{
    if (s->length == 0)
        return true;
    if (take_byte(s, 'Z')) {
        m->offset = STR("+00:00");
        return true;
    }
    const char sign = s->bytes[0];
    int hours, minutes = 0;
    if ((sign != '+' && sign != '-') || !take_byte(s, sign) || !take_digits(s, 2, 2, &hours))
        return false;
    take_byte(s, ':');
    if (s->length > 0 && !take_digits(s, 2, 2, &minutes))
        return false;
    m->offset = arena_printf(arena, "%c%02d:%02d", sign, hours, minutes);
    return hours < 24 && minutes < 60;
}

static struct str print_moment(struct arena *arena, const struct moment *m)
{
    const struct str date = arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d", m->year, m->month,
                                         m->day, m->hour, m->minute, m->second);
    return arena_printf(arena, "%.*s%s%.*s%.*s", STR_ARGS(date), m->fraction.length > 0 ? "." : "",
                        STR_ARGS(m->fraction), STR_ARGS(m->offset));
}

static bool cast_date(struct arena *arena, struct str s, struct str *ret_text)
{
    struct moment m = {0};
    s = str_trim(s);
    if (!take_date(&s, 1, &m) || s.length > 0)
        return false;
    *ret_text = arena_printf(arena, "%04d-%02d-%02d", m.year, m.month, m.day);
    return true;
}

static bool cast_datetime(struct arena *arena, struct str s, struct str *ret_text)
{
    struct moment m = {0};
    s = str_trim(s);
    if (!take_date(&s, 1, &m) || !take_byte(&s, ' ') || !take_time(&s, 1, &m) || s.length > 0)
        return false;
    *ret_text = print_moment(arena, &m);
    return true;
}

static bool cast_iso_datetime(struct arena *arena, struct str s, struct str *ret_text)
{
    struct moment m = {0};
    s = str_trim(s);
    if (!take_date(&s, 2, &m) || !take_byte(&s, 'T') || !take_time(&s, 2, &m) ||
        !take_fraction(&s, &m) || !take_offset(arena, &s, &m) || s.length > 0)
        return false;
    *ret_text = print_moment(arena, &m);
    return true;
}

static bool cast_boolean(struct arena *arena, struct str s, struct str *ret_text)
{
    *ret_text = str_lower(arena, str_trim(s));
    return str_is(*ret_text, "true") || str_is(*ret_text, "false");
}

static bool cast_text(struct arena *arena, struct str s, struct str *ret_text)
{
    (void)arena;
    *ret_text = s;
    return true;
}

static bool (*const casts[])(struct arena *, struct str, struct str *) = {
    [SEED_NUMBER] = cast_number,     [SEED_DATE] = cast_date,
    [SEED_DATETIME] = cast_datetime, [SEED_ISO_DATETIME] = cast_iso_datetime,
    [SEED_BOOLEAN] = cast_boolean,   [SEED_TEXT] = cast_text,
};

bool seed_cast(struct arena *arena, enum seed_type type, struct seed_cell cell,
               struct seed_cell *ret_value)
{
    const struct str trimmed = str_trim(cell.text);
    struct seed_cell value = {.is_null = true};
    const bool is_word = type != SEED_TEXT && str_equal_ignore_case(trimmed, STR("null"));
    const size_t length = type == SEED_TEXT ? cell.text.length : trimmed.length;
    if (!cell.is_null && length > 0 && !is_word) {
        value.is_null = false;
        if (!casts[type](arena, cell.text, &value.text))
            return false;
    }
    *ret_value = value;
    return true;
}

void seed_infer(struct arena *arena, const struct seed_cell *cells, size_t count, bool is_text,
                struct seed_column *column)
{
    column->values = ARENA_ARRAY(arena, struct seed_cell, count);
    for (enum seed_type type = is_text ? SEED_TEXT : SEED_NUMBER; type <= SEED_TEXT; type++) {
        size_t i = 0;
        while (i < count && seed_cast(arena, type, cells[i], &column->values[i]))
            i++;
        column->type = type;
        if (i == count)
            break;
    }
    column->has_decimals = false;
    for (size_t i = 0; i < count && column->type == SEED_NUMBER && !column->has_decimals; i++) {
        const struct str number = column->values[i].text;
        const size_t point = str_find_byte(number, '.');
        const struct str fraction =
            point == SIZE_MAX ? STR("") : str_slice(number, point + 1, SIZE_MAX);
        for (size_t d = 0; d < count_digits(fraction); d++)
            column->has_decimals |= fraction.bytes[d] != '0';
        column->has_decimals |= str_contains(number, STR("N")) || str_contains(number, STR("I"));
    }
}

static bool is_listed(const str_vec *names, struct str name)
{
    for (size_t i = 0; names != NULL && i < names->count; i++)
        if (str_equal_ignore_case(names->items[i], name))
            return true;
    return false;
}

rc seed_read(struct arena *arena, struct str text, const char *place, char delimiter,
             const str_vec *text_columns, struct seed_table *ret_table, struct err *err)
{
    seed_row_vec rows = {0};
    TRY(seed_csv(arena, text, place, delimiter, &rows, err));
    if (rows.count == 0)
        return err_set_at(err, RC_INVALID, place, 1, 1, "a seed needs a line of column names");
    const str_vec header = rows.items[0];
    struct seed_table table = {.column_count = header.count, .row_count = rows.count - 1};
    table.columns = ARENA_ARRAY(arena, struct seed_column, header.count);
    for (size_t r = 1; r < rows.count; r++)
        if (rows.items[r].count > header.count)
            return err_set_at(err, RC_INVALID, place, (int)r + 1, 1,
                              "the row has %zu values, the header names %zu columns",
                              rows.items[r].count, header.count);
    struct seed_cell *cells = ARENA_ARRAY(arena, struct seed_cell, table.row_count);
    for (size_t c = 0; c < header.count; c++) {
        for (size_t r = 0; r < table.row_count; r++) {
            const str_vec row = rows.items[r + 1];
            cells[r] = c < row.count ? (struct seed_cell){.text = row.items[c]}
                                     : (struct seed_cell){.is_null = true};
        }
        table.columns[c].name = header.items[c];
        seed_infer(arena, cells, table.row_count, is_listed(text_columns, header.items[c]),
                   &table.columns[c]);
    }
    *ret_table = table;
    return RC_OK;
}
