// The program: finds out how it was started, runs the command of its words, prints its error once,
// and ends with the exit code of its class. Layer: cli (the top). Nothing heavy is loaded or opened
// here, so that `moulin version` starts in milliseconds.

#include <stdlib.h>

#include "base/log.h"
#include "base/runtime.h"
#include "base/vec.h"
#include "cli/invoke.h"
#include "cli/lambda.h"
#include "cli/package_words.h"

/// Prints the error once and gives the process's exit code.
static int finish(rc code, const struct err *err)
{
    if (code == RC_OK)
        return 0;
    if (code == RC_EOF)
        return 0; // the reader of stdout has seen enough
    log_error(err);
    return runtime_is_stopping() ? rc_class_of(RC_INTERRUPTED)->exit_code
                                 : rc_class_of(code)->exit_code;
}

/// "moulin --version" is what people type first.
static bool is_version_call(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], "--version") == 0;
}

static rc run(struct arena *arena, int argc, char **argv, struct err *err)
{
    static const char *const version_call[] = {"version"};
    const bool is_version = is_version_call(argc, argv);
    struct invocation invocation = {.words =
                                        is_version ? version_call : (const char *const *)argv + 1,
                                    .word_count = argc > 0 ? (size_t)argc - 1 : 0,
                                    .program = argc > 0 ? argv[0] : "moulin"};
    if (runtime_package_folder() != NULL && !is_version)
        TRY(package_words(arena, runtime_package_folder(), &invocation, err));
    return invoke(arena, &invocation, err);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    runtime_start();
    if (lambda_is_runtime())
        return lambda_main();
    struct arena *arena = arena_open(NULL);
    const int exit_code = finish(run(arena, argc, argv, &err), &err);
    arena_close(arena);
    return exit_code;
}
