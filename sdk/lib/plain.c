/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of engines without connections, without state in them, or without statements. */
#include <consort/adapter.h>
#include <consort/convert.h>

uint32_t consort_plain_init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	(void)error;
	*out_plugin = (void *)(uintptr_t)host;
	return CONSORT_OK;
}

uint32_t consort_plain_open(void *database, const struct consort_call *call, void **out_connection,
			    struct consort_error *error)
{
	uint32_t status = consort_call_check(call, error);

	if (!status)
		*out_connection = database;
	return status;
}

void consort_plain_close(void *connection, const struct consort_call *call)
{
	(void)connection;
	(void)call;
}

uint32_t consort_plain_check(void *connection, const struct consort_call *call, struct consort_error *error)
{
	(void)connection;
	return consort_call_check(call, error);
}

void consort_plain_abandon(void *connection)
{
	(void)connection;
}

void consort_plain_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink)
{
	(void)connection;
	(void)mask;
	(void)sink;
}

uint32_t consort_plain_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			       struct consort_error *error)
{
	(void)database;
	if (statement->flags)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags %#x of a statement",
					 (unsigned)statement->flags);
	*out_compiled = (void *)(uintptr_t)statement->root;
	return CONSORT_OK;
}

void consort_plain_compiled_free(void *database, void *compiled)
{
	(void)database;
	(void)compiled;
}
