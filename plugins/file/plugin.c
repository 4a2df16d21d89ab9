/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file adapter's descriptor: what it is called, takes and can do, and the tables that do it.
 */
#include "file.h"

#define ID "file"
#define VERSION "0.1.0"
#define FEATURES                                                                                         \
	(CONSORT_FEATURE_BIT(CONSORT_FEATURE_READ) | CONSORT_FEATURE_BIT(CONSORT_FEATURE_STREAMING) |    \
	 CONSORT_FEATURE_BIT(CONSORT_FEATURE_INTROSPECT) | CONSORT_FEATURE_BIT(CONSORT_FEATURE_CANCEL) | \
	 CONSORT_FEATURE_BIT(CONSORT_FEATURE_EXPLAIN) |                                                  \
	 CONSORT_FEATURE_BIT(CONSORT_FEATURE_CONCURRENT_CURSORS))

#define OPTION(...) (&(const struct consort_option){sizeof(struct consort_option), __VA_ARGS__})

static const struct consort_option *const options[] = {
	OPTION(.type = CONSORT_OPTION_PATH, .scope = CONSORT_OPTION_DATABASE, .required = 1, .name = "path",
	       .help = "the folder that the files are in"),
	OPTION(.type = CONSORT_OPTION_CHOICE, .scope = CONSORT_OPTION_RESOURCE, .name = "format",
	       .default_value = "auto", .choices = "auto,csv,jsonl",
	       .help = "how the files are written; auto: by their names (.csv, .jsonl, .ndjson)"),
	OPTION(.type = CONSORT_OPTION_TEXT, .scope = CONSORT_OPTION_RESOURCE, .name = "delimiter",
	       .default_value = ",", .help = "CSV: the character between fields, or the word tab"),
	OPTION(.type = CONSORT_OPTION_TEXT, .scope = CONSORT_OPTION_RESOURCE, .name = "quote",
	       .default_value = "\"", .help = "CSV: the character around fields, or the word none"),
	OPTION(.type = CONSORT_OPTION_BOOL, .scope = CONSORT_OPTION_RESOURCE, .name = "header",
	       .default_value = "yes",
	       .help = "CSV: the first line names the columns; else they are c1, c2, ..."),
	OPTION(.type = CONSORT_OPTION_TEXT, .scope = CONSORT_OPTION_RESOURCE, .name = "null",
	       .help = "CSV: a text that means NULL, as the empty field without quotes always does"),
	OPTION(.type = CONSORT_OPTION_INT, .scope = CONSORT_OPTION_RESOURCE, .name = "sample",
	       .default_value = "20000", .help = "records of each file that types are inferred from; 0: all"),
	NULL,
};

static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.abi_minor = CONSORT_ABI_MINOR,
	.id = ID,
	.version = VERSION,
	.licence = "Apache-2.0",
	.vendor = "Consort",
	.homepage = "",
	.description = "CSV and JSON Lines files, read in place",
	.features = {{FEATURES, 0}},
	.requires_host = {{CONSORT_FEATURE_BIT(CONSORT_HOST_LOG), 0}},
	.options = options,
	.init = consort_plain_init,
	.database = &file_database_ops,
	.connection = &file_connection_ops,
	.query = &file_query_ops,
	.schema = &file_schema_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES, 0);
