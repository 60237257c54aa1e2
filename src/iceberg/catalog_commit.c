/// The commit: attempts over one or more transactions.
/// An attempt: begin (the sql driver takes the write lock), read the current metadata, check
/// requirements, write manifests, lists and metadata files, swap. Everything that readers could
/// follow is durable before the swap. A failure whose outcome is certain removes what the attempt
/// wrote; when it is unknown, the catalog is asked, and if that fails nothing is deleted.

#include "base/log.h"
#include "base/random.h"
#include "base/retry.h"
#include "base/time.h"
#include "iceberg/catalog/driver.h"
#include "iceberg/transaction.intern.h"
#include "store/store.h"

enum { DEFAULT_RETRIES = 20, PREVIOUS_VERSIONS_MAX = 100 };
static const int64_t FIRST_WAIT_US = 50000, MAX_WAIT_US = 2000000;

struct commit {
    struct catalog *catalog;
    struct transaction *const *transactions; // with changes
    size_t count;
    struct arena *arena;            // of the attempt
    struct catalog_change *changes; // one per transaction
    struct table_metadata **metadata;
};

// The metadata file

/// "00012-....metadata.json" and "v12.metadata.json" are version 12.
static int64_t version_of(struct str location)
{
    const size_t slash = str_find_last_byte(location, '/');
    struct str name = slash == SIZE_MAX ? location : str_slice(location, slash + 1, SIZE_MAX);
    if (str_has_prefix(name, STR("v")))
        name = str_slice(name, 1, SIZE_MAX);
    size_t digits = 0;
    while (digits < name.length && name.bytes[digits] >= '0' && name.bytes[digits] <= '9')
        digits++;
    int64_t version;
    return digits > 0 && str_to_int64(str_slice(name, 0, digits), &version) ? version : -1;
}

static void log_previous_file(struct arena *arena, struct table_metadata *m,
                              const struct table_metadata *current, struct str location)
{
    int64_t most = properties_int64(&m->properties, STR("write.metadata.previous-versions-max"),
                                    PREVIOUS_VERSIONS_MAX);
    if (most < 1)
        most = 1;
    const size_t count = m->metadata_log_count + 1;
    const size_t drop = count > (size_t)most ? count - (size_t)most : 0;
    struct metadata_log_entry *log = ARENA_ARRAY(arena, struct metadata_log_entry, count);
    if (m->metadata_log_count > 0)
        memcpy(log, m->metadata_log, m->metadata_log_count * sizeof *log);
    log[count - 1] = (struct metadata_log_entry){current->last_updated_ms, location};
    m->metadata_log = log + drop;
    m->metadata_log_count = count - drop;
}

static rc write_metadata(struct commit *c, struct transaction *tx, const struct table_metadata *m,
                         struct str current_location, struct str *ret_location, struct err *err)
{
    const struct str folder = c->catalog->driver->put_decides
                                  ? arena_printf(c->arena, "%.*s/metadata", STR_ARGS(m->location))
                                  : table_metadata_folder(c->arena, m);
    const int64_t first = c->catalog->driver->put_decides ? 1 : 0;
    const int64_t version = current_location.length > 0 ? version_of(current_location) + 1 : first;
    const struct str name = c->catalog->driver->metadata_name(c->arena, version);
    const struct str uri = arena_printf(tx->arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(name));
    struct buf buf;
    buf_init(&buf, METADATA_MAX_BYTES);
    metadata_write(&buf, m);
    rc code = buf_check(&buf, err, "the table metadata");
    if (code == RC_OK && !c->catalog->driver->put_decides)
        *vec_push(tx->arena, &tx->attempt_files) = uri;
    if (code == RC_OK)
        code = store_put(tx->table.store, uri, buf_str(&buf),
                         (struct store_put_options){.must_be_new = true}, err);
    buf_done(&buf);
    *ret_location = uri;
    return code;
}

// One attempt

