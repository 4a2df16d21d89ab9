/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An adapter from outside, built by scripts/check-install from nothing but an installed consort-sdk: a resource is
 * the numbers from 1 to the database's `count`. It only scans, with one declared attribute; the core does the rest.
 */
#include <stdlib.h>

#include <consort/adapter.h>
#include <consort/convert.h>
#include <consort/plugin.h>

#define ID "counter"
#define VERSION "1.0"
#define FEATURES (CONSORT_FEATURE_BIT(CONSORT_FEATURE_READ) | CONSORT_FEATURE_BIT(CONSORT_FEATURE_STREAMING))

static const struct consort_option count_option = {
	.struct_size = sizeof(count_option), .type = CONSORT_OPTION_INT, .scope = CONSORT_OPTION_DATABASE,
	.required = 1, .name = "count", .help = "the last number",
};
static const struct consort_option *const options[] = {&count_option, NULL};

/* --- the database is its option; connections have nothing of their own --- */

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	int64_t *count = malloc(sizeof(*count));

	(void)plugin;
	if (!count)
		return consort_error_no_memory(error);
	*count = config->options[0].value.as.int64;
	*out_database = count;
	return CONSORT_OK;
}

static void database_close(void *database)
{
	free(database);
}

static void connection_info(void *connection, struct consort_connection_info *info)
{
	(void)connection;
	info->server = "the numbers";
	info->identity = info->user = "";
}

/* --- queries: a scan, exactly; nothing else --- */

struct cursor {
	int64_t next, last;
};

static uint32_t query_offer(void *database, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	(void)database;
	(void)error;
	consort_offer_scan(tree, answer, "the counter only counts");
	return CONSORT_OK;
}

static uint32_t query_open(void *connection, const struct consort_call *call, void *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct cursor *cursor = malloc(sizeof(*cursor));

	(void)call;
	(void)compiled;
	(void)run;
	if (!cursor)
		return consort_error_no_memory(error);
	cursor->next = 1;
	cursor->last = *(const int64_t *)connection;
	*out_cursor = cursor;
	return CONSORT_OK;
}

static uint32_t query_next(void *object, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct cursor *cursor = object;
	uint32_t status = consort_call_check(call, error);

	while (!status && cursor->next <= cursor->last) {
		if (batch->ncolumns)
			consort_append_int64(&batch->columns[0], cursor->next);
		cursor->next++;
		if (consort_batch_end_row(batch))
			break;
	}
	return status;
}

static void query_close(void *cursor)
{
	free(cursor);
}

static const struct consort_database_ops database_ops = {
	.struct_size = sizeof(database_ops), .open = database_open, .close = database_close,
};

static const struct consort_connection_ops connection_ops = {
	.struct_size = sizeof(connection_ops), .open = consort_plain_open, .close = consort_plain_close,
	.ping = consort_plain_check, .reset = consort_plain_check, .abandon = consort_plain_abandon,
	.features = consort_plain_features, .info = connection_info,
};

static const struct consort_query_ops query_ops = {
	.struct_size = sizeof(query_ops), .offer = query_offer, .compile = consort_plain_compile,
	.compiled_free = consort_plain_compiled_free, .open = query_open, .next = query_next, .close = query_close,
};

static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.abi_minor = CONSORT_ABI_MINOR,
	.id = ID,
	.version = VERSION,
	.licence = "Apache-2.0",
	.vendor = "a third party",
	.homepage = "",
	.description = "the numbers from 1 on",
	.features = {{FEATURES, 0}},
	.options = options,
	.init = consort_plain_init,
	.database = &database_ops,
	.connection = &connection_ops,
	.query = &query_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES, 0);
