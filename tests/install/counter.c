/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An adapter from outside, built by scripts/check-install from nothing but an installed consort-sdk: a resource is
 * the numbers from 1 to the database's `count`. It only scans, with one declared attribute; the core does the rest.
 */
#include <stdlib.h>

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

static uint32_t init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	(void)error;
	*out_plugin = (void *)(uintptr_t)host;
	return CONSORT_OK;
}

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

static uint32_t connection_open(void *database, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	(void)error;
	(void)call;
	*out_connection = database;
	return CONSORT_OK;
}

static void connection_close(void *connection, const struct consort_call *call)
{
	(void)connection;
	(void)call;
}

static uint32_t connection_check(void *connection, const struct consort_call *call, struct consort_error *error)
{
	(void)connection;
	(void)call;
	(void)error;
	return CONSORT_OK;
}

static void connection_abandon(void *connection)
{
	(void)connection;
}

static void connection_features(void *connection, struct consort_features *mask,
				const struct consort_feature_sink *sink)
{
	(void)connection;
	(void)mask;
	(void)sink;
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

static void answer_node(const struct consort_node *node, struct consort_offer *answer)
{
	uint32_t i;

	if (node->kind == CONSORT_NODE_SCAN)
		answer->fidelity[node->number] = CONSORT_FIDELITY_EXACT;
	for (i = 0; i < node->ninputs; i++)
		answer_node(node->inputs[i], answer);
}

static uint32_t query_offer(void *database, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	(void)database;
	(void)error;
	answer_node(tree, answer);
	return CONSORT_OK;
}

static uint32_t query_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			      struct consort_error *error)
{
	(void)database;
	if (statement->flags || statement->root->kind != CONSORT_NODE_SCAN || statement->root->nattributes > 1)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "the counter only counts");
	*out_compiled = (void *)(uintptr_t)statement->root;
	return CONSORT_OK;
}

static void query_compiled_free(void *database, void *compiled)
{
	(void)database;
	(void)compiled;
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

	if (consort_call_cancelled(call))
		return consort_error_set(error, CONSORT_ECANCELLED, "the counter was stopped");
	while (cursor->next <= cursor->last) {
		if (batch->ncolumns)
			consort_append_int64(&batch->columns[0], cursor->next);
		cursor->next++;
		if (consort_batch_end_row(batch))
			break;
	}
	return CONSORT_OK;
}

static void query_close(void *cursor)
{
	free(cursor);
}

static const struct consort_database_ops database_ops = {
	.struct_size = sizeof(database_ops), .open = database_open, .close = database_close,
};

static const struct consort_connection_ops connection_ops = {
	.struct_size = sizeof(connection_ops), .open = connection_open, .close = connection_close,
	.ping = connection_check, .reset = connection_check, .abandon = connection_abandon,
	.features = connection_features, .info = connection_info,
};

static const struct consort_query_ops query_ops = {
	.struct_size = sizeof(query_ops), .offer = query_offer, .compile = query_compile,
	.compiled_free = query_compiled_free, .open = query_open, .next = query_next, .close = query_close,
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
	.init = init,
	.database = &database_ops,
	.connection = &connection_ops,
	.query = &query_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES, 0);
