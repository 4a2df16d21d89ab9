/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what its options tell it: `open = 0 12 0` fails the second opening with status 12. The same goes for
 * ping, begin, commit and rollback; what comes behind the list's end succeeds. A status may have letters
 * behind it: r (retryable), d (the connection is dead). A native statement "fail 9" fails with status 9,
 * others succeed. Each operation is logged: "begin on 1", where 1 is the connection's number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/plugin.h>

#define MOST_FOR_UNDOING INT64_C(5000000000)

enum part { OPEN, PING, READ, BEGIN, COMMIT, ROLLBACK, PARTS };
static const char *const parts[PARTS] = {"open", "ping", "read", "begin", "commit", "rollback"};

struct puppet {
	const struct consort_host *host;
	char name[64];
	char script[PARTS][128];
	uint32_t played[PARTS], opened; /* atomic */
};

struct connection {
	struct puppet *puppet;
	uint32_t number;
	uint32_t columns; /* of what is read */
};

static void tell(const struct puppet *puppet, const char *what, uint32_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "%s on %u", what, number);
	puppet->host->log(CONSORT_LOG_DEBUG, puppet->name, text);
}

static uint32_t fail_as(const char *text, struct consort_error *error)
{
	char *end;

	error->status = (uint32_t)strtoul(text, &end, 10);
	for (; *end == 'r' || *end == 'd'; end++)
		error->flags |= *end == 'r' ? CONSORT_ERROR_RETRYABLE : CONSORT_ERROR_CONNECTION_DEAD;
	snprintf(error->message, sizeof(error->message), "as told (%u)", error->status);
	return error->status;
}

static uint32_t play(struct puppet *puppet, enum part part, uint32_t number, struct consort_error *error)
{
	uint32_t turn = __atomic_fetch_add(&puppet->played[part], 1, __ATOMIC_ACQ_REL);
	const char *at = puppet->script[part];

	tell(puppet, parts[part], number);
	for (at += strspn(at, " "); turn && *at; turn--) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return *at && *at != '0' ? fail_as(at, error) : CONSORT_OK;
}

static uint32_t init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	(void)error;
	*out_plugin = (void *)(uintptr_t)host;
	return CONSORT_OK;
}

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct puppet *puppet = calloc(1, sizeof(*puppet));
	uint32_t i, part;

	if (!puppet) {
		error->status = CONSORT_ENOMEM;
		return error->status;
	}
	puppet->host = plugin;
	snprintf(puppet->name, sizeof(puppet->name), "%s", config->name);
	for (i = 0; i < config->noptions; i++) {
		const struct consort_setting *option = &config->options[i];

		for (part = 0; part < PARTS; part++)
			if (!strcmp(option->name, parts[part]))
				snprintf(puppet->script[part], sizeof(puppet->script[part]), "%.*s",
					 (int)option->value.as.view.size,
					 (const char *)option->value.as.view.data);
	}
	*out_database = puppet;
	return CONSORT_OK;
}

static uint32_t connection_open(void *database, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	struct puppet *puppet = database;
	struct connection *connection = calloc(1, sizeof(*connection));
	uint32_t number = __atomic_add_fetch(&puppet->opened, 1, __ATOMIC_ACQ_REL);
	uint32_t status = play(puppet, OPEN, number, error);

	(void)call;
	if (!connection || status) {
		free(connection);
		return status ? status : fail_as("15", error);
	}
	connection->puppet = puppet;
	connection->number = number;
	*out_connection = connection;
	return CONSORT_OK;
}

static void connection_close(void *context, const struct consort_call *call)
{
	struct connection *connection = context;

	(void)call;
	tell(connection->puppet, "close", connection->number);
	free(connection);
}

static uint32_t connection_ping(void *context, const struct consort_call *call, struct consort_error *error)
{
	struct connection *connection = context;

	(void)call;
	return play(connection->puppet, PING, connection->number, error);
}

static uint32_t connection_reset(void *context, const struct consort_call *call, struct consort_error *error)
{
	struct connection *connection = context;

	(void)call;
	(void)error;
	tell(connection->puppet, "reset", connection->number);
	return CONSORT_OK;
}

static void connection_abandon(void *context)
{
	(void)context;
}

static void connection_features(void *context, struct consort_features *mask,
				const struct consort_feature_sink *sink)
{
	(void)context;
	(void)mask;
	(void)sink;
}

static void connection_info(void *context, struct consort_connection_info *info)
{
	(void)context;
	info->server = "puppet";
	info->identity = "puppet";
	info->user = "";
}

static uint32_t transaction_begin(void *context, const struct consort_call *call,
				  const struct consort_transaction_options *options,
				  struct consort_error *error)
{
	struct connection *connection = context;

	(void)call;
	(void)options;
	return play(connection->puppet, BEGIN, connection->number, error);
}

static uint32_t transaction_commit(void *context, const struct consort_call *call,
				   struct consort_error *error)
{
	struct connection *connection = context;

