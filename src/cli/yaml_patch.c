#include "cli/yaml_patch.h"

#include "base/yaml.h"

static struct str line_at(struct str text, size_t at)
{
    const struct str rest = str_slice(text, at, SIZE_MAX);
    return str_slice(rest, 0, str_find_byte(rest, '\n'));
}

/// Offset behind the line that starts at `at`, its line end included.
static size_t behind(struct str text, size_t at)
{
    const size_t end = at + line_at(text, at).length;
    return end < text.length ? end + 1 : text.length;
}

static size_t blanks_of(struct str line)
{
    size_t count = 0;
    while (count < line.length && line.bytes[count] == ' ')
        count++;
    return count;
}

/// Offset of line `number`, counted from 1.
static size_t offset_of_line(struct str text, int number)
{
    size_t at = 0;
    for (int i = 1; i < number && at < text.length; i++)
        at = behind(text, at);
    return at;
}

/// Where the block that starts at line `number` with `indent` blanks ends: behind its last line
/// that is neither empty nor a comment further left.
/// @param is_list  a line as far left that has no dash belongs to what holds the list
static size_t end_of_block(struct str text, int number, size_t indent, bool is_list)
{
    size_t at = offset_of_line(text, number), end = behind(text, at);
    for (at = end; at < text.length; at = behind(text, at)) {
        const struct str line = line_at(text, at);
        const size_t blanks = blanks_of(line);
        if (blanks == line.length || line.bytes[blanks] == '\r')
            continue;
        const bool is_item = line.bytes[blanks] == '-' || line.bytes[blanks] == '#';
        if (blanks < indent || (is_list && blanks == indent && !is_item))
            break;
        end = behind(text, at);
    }
    return end;
}

/// Blanks in front of the items: of a list, in front of the dash.
static bool find_indent(struct str text, const struct yaml *node, size_t *ret_indent)
{
    if (node->count == 0 || (node->kind != YAML_MAP && node->kind != YAML_SEQ))
        return false;
    const struct yaml *first = node->kind == YAML_MAP ? node->members[0].key : node->items[0];
    const struct str line = line_at(text, offset_of_line(text, first->line));
    const size_t blanks = blanks_of(line);
    *ret_indent = blanks;
    return node->kind == YAML_MAP ? (size_t)first->column == blanks + 1
                                  : blanks < line.length && line.bytes[blanks] == '-';
}

rc yaml_patch_append(struct arena *arena, struct str text, const char *place,
                     const struct yaml *node, const struct str *lines, size_t line_count,
                     struct str *ret_text, struct err *err)
{
    size_t indent = 0;
    const struct yaml *check;
    if (!find_indent(text, node, &indent)) {
        yaml_error(err, node, RC_REFUSED, "nothing can be added here: this is not in block style");
        return err_hint(err, "write one item per line, without { } and [ ]");
    }
    const struct yaml *first = node->kind == YAML_MAP ? node->members[0].key : node->items[0];
    const size_t at = end_of_block(text, first->line, indent, node->kind == YAML_SEQ);
    struct str added = STR("");
    for (size_t i = 0; i < line_count; i++)
        added = arena_printf(arena, "%.*s%*s%.*s\n", STR_ARGS(added), (int)indent, "",
                             STR_ARGS(lines[i]));
    const bool ends_open = at > 0 && text.bytes[at - 1] != '\n';
    const struct str parts[] = {str_slice(text, 0, at), ends_open ? STR("\n") : STR(""), added,
                                str_slice(text, at, SIZE_MAX)};
    const struct str patched = str_join(arena, parts, 4, STR(""));
    if (yaml_parse(arena, patched, place, &check, err) != RC_OK) {
        yaml_error(err, node, RC_REFUSED, "nothing can be added here without breaking the file");
        return err_hint(err, "write one item per line, without { } and [ ]");
    }
    *ret_text = patched;
    return RC_OK;
}

bool text_insert_behind(struct arena *arena, struct str text, struct str prefix, struct str line,
                        struct str *ret_text)
{
    size_t found = SIZE_MAX;
    for (size_t at = 0; at < text.length; at = behind(text, at))
        if (str_has_prefix(line_at(text, at), prefix))
            found = behind(text, at);
    if (found == SIZE_MAX)
        return false;
    const bool ends_open = text.bytes[found - 1] != '\n';
    const struct str parts[] = {str_slice(text, 0, found), ends_open ? STR("\n") : STR(""), line,
                                STR("\n"), str_slice(text, found, SIZE_MAX)};
    *ret_text = str_join(arena, parts, 5, STR(""));
    return true;
}