rc transaction_attempt(struct transaction *tx, struct arena *arena,
                       const struct table_metadata *current, struct str current_location,
                       int64_t now_ms, struct table_metadata *ret_metadata, struct err *err)
{
    const struct table_metadata *base = current != NULL ? current : &tx->base;
    const bool is_retry = current != NULL;
    struct table_metadata m;
    if (current != NULL && !str_equal(current->table_uuid, tx->base.table_uuid)) {
        err_set(err, RC_CONFLICT, "the table \"%.*s.%.*s\" was dropped and made again",
                STR_ARGS(tx->table.namespace_name), STR_ARGS(tx->table.name));
        return final_conflict(err);
    }
    tx->made_snapshot = false;
    tx->attempt++;
    TRY(transaction_check_requirements(tx, base, err));
    TRY(transaction_apply_changes(tx, arena, base, is_retry, &m, err));
    if (now_ms < base->last_updated_ms)
        now_ms = base->last_updated_ms; // a clock that went back must not disorder the logs
    TRY(transaction_apply_refs(tx, arena, &m, now_ms, err));
    if (tx->kind != TRANSACTION_NO_FILES || tx->forces_snapshot)
        TRY(snapshot_produce(tx, arena, &m, now_ms, err));
    TRY(transaction_apply_removals(tx, arena, &m, err));
    m.last_updated_ms = now_ms;
    if (current != NULL)
        log_previous_file(arena, &m, current, current_location);
    *ret_metadata = m;
    return RC_OK;
}

/// Reads what is current and writes what should be. Names the change for the swap.
static rc attempt_one(struct commit *c, size_t i, struct err *err)
{
    struct transaction *tx = c->transactions[i];
    struct catalog_change *change = &c->changes[i];
    struct table_metadata *current = NULL;
    struct str location;
    TRY(c->catalog->driver->locate(c->catalog, tx->arena, tx->table.namespace_name, tx->table.name,
                                   &location, err));
    if (tx->is_new && location.length > 0)
        return err_set(err, RC_EXISTS, "the table \"%.*s.%.*s\" exists already",
                       STR_ARGS(tx->table.namespace_name), STR_ARGS(tx->table.name));
    if (!tx->is_new && location.length == 0)
        return err_set(err, RC_NOT_FOUND, "the table \"%.*s.%.*s\" was dropped meanwhile",
                       STR_ARGS(tx->table.namespace_name), STR_ARGS(tx->table.name));
    if (!tx->is_new) {
        current = ARENA_NEW(tx->arena, struct table_metadata);
        // as loaded: no need to read it again
        if (str_equal(location, tx->table.metadata_location))
            *current = tx->base;
        else
            TRY(table_read_metadata(tx->table.store, tx->arena, location, current, err));
    }
    c->metadata[i] = ARENA_NEW(tx->arena, struct table_metadata);
    TRY(transaction_attempt(tx, tx->arena, current, location, time_now_us() / 1000, c->metadata[i],
                            err));
    *change = (struct catalog_change){.namespace_name = tx->table.namespace_name,
                                      .name = tx->table.name,
                                      .old_location = location,
                                      .metadata = c->metadata[i]};
    return write_metadata(c, tx, c->metadata[i], location, &change->new_location, err);
}

/// What is found after a write whose answer did not say whether it happened.
enum outcome { OUTCOME_UNKNOWN, OUTCOME_OURS, OUTCOME_NOT_OURS };

/// Whether a change's file is current, or was before others committed on top of it.
static enum outcome look_up_change(struct commit *c, const struct catalog_change *change)
{
    struct str location;
    struct table_metadata current;
    if (c->catalog->driver->locate(c->catalog, c->arena, change->namespace_name, change->name,
                                   &location, NULL) != RC_OK)
        return OUTCOME_UNKNOWN;
    if (str_equal(location, change->new_location))
        return OUTCOME_OURS;
    if (location.length == 0 || str_equal(location, change->old_location))
        return OUTCOME_NOT_OURS;
    if (table_read_metadata(c->catalog->store, c->arena, location, &current, NULL) != RC_OK)
        return OUTCOME_UNKNOWN;
    for (size_t i = current.metadata_log_count; i > 0; i--)
        if (str_equal(current.metadata_log[i - 1].metadata_file, change->new_location))
            return OUTCOME_OURS;
    return OUTCOME_NOT_OURS;
}

/// What the catalog says after a swap that failed: all files are ours, or none is.
static enum outcome look_up_swap(struct commit *c)
{
    size_t ours = 0;
    for (size_t i = 0; i < c->count; i++) {
        const enum outcome outcome = look_up_change(c, &c->changes[i]);
        if (outcome == OUTCOME_UNKNOWN)
            return OUTCOME_UNKNOWN;
        ours += outcome == OUTCOME_OURS ? 1 : 0;
    }
    if (ours == c->count)
        return OUTCOME_OURS;
    return ours == 0 ? OUTCOME_NOT_OURS : OUTCOME_UNKNOWN;
}

