// What a project connects to: the store of its warehouse, its catalog, the engine's settings. Apart
// from project.c, so that a program that only reads moulin.yml links nothing of it.

#include <stdlib.h>

#include "aws/s3.h"
#include "duck/duck.h"
#include "iceberg/catalog.h"
#include "project/project.h"
#include "store/store.h"

static void close_catalog(void *object)
{
    catalog_close(object);
}

rc project_store(struct project *project, struct store **ret_store, struct err *err)
{
    if (project->store == NULL) {
        const struct str warehouse = project->environment->warehouse;
        if (s3_is_uri(warehouse)) {
            struct aws_session *session;
            TRY(project_aws(project, &session, err));
            TRY(store_open_s3(project->arena, session, &project->store, err));
        } else {
            TRY_CONTEXT(store_open(project->arena, warehouse, &project->store, err), err,
                        "the warehouse of the environment %.*s",
                        STR_ARGS(project->environment->name));
        }
    }
    *ret_store = project->store;
    return RC_OK;
}

/// The namespaces with a location of their own, as the catalog names them.
static const struct catalog_location *locations_of(struct project *project)
{
    const struct project_environment *environment = project->environment;
    struct catalog_location *locations =
        ARENA_ARRAY(project->arena, struct catalog_location, environment->namespace_count);
    for (size_t i = 0; i < environment->namespace_count; i++)
        locations[i] = (struct catalog_location){
            project_namespace_of(project, project->arena, environment->namespaces[i].name),
            environment->namespaces[i].location};
    return locations;
}

rc project_catalog(struct project *project, struct catalog **ret_catalog, struct err *err)
{
    const struct project_environment *environment = project->environment;
    if (project->catalog == NULL) {
        struct store *store;
        TRY(project_store(project, &store, err));
        struct catalog_options options = {.type = environment->catalog.type,
                                          .uri = environment->catalog.uri,
                                          .name = environment->catalog.name,
                                          .catalog_id = environment->catalog.id,
                                          .warehouse = environment->warehouse,
                                          .locations = locations_of(project),
                                          .location_count = environment->namespace_count,
                                          .store = store};
        if (str_is(options.type, "glue"))
            TRY(project_aws(project, &options.session, err));
        TRY_CONTEXT(catalog_open(&options, &project->catalog, err), err,
                    "the catalog of the environment %.*s", STR_ARGS(environment->name));
        arena_defer(project->arena, close_catalog, project->catalog);
    }
    *ret_catalog = project->catalog;
    return RC_OK;
}

rc project_duck_options(struct project *project, struct duck_options *ret_options, struct err *err)
{
    struct store *store;
    TRY(project_store(project, &store, err));
    *ret_options = (struct duck_options){
        .threads = (int)project->environment->engine.threads,
        .memory_bytes = project->environment->engine.memory_bytes,
    };
    s3_duck_remotes(store, &ret_options->remotes);
    return RC_OK;
}