	(void)call;
	return play(connection->puppet, COMMIT, connection->number, error);
}

static uint32_t transaction_rollback(void *context, const struct consort_call *call,
				     struct consort_error *error)
{
	struct connection *connection = context;

	/* undoing has a time of its own, which ends */
	if (!call->deadline || call->deadline > connection->puppet->host->clock() + MOST_FOR_UNDOING ||
	    call->cancelled)
		return fail_as("21", error);
	return play(connection->puppet, ROLLBACK, connection->number, error);
}

static uint32_t native_open(void *context, const struct consort_call *call, const char *text,
			    const struct consort_run *run, void **out_cursor,
			    const struct consort_field *const **out_fields, uint32_t *out_nfields,
			    int64_t *out_affected, struct consort_error *error)
{
	struct connection *connection = context;

	(void)call;
	(void)run;
	tell(connection->puppet, text, connection->number);
	if (!strncmp(text, "fail ", 5))
		return fail_as(text + 5, error);
	*out_cursor = connection;
	*out_fields = NULL;
	*out_nfields = 0;
	*out_affected = 1;
	return CONSORT_OK;
}

/* Only the scan below all else. */
static uint32_t query_offer(void *database, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	(void)database;
	(void)error;
	while (tree->ninputs)
		tree = tree->inputs[0];
	answer->fidelity[tree->number] = CONSORT_FIDELITY_EXACT;
	return CONSORT_OK;
}

static uint32_t query_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			      struct consort_error *error)
{
	(void)database;
	(void)error;
	*out_compiled = (void *)(uintptr_t)statement->root;
	return CONSORT_OK;
}

static void query_compiled_free(void *database, void *compiled)
{
	(void)database;
	(void)compiled;
}

static uint32_t query_open(void *context, const struct consort_call *call, void *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct connection *connection = context;
	const struct consort_node *scan = compiled;
	uint32_t status = play(connection->puppet, READ, connection->number, error);

	(void)call;
	(void)run;
	if (status)
		return status;
	connection->columns = scan->nfields;
	*out_cursor = connection;
	return CONSORT_OK;
}

static uint32_t query_next(void *cursor, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct connection *connection = cursor;
	uint32_t i;

	(void)call;
	(void)error;
	for (i = 0; i < connection->columns; i++)
		consort_append_int64(&batch->columns[i], 1);
	consort_batch_end_row(batch);
	batch->flags |= CONSORT_BATCH_LAST;
	return CONSORT_OK;
}

static void query_close(void *cursor)
{
	(void)cursor;
}

#define OPTION(option_name)                                                                        \
	&(const struct consort_option)                                                             \
	{                                                                                          \
		.struct_size = sizeof(struct consort_option), .type = CONSORT_OPTION_TEXT,         \
		.scope = CONSORT_OPTION_DATABASE, .name = option_name, .help = "statuses, in turn" \
	}

static const struct consort_option *const options[] = {
	OPTION("open"),	  OPTION("ping"),     OPTION("read"), OPTION("begin"),
	OPTION("commit"), OPTION("rollback"), NULL,
};
static const struct consort_database_ops database_ops = {
	.struct_size = sizeof(database_ops), .open = database_open, .close = free};
static const struct consort_connection_ops connection_ops = {
	.struct_size = sizeof(connection_ops),
	.open = connection_open,
	.close = connection_close,
	.ping = connection_ping,
	.reset = connection_reset,
	.abandon = connection_abandon,
	.features = connection_features,
	.info = connection_info,
};
static const struct consort_query_ops query_ops = {
	.struct_size = sizeof(query_ops),
	.offer = query_offer,
	.compile = query_compile,
	.compiled_free = query_compiled_free,
	.open = query_open,
	.next = query_next,
	.close = query_close,
};
static const struct consort_transaction_ops transaction_ops = {
	.struct_size = sizeof(transaction_ops),
	.begin = transaction_begin,
	.commit = transaction_commit,
	.rollback = transaction_rollback,
};
static const struct consort_native_ops native_ops = {.struct_size = sizeof(native_ops), .open = native_open};

#define FEATURES                                                                                         \
	(CONSORT_FEATURE_BIT(CONSORT_FEATURE_READ) | CONSORT_FEATURE_BIT(CONSORT_FEATURE_TRANSACTIONS) | \
	 CONSORT_FEATURE_BIT(CONSORT_FEATURE_NATIVE))

static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.abi_minor = CONSORT_ABI_MINOR,
	.id = "puppet",
	.version = "1",
	.licence = "Apache-2.0",
	.vendor = "the zoo",
	.homepage = "",
	.description = "does what it is told",
	.features = {{FEATURES, 0}},
	.options = options,
	.init = init,
	.database = &database_ops,
	.connection = &connection_ops,
	.query = &query_ops,
	.transaction = &transaction_ops,
	.native = &native_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, "puppet", "1", FEATURES, 0);
