/// @file config.h
/// The shared files of AWS's tools, ~/.aws/config and ~/.aws/credentials: profiles, sso-session and
/// services sections, nested keys, continuation lines, comments. Layer: aws.
/// Threads: read-only once parsed. Sources: AWS SDKs and Tools Reference Guide ("Shared config and
/// credentials files"); Python's configparser for indentation, since AWS's own tools read with it.
/// Limits: a file of AWS_CONFIG_MAX_BYTES.

#ifndef AWS_CONFIG_H
#define AWS_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

enum { AWS_CONFIG_MAX_BYTES = 4 << 20 };

enum aws_section_kind { AWS_SECTION_PROFILE, AWS_SECTION_SSO_SESSION, AWS_SECTION_SERVICES };

struct aws_property {
    struct str key;   // lower case; of a nested block: "s3.endpoint_url"
    struct str value; // continuation lines joined by line ends
    struct str place; // file
    int line;
};
VEC_TYPE(aws_property_vec, struct aws_property);

struct aws_section {
    enum aws_section_kind kind;
    struct str name;
    bool is_prefixed; // [profile x]: in the config file it beats [x]
    aws_property_vec properties;
};
VEC_TYPE(aws_section_vec, struct aws_section);

struct aws_config {
    aws_section_vec sections;
};

enum aws_config_kind { AWS_CONFIG_FILE, AWS_CREDENTIALS_FILE };

/// Adds what a file says; keys of a profile that is there already are replaced, so parse the config
/// file first and the credentials file, which beats it, second.
/// @param place  named in errors
/// @return RC_OK | RC_CONFIG (file:line)
CHECK rc aws_config_parse(struct arena *arena, struct str text, enum aws_config_kind kind,
                          struct str place, struct aws_config *config, struct err *err);

/// NULL when there is none.
const struct aws_section *aws_config_section(const struct aws_config *config,
                                             enum aws_section_kind kind, struct str name);
/// NULL when it is not set (or `section` is NULL).
const struct aws_property *aws_section_property(const struct aws_section *section, struct str key);
/// The value; "" when it is not set.
struct str aws_section_get(const struct aws_section *section, const char *key);

#endif