/// Whether the file that is the commit (filesystem catalogs) is there and is ours.
static enum outcome look_up_file(struct commit *c, size_t i)
{
    const struct transaction *tx = c->transactions[i];
    struct table_metadata found;
    const rc code =
        table_read_metadata(tx->table.store, c->arena, c->changes[i].new_location, &found, NULL);
    if (code == RC_NOT_FOUND)
        return OUTCOME_NOT_OURS;
    if (code != RC_OK)
        return OUTCOME_UNKNOWN;
    const struct table_metadata *wanted = c->metadata[i];
    return str_equal(found.table_uuid, wanted->table_uuid) &&
                   found.last_updated_ms == wanted->last_updated_ms &&
                   found.current_snapshot_id == wanted->current_snapshot_id &&
                   found.snapshot_count == wanted->snapshot_count
               ? OUTCOME_OURS
               : OUTCOME_NOT_OURS;
}

rc catalog_outcome_unknown(struct err *err)
{
    if (err == NULL)
        return RC_UNKNOWN;
    const struct err cause = *err;
    err_set(err, RC_UNKNOWN, "it is not known whether the commit happened: %s", cause.message);
    return RC_UNKNOWN;
}

static bool is_certain(rc code)
{
    return code == RC_CONFLICT || code == RC_EXISTS || code == RC_BUSY;
}

/// One attempt over all transactions, from the driver's `begin` to its `swap`.
static rc attempt_all(struct commit *c, struct err *err)
{
    const struct catalog_driver *driver = c->catalog->driver;
    TRY(driver->begin(c->catalog, err));
    rc code = RC_OK;
    for (size_t i = 0; i < c->count && code == RC_OK; i++) {
        code = attempt_one(c, i, err);
        if (code == RC_OK || !driver->put_decides || c->changes[i].new_location.length == 0)
            continue;
        // here the metadata file is the commit
        const bool is_create = c->transactions[i]->is_new;
        const enum outcome outcome = look_up_file(c, i);
        if (outcome == OUTCOME_OURS)
            code = RC_OK;
        else if (code == RC_EXISTS && !is_create)
            code = err_set(err, RC_CONFLICT, "somebody else committed at the same time");
        else if (outcome == OUTCOME_UNKNOWN)
            code = catalog_outcome_unknown(err);
    }
    if (code != RC_OK) {
        driver->cancel(c->catalog);
        return code;
    }
    code = driver->swap(c->catalog, c->changes, c->count, err);
    if (code == RC_OK || (is_certain(code) && !driver->is_remote))
        return code;
    switch (look_up_swap(c)) {
    case OUTCOME_OURS:
        return RC_OK;
    case OUTCOME_NOT_OURS:
        return code; // RC_UNKNOWN too: what is not there yet may still come
    default:
        return code == RC_UNKNOWN ? code : catalog_outcome_unknown(err);
    }
}

// After the attempt

static void discard_attempt(struct commit *c, rc code)
{
    for (size_t i = 0; i < c->count; i++) {
        struct transaction *tx = c->transactions[i];
        if (code == RC_UNKNOWN)
            tx->attempt_files.count = 0; // somebody may refer to them
        else
            transaction_discard(tx, &tx->attempt_files);
    }
}

/// Gives up: also what the transactions wrote before the first attempt is removed.
static void discard_all(struct commit *c, rc code)
{
    for (size_t i = 0; i < c->count; i++)
        if (code != RC_UNKNOWN) {
            transaction_discard(c->transactions[i], &c->transactions[i]->own_files);
            c->transactions[i]->added_manifests.count = 0;
        }
}

/// Metadata files that fell out of the log are deleted when the table asks for it.
static void delete_old_metadata(struct transaction *tx, const struct table_metadata *before,
                                const struct table_metadata *after)
{
    if (!properties_bool(&after->properties, STR("write.metadata.delete-after-commit.enabled"),
                         false))
        return;
    str_vec dropped = {0};
    for (size_t i = 0; i < before->metadata_log_count; i++) {
        bool is_kept = false;
        for (size_t k = 0; k < after->metadata_log_count && !is_kept; k++)
            is_kept = str_equal(before->metadata_log[i].metadata_file,
                                after->metadata_log[k].metadata_file);
        if (!is_kept)
            *vec_push(tx->arena, &dropped) = before->metadata_log[i].metadata_file;
    }
    transaction_discard(tx, &dropped);
}

static void finish_transaction(struct commit *c, size_t i)
{
    struct transaction *tx = c->transactions[i];
    struct table_metadata *committed = ARENA_NEW(tx->arena, struct table_metadata);
    *committed = *c->metadata[i];
    tx->attempt_files.count = 0;
    tx->own_files.count = 0;
    transaction_discard(tx, &tx->superfluous);
    delete_old_metadata(tx, &tx->base, committed);
    tx->table.metadata = committed;
    tx->table.metadata_location = c->changes[i].new_location;
    tx->is_new = false;
    tx->is_committed = true;
}

static rc commit_with_retries(struct commit *c, struct err *err)
{
    const int64_t retries = properties_int64(&c->transactions[0]->base.properties,
                                             STR("commit.retry.num-retries"), DEFAULT_RETRIES);
    struct retry retry;
    retry_init(&retry,
               (struct retry_policy){.max_attempts = (int)(retries < 1000 ? retries : 1000) + 1,
                                     .first_delay_us = FIRST_WAIT_US,
                                     .max_delay_us = MAX_WAIT_US,
                                     .what = "commit"});
    rc code;
    for (;;) {
        code = attempt_all(c, err);
        if (code == RC_OK)
            return RC_OK;
        discard_attempt(c, code);
        // only a race that the catalog decided is tried again: requirements that do not hold, and
        // conflicts over content, are final
        if (code != RC_CONFLICT || !err->is_retryable || !retry_again(&retry, err))
            break;
        memset(c->changes, 0, c->count * sizeof *c->changes);
    }
    discard_all(c, code);
    return code;
}

static rc prepare_all(struct commit *c, struct err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        const rc code = transaction_prepare(c->transactions[i], err);
        if (code != RC_OK) {
            discard_all(c, code);
            return code;
        }
    }
    return RC_OK;
}

static rc commit_group(struct catalog *catalog, struct transaction *const *transactions,
                       size_t count, struct err *err)
{
    struct err own;
    struct arena *arena = transactions[0]->arena;
    struct commit c = {.catalog = catalog,
                       .transactions = transactions,
                       .count = count,
                       .arena = arena,
                       .changes = ARENA_ARRAY(arena, struct catalog_change, count),
                       .metadata = (struct table_metadata **)arena_alloc_array(
                           arena, count, sizeof(struct table_metadata *))};
    if (err == NULL)
        err = &own;
    TRY(prepare_all(&c, err));
    TRY(commit_with_retries(&c, err));
    for (size_t i = 0; i < count; i++)
        finish_transaction(&c, i);
    return RC_OK;
}

/// Two transactions on one table would each replace the other's work.
static rc check_distinct(struct transaction *const *transactions, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct table *a = &transactions[i]->table, *b = &transactions[k]->table;
            if (str_equal(a->name, b->name) && str_equal(a->namespace_name, b->namespace_name))
                return err_set(err, RC_INTERNAL, "the table \"%.*s.%.*s\" is in a commit twice",
                               STR_ARGS(a->namespace_name), STR_ARGS(a->name));
        }
    return RC_OK;
}

rc catalog_commit(struct catalog *catalog, struct transaction *const *transactions, size_t count,
                  struct err *err)
{
    if (catalog->is_read_only)
        return err_set(err, RC_DENIED, "the catalog was opened for reading");
    struct transaction **changed = NULL;
    size_t changed_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!transaction_has_changes(transactions[i]))
            continue;
        if (changed == NULL)
            changed = (struct transaction **)arena_alloc_array(transactions[i]->arena, count,
                                                               sizeof *changed);
        changed[changed_count++] = transactions[i];
    }
    if (changed_count == 0)
        return RC_OK;
    TRY(check_distinct(changed, changed_count, err));
    if (catalog->driver->can_commit_many)
        return commit_group(catalog, changed, changed_count, err);
    for (size_t i = 0; i < changed_count; i++)
        TRY(commit_group(catalog, &changed[i], 1, err));
    return RC_OK;
}
